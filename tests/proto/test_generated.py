"""The generated stubs are those of the protos, and the protos pass buf's lint."""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATOR = ROOT / ".venv-gen" / "bin"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generates everything again with the locked generator; returns the folder, `descriptors.binpb` in it."""
    assert (GENERATOR / "python").exists(), "the generator's environment is missing: run ./run gen once"
    folder = tmp_path_factory.mktemp("generated")
    path = f"{GENERATOR}{os.pathsep}{os.environ['PATH']}"
    command: list[str | Path] = [
        GENERATOR / "python",
        "-m",
        "tools.generate",
        folder,
        "--descriptors",
        folder / "descriptors.binpb",
    ]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=True, capture_output=True)
    return folder


def test_committed_stubs_are_the_generated_ones(generated: Path) -> None:
    committed = {str(path.relative_to(ROOT / "gen")) for path in (ROOT / "gen").rglob("*_pb2*.py*")}
    committed = {name for name in committed if "__pycache__" not in name}
    fresh = {str(path.relative_to(generated)) for path in generated.rglob("*_pb2*.py*")}
    assert committed == fresh, "run ./run gen"
    _, different, errors = filecmp.cmpfiles(ROOT / "gen", generated, sorted(fresh), shallow=False)
    assert (different, errors) == ([], []), "run ./run gen"


def test_buf_lint_finds_nothing(generated: Path) -> None:
    buf = Path(sys.executable).parent / "buf"
    command: list[str | Path] = [
        buf,
        "lint",
        generated / "descriptors.binpb",
        "--config",
        ROOT / "buf.yaml",
        "--path",
        "myoplan",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_buf_lint_can_fail(generated: Path, tmp_path: Path) -> None:
    """The control: with the exceptions taken away the same image has findings."""
    strict = tmp_path / "buf.yaml"
    strict.write_text("version: v2\nlint:\n  use: [STANDARD]\n")
    buf = Path(sys.executable).parent / "buf"
    command: list[str | Path] = [buf, "lint", generated / "descriptors.binpb", "--config", strict, "--path", "myoplan"]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
