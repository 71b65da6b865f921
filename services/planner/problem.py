"""`python -m services.planner.problem`: the planning problem behind a plan, as a problem file that any solver can read.

The plan comes on standard input in proto-JSON, in full. The problem goes to standard output; it is formulated anew from
the snapshot, constraints and length in the plan, so the knowledge base has to be the one that the plan was made from.
Exit code 2 with every problem on standard error if that cannot be done, 4 if the plan allows no session at all.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from google.protobuf.json_format import Parse, ParseError

from knowledge.load import KnowledgeInvalid
from knowledge.overlay import in_use
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from services.planner.api.parse import Parser
from services.planner.api.parse_plan import check_plan
from services.planner.domain.errors import DemandUnsafe, EditNeedsOverride, RequestInvalid
from services.planner.explain.replay import reason_not_replayable, request_of
from services.planner.graph.index import compile_graph
from services.planner.optimise import problem_file
from services.planner.session.propose import formulation_of

INVALID, NO_SESSION = 2, 4
_OVERLAY = "MYOPLAN_KNOWLEDGE_OVERLAY"


def main() -> int:
    """Reads, formulates, writes; returns the exit code."""
    try:
        message = Parse(sys.stdin.buffer.read(), pb.Plan())
        overlay = os.environ.get(_OVERLAY, "")
        base = in_use(Path(overlay) if overlay else None)
        content = check_plan(Parser(base), service_pb.CheckPlanRequest(plan=message)).content
        graph = compile_graph(base)
        if reason := reason_not_replayable(content, graph):
            return _refused(reason, INVALID)
        if not content.disposition.hands_on:
            return _refused("the health flags allow no session, so there is nothing to solve", NO_SESSION)
        problem = formulation_of(request_of(content), graph).problem
    except RequestInvalid as invalid:
        return _refused("\n".join(f"{one.field}: {one.problem}" for one in invalid.problems), INVALID)
    except (ParseError, UnicodeDecodeError, RecursionError) as error:
        return _refused(f"no plan in proto-JSON: {error}", INVALID)
    except (KnowledgeInvalid, DemandUnsafe, EditNeedsOverride) as error:
        return _refused(str(error), INVALID)
    if message.HasField("change"):
        sys.stderr.write("The plan was edited. This is the problem of a new plan from the same findings and demands.\n")
    sys.stdout.write(problem_file.write(problem))
    return 0


def _refused(why: str, code: int) -> int:
    sys.stderr.write(f"No planning problem: {why}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
