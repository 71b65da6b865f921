"""Sessions, predictions and cursors come back from their documents as they were."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from services.planner.domain.constraints import Target
from services.planner.domain.prediction import Count, Mark, PredictedStep, Prediction, PredictionState
from services.planner.domain.review import Person
from services.planner.domain.session import Retest, Session, SessionChange, SessionState
from services.planner.domain.sides import Side
from services.planner.storage.json_records import cursor_documents, prediction_documents, session_documents
from tests.support.planner import NECK, plan
from tests.support.session import after

TESS = Person(id="tess", display_name="Tess")
CONTENT = plan(NECK, 30)
SESSION = Session(
    plan="clients/ada/plans/first",
    version=2,
    revision=5,
    digest="d",
    assessment=CONTENT.assessment,
    state=SessionState.FINISHED,
    start_micros=1,
    finish_micros=2,
    therapist=TESS,
    steps=after(CONTENT, 3),
    changes=(SessionChange(time_micros=1, lost_seconds=60, unavailable_positions=("prone",), sentences=("So.",)),),
    retests=(Retest(motion="cervical_rotation", side=Side.LEFT, value=0.0, before=None, pain=1.5),),
    pain=0.0,
    pain_before=6.0,
    reaction="ä",
)
PREDICTION = Prediction(
    name="clients/ada/predictions/p-1",
    assessment=CONTENT.assessment,
    assessment_etag="1",
    snapshot=NECK,
    time_budget_seconds=1800,
    person=TESS,
    start_micros=1,
    state=PredictionState.REVEALED,
    steps=(PredictedStep(target=Target(muscle="infraspinatus", side=Side.RIGHT), duration_seconds=90, sure=True),),
    marks=(Mark(criterion="dose", level=2, comment="", person=TESS, time_micros=3),),
    count=Count(agreed=1, missed=0, added=0, unsafe=0, time_micros=4),
)


def test_what_is_kept_comes_back() -> None:
    assert session_documents().decode(session_documents().encode(SESSION)) == SESSION
    assert prediction_documents().decode(prediction_documents().encode(PREDICTION)) == PREDICTION
    assert cursor_documents().decode(cursor_documents().encode("x")) == "x"


def test_nothing_measured_is_not_zero() -> None:
    silent = replace(SESSION, pain=None, finish_micros=None)
    read = session_documents().decode(session_documents().encode(silent))
    assert (read.pain, read.retests[0].value, read.retests[0].before) == (None, 0.0, None)


@pytest.mark.parametrize("change", ["format", "version", "field", "kind"])
def test_another_document_is_refused(change: str) -> None:
    document = json.loads(session_documents().encode(SESSION))
    match change:
        case "format":
            document["format"] = "myoplan.planner.prediction"
        case "version":
            document["version"] = 99
        case "field":
            del document["kept"]["digest"]
        case "kind":
            document = [document]
    with pytest.raises(ValueError, match="document"):
        session_documents().decode(json.dumps(document).encode())
