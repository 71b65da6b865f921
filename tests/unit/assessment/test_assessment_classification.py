"""The truth table of palpation, all of it: every answer to four questions has one class."""

from __future__ import annotations

from itertools import product

import pytest

from services.assessment.domain.classification import classify, classify_signs
from services.assessment.domain.findings import Classification, PalpationFinding, ReferredZone, Side

YES, NO, NOT_ASKED = True, False, None
ACTIVE, LATENT = Classification.ACTIVE_TRIGGER_POINT, Classification.LATENT_TRIGGER_POINT
TENDER, TAUT = Classification.TENDER, Classification.TAUT
UNREMARKABLE, INCOMPLETE = Classification.UNREMARKABLE, Classification.INCOMPLETE

# Band, spot, referral -> the class when the familiar pain is reproduced, when it is not, and when nobody asked.
TABLE = {
    (YES, YES, YES): (ACTIVE, LATENT, INCOMPLETE),
    (YES, YES, NO): (ACTIVE, LATENT, INCOMPLETE),
    (YES, YES, NOT_ASKED): (ACTIVE, LATENT, INCOMPLETE),
    (YES, NO, YES): (ACTIVE, LATENT, INCOMPLETE),
    (YES, NO, NO): (TAUT, TAUT, TAUT),
    (YES, NO, NOT_ASKED): (TAUT, TAUT, TAUT),
    (YES, NOT_ASKED, YES): (ACTIVE, LATENT, INCOMPLETE),
    (YES, NOT_ASKED, NO): (TAUT, TAUT, TAUT),
    (YES, NOT_ASKED, NOT_ASKED): (TAUT, TAUT, TAUT),
    (NO, YES, YES): (ACTIVE, LATENT, INCOMPLETE),
    (NO, YES, NO): (TENDER, TENDER, TENDER),
    (NO, YES, NOT_ASKED): (TENDER, TENDER, TENDER),
    (NO, NO, YES): (INCOMPLETE, INCOMPLETE, INCOMPLETE),
    (NO, NO, NO): (INCOMPLETE, UNREMARKABLE, INCOMPLETE),
    (NO, NO, NOT_ASKED): (INCOMPLETE, INCOMPLETE, INCOMPLETE),
    (NO, NOT_ASKED, YES): (INCOMPLETE, INCOMPLETE, INCOMPLETE),
    (NO, NOT_ASKED, NO): (INCOMPLETE, INCOMPLETE, INCOMPLETE),
    (NO, NOT_ASKED, NOT_ASKED): (INCOMPLETE, INCOMPLETE, INCOMPLETE),
    (NOT_ASKED, YES, YES): (ACTIVE, LATENT, INCOMPLETE),
    (NOT_ASKED, YES, NO): (TENDER, TENDER, TENDER),
    (NOT_ASKED, YES, NOT_ASKED): (TENDER, TENDER, TENDER),
    (NOT_ASKED, NO, YES): (INCOMPLETE, INCOMPLETE, INCOMPLETE),
    (NOT_ASKED, NO, NO): (INCOMPLETE, INCOMPLETE, INCOMPLETE),
    (NOT_ASKED, NO, NOT_ASKED): (INCOMPLETE, INCOMPLETE, INCOMPLETE),
    (NOT_ASKED, NOT_ASKED, YES): (INCOMPLETE, INCOMPLETE, INCOMPLETE),
    (NOT_ASKED, NOT_ASKED, NO): (INCOMPLETE, INCOMPLETE, INCOMPLETE),
    (NOT_ASKED, NOT_ASKED, NOT_ASKED): (INCOMPLETE, INCOMPLETE, INCOMPLETE),
}


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(product((YES, NO, NOT_ASKED), repeat=3))


@pytest.mark.parametrize("signs", list(TABLE), ids=str)
@pytest.mark.parametrize(("column", "familiar"), list(enumerate((YES, NO, NOT_ASKED))))
def test_truth_table(signs: tuple[bool | None, bool | None, bool | None], column: int, familiar: bool | None) -> None:
    band, spot, referral = signs
    found = classify_signs(
        taut_band=band, spot_tenderness=spot, referred_pain=referral, reproduces_familiar_pain=familiar
    )
    assert found is TABLE[signs][column]


@pytest.mark.parametrize("referred_pain", [YES, NOT_ASKED])
def test_a_zone_that_it_referred_to_says_that_it_referred(referred_pain: bool | None) -> None:
    finding = PalpationFinding(
        id="f",
        muscle="upper_trapezius",
        side=Side.RIGHT,
        taut_band=True,
        referred_pain=referred_pain,
        referred_to=(ReferredZone(zone="temporal", side=Side.RIGHT),),
        reproduces_familiar_pain=True,
    )
    assert classify(finding) is ACTIVE
