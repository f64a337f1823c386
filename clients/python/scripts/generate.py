"""Writes the message classes and their types from proto/ into src/maskstream/v1.

    python scripts/generate.py [--check]

Needs `grpcio-tools==1.72.2` (protobuf 6.30): the oldest generator whose output newer runtimes take.
`--check` writes nothing and exits with 1 where the files differ.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[3]
PROTO = ROOT / "proto"
OUT = ROOT / "clients/python/src"
GENERATOR = "1.72.2"


def generate(out: Path) -> dict[str, bytes]:
    """The generated files by their path below `src`."""
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("maskstream/**/*.proto"))
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    words = [
        f"-I{PROTO}",
        f"-I{well_known}",
        f"--python_out={out}",
        f"--pyi_out={out}",
        f"--grpc_python_out={out}",
    ]
    if protoc.main(["protoc", *words, *files]) != 0:
        raise SystemExit("protoc failed")
    made = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*_pb2*.py*")}
    # Only the service has stubs; the other files would say nothing.
    return {
        name: text
        for name, text in made.items()
        if not name.endswith("_pb2_grpc.py") or name.endswith("service_pb2_grpc.py")
    }


def main() -> int:
    """Writes or checks."""
    if version("grpcio-tools") != GENERATOR:
        print(f"expected grpcio-tools {GENERATOR}, got {version('grpcio-tools')}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        made = generate(Path(folder))
    there = {str(path.relative_to(OUT)): path.read_bytes() for path in OUT.rglob("v1/*_pb2*.py*")}
    if "--check" in sys.argv:
        differing = sorted(
            name for name in made.keys() | there.keys() if made.get(name) != there.get(name)
        )
        for name in differing:
            print(f"{name}: differs; run scripts/generate.py", file=sys.stderr)
        print(f"{len(made)} generated files, {len(differing)} differences")
        return 1 if differing or not made else 0
    for name in there.keys() - made.keys():
        (OUT / name).unlink()
    for name, text in made.items():
        (OUT / name).parent.mkdir(parents=True, exist_ok=True)
        (OUT / name).write_bytes(text)
    print(f"{len(made)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
