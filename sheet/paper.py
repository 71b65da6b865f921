"""The sheet as a PDF: one A4 page, tagged, with a title and a language, made without any look outside."""

from __future__ import annotations

from typing import Any

from sheet.contents import Contents
from sheet.page import DENSITIES, font_faces, likely, style, write_page

_VARIANT = "pdf/ua-1"


class PrinterMissing(Exception):
    """WeasyPrint or a library of the system that it needs is not there."""


class SheetOverfull(Exception):
    """The plan does not fit one page even in the smallest type; nothing was left out, so nothing was printed."""


def print_page(sheet: Contents) -> bytes:
    """Returns the PDF, in type as large as fits one page. Raises PrinterMissing, SheetOverfull."""
    weasyprint, fetcher = _weasyprint()
    # The fonts are unpacked once, not for every try.
    fonts = weasyprint.text.fonts.FontConfiguration()
    faces = weasyprint.CSS(string=font_faces(), font_config=fonts, url_fetcher=fetcher)

    # Each try costs as much as the whole rest: begin where the sheet is likely to fit, and only go to smaller type.
    for density in DENSITIES[likely(sheet) :]:
        text = write_page(sheet, density, style())
        document = weasyprint.HTML(string=text, url_fetcher=fetcher).render(stylesheets=[faces], font_config=fonts)
        if len(document.pages) == 1:
            content: bytes = document.write_pdf(pdf_variant=_VARIANT)
            return content
    raise SheetOverfull("the plan does not fit one page, even in the smallest type; nothing was printed")


def _weasyprint() -> tuple[Any, Any]:
    """Returns WeasyPrint, and a fetcher that gives it nothing but what the document itself holds."""
    try:
        import weasyprint  # noqa: PLC0415 - slow to load, large, and needed only for a PDF
        from weasyprint.urls import URLFetcher  # noqa: PLC0415 - see above
    except (ImportError, OSError) as error:
        raise PrinterMissing(
            "a PDF needs WeasyPrint and the system library Pango (on Debian: apt install libpango-1.0-0 "
            f"libpangoft2-1.0-0); the HTML sheet needs neither. {error}"
        ) from error
    return weasyprint, URLFetcher(allowed_protocols=("data",), allow_redirects=False)
