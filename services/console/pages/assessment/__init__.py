"""The assessment page: flags, pain, palpation, range of motion and fit, every tap saved at once."""

from services.console.pages.assessment.handlers import ROUTES

__all__ = ["ROUTES"]
