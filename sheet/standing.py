"""Whether a plan may be used, in large words: who approved it, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.planner.v1.plan_pb2 import Attestation, Plan, Signature
from sheet.words import plain

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NOT_APPROVED = "Suggested – not approved"
_DO_NOT_USE = "Do not use"
_SUGGESTED = {
    Plan.PROPOSED: "The planner made it; nobody has approved it.",
    Plan.DRAFT: "Somebody is still working on it.",
    Plan.AWAITING_COSIGN: "It waits for a second signature.",
    Plan.RETURNED: "It was sent back to its author.",
}
_UNUSABLE = {
    Plan.STALE: "The assessment has changed since it was made.",
    Plan.SUPERSEDED: "A newer version has been approved.",
    Plan.ENTERED_IN_ERROR: "It was marked as wrong.",
    Plan.EXPIRED: "It is too old and was never approved.",
    Plan.DISCARDED: "It was given up.",
}
_MEANINGS = {
    Signature.AUTHORED: "Written by",
    Signature.APPROVED: "Approved by",
    Signature.COSIGNED: "Co-signed by",
    Signature.RETURNED: "Sent back by",
}
_RELEASES = {Signature.APPROVED, Signature.COSIGNED}
_ATTESTATIONS = {
    Attestation.PRESENT: "was present at the assessment",
    Attestation.EXAMINED_PATIENT: "examined the client",
    Attestation.REVIEWED_AND_AGREE: "reviewed the findings and the plan and agrees",
    Attestation.AGREE_EXCEPT: "agrees except",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a plan stands: approved and in force, only suggested, or `void`. `words` are printed large."""

    approved: bool
    words: str
    detail: str = ""
    void: bool = False


def standing(plan: Plan, newest: Plan) -> Standing:
    """Returns how a revision of a plan stands, judged by what the newest revision of the same plan says."""
    if newest.hold:
        return _unusable("On hold.", newest.hold_reason)
    if newest.state in _UNUSABLE:
        return _unusable(_UNUSABLE[newest.state], newest.hold_reason)
    # An approval counts only with a signature that belongs to exactly this content.
    releases = [one for one in signatures(plan) if one.meaning in _RELEASES]
    if releases and plan.version == newest.approved_version:
        names = ", ".join(dict.fromkeys(map(_name, releases)))
        amended = f" Version {newest.version} is being written." if newest.version != plan.version else ""
        return Standing(approved=True, words="Approved", detail=f"By {names}, {moment(releases[-1].time)}.{amended}")
    if plan.revision != newest.revision:
        return _unusable(f"This is revision {plan.revision}; the newest is {newest.revision}.")
    if plan.state not in _SUGGESTED:
        return _unusable("No signature says that this content is approved.")
    in_force = f" Version {newest.approved_version} is approved and in force." if newest.approved_version else ""
    stored = "" if plan.name else " It is a preview and is not stored."
    return Standing(approved=False, words=_NOT_APPROVED, detail=_SUGGESTED[plan.state] + in_force + stored)


def _unusable(*reasons: str) -> Standing:
    return Standing(approved=False, words=_DO_NOT_USE, detail=" ".join(filter(None, map(plain, reasons))), void=True)


def signatures(plan: Plan) -> list[Signature]:
    """Returns the signatures that belong to the content of this plan, oldest first."""
    return [one for one in plan.signatures if plan.digest and one.digest == plan.digest]


def signature_line(signature: Signature) -> str:
    """Returns a signature in words: meaning, person, role, time, and what they attest."""
    attested = _ATTESTATIONS.get(signature.attestation, "")
    words = " ".join(filter(None, (attested, plain(signature.text))))
    line = f"{_MEANINGS.get(signature.meaning, 'Signed by')} {_name(signature)} ({plain(signature.role)})"
    return f"{line}, {moment(signature.time)}" + (f": {words}" if words else "")


def moment(time: Timestamp) -> str:
    """Returns a time as `24 Nov 2026, 19:33 UTC`; a sheet does not know where it will be read."""
    at = time.ToDatetime(tzinfo=UTC)
    return f"{day(at)}, {at.hour:02d}:{at.minute:02d} UTC"


def day(at: datetime) -> str:
    """Returns a day as `24 Nov 2026`, whatever the language of the machine."""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def _name(signature: Signature) -> str:
    return plain(signature.signer.display_name or signature.signer.id)
