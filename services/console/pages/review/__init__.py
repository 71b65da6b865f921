"""The review of one plan, like a code review: what changed, what is said about it, and who releases it."""

from services.console.pages.review.handlers import ROUTES

__all__ = ["ROUTES"]
