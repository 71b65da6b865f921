"""Everything on one machine: a real Redis, local keys and accounts, both services."""
