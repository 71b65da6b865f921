"""Signing: the person proves anew who they are, and only the call that signs carries the proof."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from services.console.clients import send_as
from services.console.signin.credential import MintedCredential
from services.console.signin.local import Refused
from services.console.web import Form, Visit

FRESH = timedelta(seconds=45)
"""How old a sign-in at the identity provider may be; the services take 60 s."""


def proof_of(visit: Visit) -> str:
    """Returns how the person proves who they are: `password`; `provider` (they go there); `fresh`: they just did."""
    if isinstance(visit.signed_in.credential, MintedCredential):
        return "password"
    return "fresh" if visit.console.clock() - visit.signed_in.auth_time < FRESH else "provider"


async def prove(visit: Visit, form: Form) -> str:
    """Makes the calls of this request carry a sign-in of now; returns in words why not, empty: they do."""
    proof = proof_of(visit)
    if proof == "fresh":
        return ""
    local = visit.console.local
    if proof == "provider" or local is None:
        return visit.t("review.prove.provider")
    if not form.get("password"):
        return visit.t("review.prove.needed")
    found = await local.check(visit.person.person, form["password"])
    if isinstance(found, Refused):
        wait = found.wait_seconds
        return visit.console.texts.count("sign_in.wait", ceil(wait / 60)) if wait else visit.t("review.prove.wrong")
    person, credential = found
    same = (person.clinic, person.person) == (visit.person.clinic, visit.person.person)
    if same:
        send_as(credential.token())
    return "" if same else visit.t("review.prove.wrong")
