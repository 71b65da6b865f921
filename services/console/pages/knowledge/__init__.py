"""The knowledge browser: lists, one thing in full, and what is one edge away from it."""

from services.console.pages.knowledge.handlers import ROUTES

__all__ = ["ROUTES"]
