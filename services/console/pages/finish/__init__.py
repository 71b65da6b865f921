"""Closing a visit: motions measured again, pain and reaction; then what was planned against what was done."""

from services.console.pages.finish.handlers import ROUTES

__all__ = ["ROUTES"]
