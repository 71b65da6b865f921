"""What the planner calls: the assessment service, as its caller."""
