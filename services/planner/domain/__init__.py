"""The planner's words as frozen values: no I/O, no clock, no randomness, no wire format."""
