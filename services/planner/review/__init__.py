"""Who may do what to a plan, and what becomes of it: pure, with the rules as one table."""
