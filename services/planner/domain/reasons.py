"""Why something is in a plan, out of it, or ranked as it is: typed, comparable values made by the rule that decided."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """Names of the planner's own rules; a reason carries one of these or the id of a safety rule.

    `docs/planning.md` explains each in a sentence; a test compares the two lists.
    """

    # What the findings say about a muscle.
    REFERRAL_TO_PAIN_ZONE = "referral_to_pain_zone"
    LIES_UNDER_PAIN_ZONE = "lies_under_pain_zone"
    PALPATION_POSITIVE = "palpation_positive"
    PALPATION_CONFIRMS = "palpation_confirms"
    PALPATION_UNREMARKABLE = "palpation_unremarkable"
    LIMITS_REDUCED_MOTION = "limits_reduced_motion"
    LIMITS_PAINFUL_MOTION = "limits_painful_motion"
    KEY_OF_SATELLITE = "key_of_satellite"
    FUNCTIONAL_PARTNER = "functional_partner"
    CLIENT_FOCUS = "client_focus"
    FURTHER_EVIDENCE = "further_evidence"

    # What people demand.
    PINNED_BY_PERSON = "pinned_by_person"
    MUST_INCLUDE = "must_include"
    EXCLUDED_BY_PERSON = "excluded_by_person"
    MAX_PRESSURE = "max_pressure"

    # What comes before what; `formulate.precedence` says which of these a person may set aside.
    CONFIRM_BEFORE_WORK = "confirm_before_work"
    RELEASE_BEFORE_LENGTHENING = "release_before_lengthening"
    OUTSIDE_BEFORE_INSIDE_THE_MOUTH = "outside_before_inside_the_mouth"
    KEY_BEFORE_SATELLITE = "key_before_satellite"
    SUPERFICIAL_BEFORE_DEEP = "superficial_before_deep"
    PROXIMAL_BEFORE_DISTAL = "proximal_before_distal"
    CHECKS_BEFORE_WORK = "checks_before_work"

    # What the client wants, allows and can do.
    PRESSURE_TOLERANCE = "pressure_tolerance"
    PRESSURE_NOT_ASKED = "pressure_not_asked"
    AVOIDED_BY_CLIENT = "avoided_by_client"
    REGION_NOT_TO_TOUCH = "region_not_to_touch"
    INTRAORAL_CONSENT = "intraoral_consent"
    POSITION_UNAVAILABLE = "position_unavailable"

    # What the knowledge base says about a place, whatever the findings.
    REFER_ONLY = "refer_only"
    ENDANGERMENT_SITE = "endangerment_site"
    NO_TECHNIQUE = "no_technique"
    TECHNIQUE_CONSENT = "technique_consent"
    STOP_WHEN = "stop_when"
    SAFETY_NOT_ASKED = "safety_not_asked"
    SERIOUS_MIMIC = "serious_mimic"

    # What the session needs beside the work itself.
    ARRIVAL = "arrival"
    KEY_MOTION = "key_motion"
    WARM_UP_BEFORE_DEEP_WORK = "warm_up_before_deep_work"
    CONFIRM_BEFORE_TREATMENT = "confirm_before_treatment"
    RELEASE_OF_CANDIDATE = "release_of_candidate"
    LENGTHEN_AFTER_RELEASE = "lengthen_after_release"
    RETEST_OF_TREATED_MOTION = "retest_of_treated_motion"
    INTEGRATE_AFTER_DEEP_WORK = "integrate_after_deep_work"
    CLOSE = "close"
    TURN_TO_REACH = "turn_to_reach"

    # Why a candidate is not treated.
    NOT_PALPATED = "not_palpated"
    STRONGER_CHECKED_FIRST = "stronger_checked_first"
    WEAK_EVIDENCE = "weak_evidence"
    OVER_BUDGET = "over_budget"
    TURN_LIMIT = "turn_limit"
    MUSCLE_LIMIT = "muscle_limit"
    TISSUE_LOAD_CAP = "tissue_load_cap"
    HAND_LOAD_CAP = "hand_load_cap"
    MISSING_PREREQUISITE = "missing_prerequisite"
    FREE_MINUTES = "free_minutes"
    FURTHER_CANDIDATES = "further_candidates"
    LEFT_AS_IT_WAS = "left_as_it_was"
    NO_FINDING = "no_finding"
    NOTHING_FITS = "nothing_fits"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathEdge:
    """One edge of a path through the knowledge graph. Nodes are `type/id`; `weight` is in [0, 1]."""

    start: str
    edge: str
    end: str
    weight: float | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason. `rule` is a `Rule` or the id of a safety rule; `contribution` to the score is in [-1, 1]."""

    rule: str
    findings: tuple[str, ...] = ()
    path: tuple[PathEdge, ...] = ()
    contribution: float | None = None
