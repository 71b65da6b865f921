"""Scripts of others are shipped as they were published, each with its licence beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[3] / "services" / "console" / "static"
SHIPPED = {
    "htmx-2.0.11.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    "sortable-1.15.7.min.js": "bf4241bc73fef7f11c59a283a69fe8051cdd31c6d8ff5a2b9ba219e7831fcf76",
}
"""Each script with the SHA-256 of the file in its npm package."""


@pytest.mark.parametrize("name", SHIPPED)
def test_a_script_of_others_is_the_published_one_with_its_licence(name: str) -> None:
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == SHIPPED[name]
    licence = (STATIC / f"{name.partition('-')[0]}-LICENSE.txt").read_text()
    assert "Permission" in licence


def test_there_are_no_others() -> None:
    assert {path.name for path in STATIC.glob("*.min.js")} == set(SHIPPED)
