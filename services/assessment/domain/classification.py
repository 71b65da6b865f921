"""What palpation signs amount to, by the criteria an international panel of experts agreed on in 2018.

Source: Fernández-de-las-Peñas and Dommerholt 2018 (`delphi_2018`). Three signs make a trigger point: a taut band, a
hypersensitive spot and referred pain; two of them are enough. It is active if pressing it brings on the pain that the
client knows, and latent if not.
"""

from __future__ import annotations

from services.assessment.domain.findings import Classification, PalpationFinding

SIGNS_NEEDED = 2


def classify(finding: PalpationFinding) -> Classification:
    """Returns what the signs amount to. A zone that the muscle referred to says that it referred."""
    return classify_signs(
        taut_band=finding.taut_band,
        spot_tenderness=finding.spot_tenderness,
        referred_pain=True if finding.referred_to else finding.referred_pain,
        reproduces_familiar_pain=finding.reproduces_familiar_pain,
    )


def classify_signs(
    *,
    taut_band: bool | None,
    spot_tenderness: bool | None,
    referred_pain: bool | None,
    reproduces_familiar_pain: bool | None,
) -> Classification:
    """Returns what four signs amount to; None means that a sign was not looked for or not asked.

    | at least two of band, spot, referral | familiar pain reproduced | |
    |---|---|---|
    | yes | yes | ACTIVE_TRIGGER_POINT |
    | yes | no | LATENT_TRIGGER_POINT |
    | no: of the three only the spot was found | any | TENDER |
    | no: of the three only the band was found | any | TAUT |
    | all three absent | no | UNREMARKABLE |
    | anything else | | INCOMPLETE |
    """
    signs = (taut_band, spot_tenderness, referred_pain)
    if signs.count(True) >= SIGNS_NEEDED:
        if reproduces_familiar_pain is None:
            return Classification.INCOMPLETE
        return Classification.ACTIVE_TRIGGER_POINT if reproduces_familiar_pain else Classification.LATENT_TRIGGER_POINT
    if spot_tenderness:
        return Classification.TENDER
    if taut_band:
        return Classification.TAUT
    asked_and_absent = (*signs, reproduces_familiar_pain) == (False, False, False, False)
    return Classification.UNREMARKABLE if asked_and_absent else Classification.INCOMPLETE
