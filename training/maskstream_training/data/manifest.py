"""Which sets the recipe may read, under which terms, and whether files here are those that were trained on.

    python -m maskstream_training.data.manifest RAW [--archives FOLDER] [--terms commercial]

manifest.json beside this file quotes each source's statement.  It is a filter by what is stated, not a warranty.
"""
import argparse
import hashlib
import json
import pathlib

TERMS = ("research", "commercial")


def read_manifest() -> dict:
    return json.loads((pathlib.Path(__file__).parent / "manifest.json").read_text())


def sets_under(terms: str) -> tuple[str, ...]:
    """Names of the sets that may be trained on: all of them for research, else those whose stated terms allow commercial use."""
    if terms not in TERMS:
        raise ValueError(f"expected terms {' or '.join(TERMS)}, got {terms}")
    return tuple(name for name, facts in read_manifest()["sets"].items() if terms == "research" or facts["commercial"])


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def content(folder: pathlib.Path, of: str) -> tuple[int, str]:
    """Number of files and one hash over them; a film's frames depend on what decoded them, so only its maps are counted."""
    patterns = ("*.png",) if of == "label maps" else ("*.png", "*.jpg")
    files = sorted(p for pattern in patterns for p in folder.glob(pattern))
    total = hashlib.sha256()
    for path in files:
        total.update(f"{sha256(path)}  {path.name}\n".encode())
    return len(files), total.hexdigest()


def differences(raw: pathlib.Path, names: tuple[str, ...], archives: pathlib.Path | None = None) -> list[str]:
    """What is missing or other than what was trained on, one line each."""
    found, sets = [], read_manifest()["sets"]
    for name in names:
        wanted = sets[name]["content"]
        if not (raw / name).is_dir():
            found.append(f"{name}: not there")
            continue
        files, digest = content(raw / name, wanted["of"])
        if (files, digest) != (wanted["files"], wanted["sha256"]):
            found.append(f"{name}: expected {wanted['files']} files with hash {wanted['sha256'][:12]}, got {files} with {digest[:12]}")
        for archive, digest in sets[name]["archives"].items() if archives else ():
            path = archives / archive
            if not path.exists() or sha256(path) != digest:
                found.append(f"{archive}: expected hash {digest[:12]}, got {sha256(path)[:12] if path.exists() else 'no file'}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", type=pathlib.Path)
    parser.add_argument("--archives", type=pathlib.Path, help="check the .tar and .tsv files in this folder, too")
    parser.add_argument("--terms", choices=TERMS, default="research")
    args = parser.parse_args()
    names = sets_under(args.terms)
    found = differences(args.raw, names, args.archives)
    print("\n".join(found) or f"{len(names)} sets as in the manifest: {', '.join(names)}")
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
