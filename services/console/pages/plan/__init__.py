"""The plan page: the hour, why each step is there, what was left out, and every change until it is released."""

from services.console.pages.plan.handlers import ROUTES

__all__ = ["ROUTES"]
