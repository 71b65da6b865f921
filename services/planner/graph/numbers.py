"""The numbers of `knowledge/planning.yaml` as one typed value: a field is the id of its entry there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from knowledge.model import Confidence, PlanningNumber, RefersTo, Role


class KnowledgeIncomplete(Exception):
    """The knowledge base lacks something that every plan needs."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(f"knowledge/planning.yaml lacks {', '.join(missing)}")
        self.missing = missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Weights and factors have no unit; `*_seconds` [s], `*_minutes` and `*_per_muscle_*` [min], `*_days_*` [d]."""

    referral_weight_primary: float
    referral_weight_spillover: float
    confidence_weight_high: float
    confidence_weight_medium: float
    confidence_weight_low: float
    evidence_weight_grade_a: float
    evidence_weight_grade_b: float
    evidence_weight_grade_c: float
    technique_order_multiplier: float

    pain_area_weight: float
    pain_intensity_weight_least: float
    pain_intensity_when_missing: float
    local_pain_weight: float
    focus_zone_multiplier: float

    palpation_familiar_pain: float
    palpation_tenderness: float
    palpation_referred_pain: float
    palpation_taut_band: float
    palpation_latent: float
    palpation_unremarkable: float
    unpalpated_weight: float
    palpation_own_evidence_active: float
    palpation_own_evidence_latent: float
    palpation_own_evidence_tender: float
    palpation_own_evidence_taut: float

    rom_weight_shortened: float
    rom_weight_painful_contraction: float
    rom_weight_inhibited: float
    rom_full_deficit_share: float
    rom_painful_without_deficit: float
    rom_other_mechanism_multiplier: float
    motion_reach: float

    satellite_pull: float
    partner_weight: float
    candidate_score_least: float
    confirm_score_least: float

    session_minutes_most: float
    turn_limit_up_to_60_minutes: float
    turn_limit_up_to_90_minutes: float
    turn_limit_above_90_minutes: float
    minutes_per_muscle_least: float
    minutes_per_muscle_usual: float
    minutes_per_muscle_most: float
    muscles_per_hour_most: float
    check_share: float
    warm_up_share: float
    warm_up_regions_usual: float
    close_share: float
    arrival_seconds: float
    warm_up_seconds_least: float
    warm_up_seconds_most: float
    confirm_seconds: float
    confirm_steps_most: float
    confirm_benefit_share: float
    retest_seconds: float
    retest_motions_most: float
    close_seconds: float
    access_quality_share_least: float

    benefit_share_release: float
    benefit_share_lengthen: float
    benefit_share_integrate: float
    benefit_at_quarter_effect: float
    benefit_at_half_effect: float
    benefit_at_three_quarters_effect: float
    benefit_at_full_effect: float

    tissue_load_cap_session: float
    tissue_load_cap_region: float
    hand_load_cap_minutes: float
    hand_load_cap_thumb_session: float
    hand_load_cap_wrist_session: float
    hand_load_cap_elbow_session: float
    hand_load_cap_tool_session: float
    hand_load_cap_thumb_day: float
    hand_load_cap_wrist_day: float
    hand_load_cap_elbow_day: float
    hand_load_cap_tool_day: float

    pressure_tolerance_default: float
    pain_ceiling_default: float
    pain_ceiling_sensitised: float
    mimic_cautions_most: float
    follow_up_days_usual: float

    def of_confidence(self, confidence: Confidence) -> float:
        """Returns the weight of a fact of this confidence, [0, 1]."""
        return {
            Confidence.HIGH: self.confidence_weight_high,
            Confidence.MEDIUM: self.confidence_weight_medium,
            Confidence.LOW: self.confidence_weight_low,
        }[confidence]

    def of_referral(self, edge: RefersTo) -> float:
        """Returns the weight of a referral, [0, 1]: how usual it is, times how far it is trusted."""
        usual = self.referral_weight_primary if edge.role is Role.PRIMARY else self.referral_weight_spillover
        return usual * self.of_confidence(edge.confidence)

    def of_grade(self, grade: str) -> float:
        """Returns the weight of a technique of this evidence grade, [0, 1]."""
        return {
            "A": self.evidence_weight_grade_a,
            "B": self.evidence_weight_grade_b,
        }.get(grade, self.evidence_weight_grade_c)

    def turn_limit(self, minutes: float) -> int:
        """Returns the most position changes in a session of this length [min]."""
        if minutes <= 60:  # noqa: PLR2004 - the limits are in the names of the numbers
            return int(self.turn_limit_up_to_60_minutes)
        if minutes <= 90:  # noqa: PLR2004
            return int(self.turn_limit_up_to_90_minutes)
        return int(self.turn_limit_above_90_minutes)


def read_numbers(planning: Mapping[str, PlanningNumber]) -> Numbers:
    """Returns the numbers. Raises KnowledgeIncomplete naming every one that is missing."""
    names = [field.name for field in fields(Numbers)]
    missing = tuple(name for name in names if name not in planning)
    if missing:
        raise KnowledgeIncomplete(missing)
    return Numbers(**{name: planning[name].value for name in names})
