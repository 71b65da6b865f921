"""Both services as processes, for every scenario of the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.connection import Connection, connected
from cli.local.stack import private_stack
from knowledge.load import load
from services.planner.graph.index import KnowledgeGraph, compile_graph


@pytest.fixture(scope="session")
def services() -> Iterator[Connection]:
    """A connection to a stack of its own, as the demo therapist."""
    with private_stack(lambda _: None) as running, connected(running) as connection:
        yield connection


@pytest.fixture(scope="session")
def graph() -> KnowledgeGraph:
    """The knowledge graph, as the planner compiles it."""
    return compile_graph(load())
