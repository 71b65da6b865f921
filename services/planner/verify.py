"""Checks stored clinics and the invariants of every plan: `python -m services.planner.verify`.

The arguments are those of `services.store.verify`.
"""

from __future__ import annotations

import gc
import sys

from services.planner.storage.documents import JsonDocuments
from services.planner.usecases.inspect import COLLECTION, plan_inspection
from services.store.verify import main

if __name__ == "__main__":
    gc.disable()  # as in `services.store.verify`
    sys.exit(main(inspect={COLLECTION: plan_inspection(JsonDocuments())}))
