"""Other solvers, each in an environment of its own, spoken to through problem files."""
