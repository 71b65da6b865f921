"""`python -m sheet pdf|html [--regions FILE]`: prints one sheet, as a child of whoever does not want WeasyPrint inside.

Standard input holds a JSON object: `plan` and `newest` in proto-JSON (`newest` may be null), and `words` with `names`,
`units` and `methods`. The document goes to standard output. Exit code 3 with a sentence on standard error if the
machine lacks what a PDF needs, 4 if the plan does not fit one page.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from google.protobuf.json_format import ParseDict

from myoplan.planner.v1.plan_pb2 import Plan
from sheet import PrinterMissing, SheetOverfull, Words, html, pdf

PRINTER_MISSING, OVERFULL = 3, 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads, prints, writes; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sheet", description=__doc__)
    parser.add_argument("kind", choices=("pdf", "html"))
    parser.add_argument("--regions", type=Path, help="the shapes of the body chart; without them no chart is drawn")
    asked = parser.parse_args(arguments)
    given = json.load(sys.stdin.buffer)
    plan = ParseDict(given["plan"], Plan())
    newest = ParseDict(given["newest"], Plan()) if given["newest"] else None
    words = Words(**given["words"])
    regions = json.loads(asked.regions.read_bytes()) if asked.regions else None
    try:
        if asked.kind == "html":
            content = html(plan, words, regions=regions, newest=newest).encode("utf-8")
        else:
            content = pdf(plan, words, regions=regions, newest=newest)
    except PrinterMissing as missing:
        return _refused(missing, PRINTER_MISSING)
    except SheetOverfull as overfull:
        return _refused(overfull, OVERFULL)
    sys.stdout.buffer.write(content)
    return 0


def _refused(why: Exception, code: int) -> int:
    sys.stderr.write(f"{why}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
