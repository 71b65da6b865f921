"""The treatment room: the session step by step, on a page that goes on working when the network drops."""

from services.console.pages.room.handlers import ROUTES

__all__ = ["ROUTES"]
