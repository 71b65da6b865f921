"""Generates `gen/myoplan` from `proto/`; run by `./run gen` in the generator's own environment.

`python -m tools.generate OUT` writes the stubs into OUT; `--descriptors FILE` also writes the descriptor set for buf.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def includes() -> list[str]:
    """Returns the proto roots: ours, protobuf's own types, and google.api and google.rpc from their package."""
    roots = [ROOT / "proto"]
    for package, inside in (("grpc_tools", "_proto"), ("google.api", "../..")):
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit(f"generate: {package} is missing; run ./run gen, which installs requirements-gen.lock")
        roots.append((Path(next(iter(spec.submodule_search_locations))) / inside).resolve())
    return [f"-I{root}" for root in roots]


def main() -> None:
    """Runs protoc."""
    from grpc_tools import protoc  # noqa: PLC0415 - only in the generator's environment

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--descriptors", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    protos = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
    out = options.out
    arguments = ["protoc", *includes(), f"--python_out={out}", f"--grpc_python_out={out}", f"--mypy_out={out}"]
    arguments += [f"--mypy_grpc_out={out}"]
    if options.descriptors:
        arguments += ["--include_imports", "--include_source_info", f"--descriptor_set_out={options.descriptors}"]
    sys.exit(protoc.main([*arguments, *protos]))


if __name__ == "__main__":
    main()
