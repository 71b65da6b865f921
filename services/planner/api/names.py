"""The grammar of names and ids. Everything else in a text is refused, so no two names can mean the same record."""

from __future__ import annotations

import re

_ID = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
PLAN_ID = re.compile(_ID)
CLIENT_NAME = re.compile(rf"clients/{_ID}")
CLIENT_NAME_OR_ALL = re.compile(rf"clients/(?:{_ID}|-)")
ASSESSMENT_NAME = re.compile(rf"clients/{_ID}/assessments/{_ID}")
PLAN_NAME = re.compile(rf"clients/{_ID}/plans/{_ID}")
COMMENT_NAME = re.compile(rf"clients/{_ID}/plans/{_ID}/comments/{_ID}")
PREDICTION_NAME = re.compile(rf"clients/{_ID}/predictions/{_ID}")
REQUEST_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
