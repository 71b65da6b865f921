"""Pages of revisions stay below the largest message, however much each revision changed."""

from __future__ import annotations

from services.assessment.api import render
from services.assessment.storage.documents import JsonDocuments
from services.assessment.usecases.read import PAGE_BYTES
from services.assessment.usecases.records import Records
from services.assessment.usecases.revisions import ListRevisions, list_revisions
from services.store.memory import MemoryStore
from tests.support.assessment import NAME, knowledge, new_request_id, ticking
from tests.support.store import SEALER, new_clinic, person, write

REVISIONS = 90


async def test_revisions_with_very_many_changes_come_in_pages() -> None:
    store, clinic = MemoryStore(SEALER, "assessment"), new_clinic()
    changes = tuple(f"{number:0128d}" for number in range(400))
    etag = None
    for _ in range(REVISIONS):
        stored = await store.write(write(person(clinic), NAME, after=etag, action="FINDINGS_RECORDED", changes=changes))
        etag = stored.entry.etag
    records = Records(
        store=store,
        documents=JsonDocuments(),
        vocabulary=knowledge(),
        clock=ticking(),
        new_id=new_request_id,
        message_bytes=render.message_bytes,
    )
    seen: list[int] = []
    pages, after = 0, None
    while True:
        query = ListRevisions(clinic=clinic, name=NAME, page_size=200, after=after)
        page = await list_revisions(records, query)
        message = render.revision_page(query, page)
        assert 0 < message.ByteSize() < PAGE_BYTES + 1024
        seen += [entry.revision for entry in page.entries]
        pages, after = pages + 1, page.next_after
        if after is None:
            break
    assert seen == list(range(REVISIONS, 0, -1))
    assert pages == 2
