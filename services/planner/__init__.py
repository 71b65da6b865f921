"""The planner service: from an assessment to a sequenced, explained session that a person approves or changes."""
