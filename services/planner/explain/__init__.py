"""Explains finished plans: what brings in what is left out, how two plans differ, whether a plan comes out again."""
