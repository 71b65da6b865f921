"""Learning mode: read, predict, lock, and only then compare with what the planner and a supervisor would do."""

from services.console.pages.learn.handlers import ROUTES

__all__ = ["ROUTES"]
