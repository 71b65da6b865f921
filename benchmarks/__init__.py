"""How figures are taken, next to the peers they are compared with."""
