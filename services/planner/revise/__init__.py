"""Edits a plan: what a person asks for becomes demands, and the plan that meets them changes as little as possible."""

from services.planner.revise.revise import Revised, Stamp, revise

__all__ = ["Revised", "Stamp", "revise"]
