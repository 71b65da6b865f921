"""The printed session sheet: from the message of a plan to one A4 page, as HTML or as PDF.

A leaf: it knows the contract of a plan and nothing else of the product. What the knowledge base calls things, and the
shapes of the body chart, come from the caller.
"""

from __future__ import annotations

from myoplan.planner.v1.plan_pb2 import Plan
from sheet.chart import Regions
from sheet.contents import contents_of
from sheet.page import DENSITIES, font_faces, likely, style, write_page
from sheet.paper import PrinterMissing, SheetOverfull, print_page
from sheet.words import Words

__all__ = ["PrinterMissing", "Regions", "SheetOverfull", "Words", "html", "pdf"]


def html(plan: Plan, words: Words, *, regions: Regions | None = None, newest: Plan | None = None) -> str:
    """Returns the sheet as one HTML document that is ready to be printed from a browser.

    `newest` is the newest revision of the same plan; None: `plan` is.
    """
    sheet = contents_of(plan, words, regions, newest)
    return write_page(sheet, DENSITIES[likely(sheet)], font_faces() + style())


def pdf(plan: Plan, words: Words, *, regions: Regions | None = None, newest: Plan | None = None) -> bytes:
    """Returns the sheet as a PDF of one A4 page. Raises PrinterMissing, SheetOverfull."""
    return print_page(contents_of(plan, words, regions, newest))
