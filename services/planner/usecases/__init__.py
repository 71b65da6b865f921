"""What can be asked of the planner: one function each."""
