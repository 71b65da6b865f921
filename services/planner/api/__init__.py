"""The planner on the wire: parse, render, errors, rights, and the handlers between them."""
