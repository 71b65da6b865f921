"""Progress: what was measured at each visit against measurement error, and what was done in between."""

from services.console.pages.progress.handlers import ROUTES

__all__ = ["ROUTES"]
