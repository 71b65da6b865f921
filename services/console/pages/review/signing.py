"""Signing: the person proves anew who they are, and only the call that signs carries the proof."""

from __future__ import annotations

from math import ceil

from starlette.responses import Response

from services.console.clients import send_as
from services.console.pages.sign_in import toward_provider
from services.console.signin.credential import FRESH, MintedCredential
from services.console.signin.local import Refused
from services.console.signin.sessions import UnprovenForm
from services.console.web import Form, Visit


def proof_of(visit: Visit) -> str:
    """Returns how the person proves who they are: `password`; `provider` (they go there); `fresh`: they just did."""
    if isinstance(visit.signed_in.credential, MintedCredential):
        return "password"
    return "fresh" if visit.console.clock() - visit.signed_in.auth_time < FRESH else "provider"


def prove_first(visit: Visit, form: Form, page: str, place: str) -> Response:
    """Keeps a form for its page and sends the person to the provider; they come back to `place` of the page."""
    visit.signed_in.keep(page, UnprovenForm(fields=tuple(form.items())))
    return toward_provider(visit, f"{page}{place}")


def came_back(visit: Visit, kept: UnprovenForm, digest: str, consent: str) -> tuple[str, Form]:
    """Returns in words why nothing can be signed yet (empty: it can), and the form that was kept.

    `consent` is the field that holds for one content only: if the plan has another `digest` now, it is left out.
    """
    fields = dict(kept.fields)
    if fields.get("digest") != digest:
        fields.pop(consent, None)
        return visit.t("review.told.changed"), fields
    return "" if kept.told == "proven" else visit.t(f"review.prove.{kept.told}"), fields


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
        send_as(await credential.token())
    return "" if same else visit.t("review.prove.wrong")
