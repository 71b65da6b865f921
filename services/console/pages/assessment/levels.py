"""The words of the finding bar, as shorthand for recorded signs; the class shown is the one the service derives."""

from __future__ import annotations

from collections.abc import Mapping

from myoplan.assessment.v1.assessment_pb2 import PalpationFinding

Classification = PalpationFinding.Classification

# Tight: a taut band. Tender: a tender spot. Latent: both, and it is not the familiar pain. Active: both, and it is.
SIGNS: Mapping[str, Mapping[str, bool]] = {
    "tight": {"taut_band": True},
    "tender": {"spot_tenderness": True},
    "latent": {"taut_band": True, "spot_tenderness": True, "reproduces_familiar_pain": False},
    "active": {"taut_band": True, "spot_tenderness": True, "reproduces_familiar_pain": True},
    "nothing": {
        "taut_band": False,
        "spot_tenderness": False,
        "referred_pain": False,
        "reproduces_familiar_pain": False,
    },
}
LEVELS = tuple(SIGNS)
_ASKED = ("taut_band", "spot_tenderness", "referred_pain", "reproduces_familiar_pain")

_LEVEL_OF: Mapping[int, str] = {
    Classification.ACTIVE_TRIGGER_POINT: "active",
    Classification.LATENT_TRIGGER_POINT: "latent",
    Classification.TENDER: "tender",
    Classification.TAUT: "tight",
    Classification.UNREMARKABLE: "nothing",
}


def level_of(finding: PalpationFinding) -> str:
    """Returns the word for what the service made of the signs; `incomplete` where too little was asked."""
    return _LEVEL_OF.get(finding.classification, "incomplete")


def with_level(finding: PalpationFinding, level: str) -> PalpationFinding:
    """Returns the finding with the signs of a level; whatever else was recorded of it stays. KeyError for no level."""
    signs = SIGNS[level]
    changed = PalpationFinding()
    changed.CopyFrom(finding)
    for sign in _ASKED:
        keeps_referral = sign == "referred_pain" and level != "nothing"
        if not keeps_referral:
            changed.ClearField(sign)  # type: ignore[arg-type]
    if level == "nothing":
        changed.ClearField("referred_to")
        changed.ClearField("tenderness")
    for sign, value in signs.items():
        setattr(changed, sign, value)
    return changed
