"""Put exported graphs into a model folder and bring its manifest up to date.

    python -m maskstream_training.publish ONNX MODEL [--calibration calibration.json]

ONNX holds encoder.onnx, encoder-int8.onnx (quantise) and decoder.onnx, text.onnx with vocabulary.json, refiner.onnx and
refiner-int8.onnx (maskstream_training/refiner) with refiner.json (its table of expected IoU), or several of these.
Only what training decides is rewritten: sizes, hashes, shapes, memory slots, calibration, vocabulary; the rest of the
manifest stays.
"""
import argparse
import hashlib
import json
import pathlib
import shutil

import onnx

from .model.decoder import FINE, MASKS, POINTS, SLOTS
from .model.encoder import C4, C8, EMB

#: Format of the manifest whose fields are written here: docs/models.md.
FORMAT_VERSION = 2
LIMIT_BYTES = 16_000_000
#: Objects of one decoder run: their axis is open in the graph.
OBJECTS_A_RUN = 4


def tensor(name: str, shape: list) -> dict:
    return {"name": name, "type": "float32", "shape": shape}


def features() -> dict:
    grid, middle = FINE // 4, FINE // 2
    return {"embedding": tensor("emb", [1, EMB, grid, grid]), "features8": tensor("f8", [1, C8, middle, middle]), "features4": tensor("f4", [1, C4, FINE, FINE])}


def decoder_tensors() -> dict:
    n, grid = "objects", FINE // 4
    inputs = {**features(), "points": tensor("points", [n, POINTS, 2]), "labels": tensor("labels", [n, POINTS]),
              "prior": tensor("mask", [n, 1, FINE, FINE]), "hasPrior": tensor("has_mask", [n]),
              "memoryEmbedding": tensor("mem_emb", [n, SLOTS, EMB, grid, grid]), "memoryMask": tensor("mem_mask", [n, SLOTS, 1, FINE, FINE]),
              "memoryValid": tensor("mem_valid", [n, SLOTS])}
    outputs = {"logits": tensor("logits", [n, MASKS, FINE, FINE]), "iou": tensor("iou", [n, MASKS]), "presence": tensor("obj", [n, 1])}
    return {"inputs": inputs, "outputs": outputs}


def install(source: pathlib.Path, model: pathlib.Path, entry: dict) -> None:
    """Copy one graph, and its quantised form where there is one, and write sizes and hashes into its manifest entry."""
    entry.update(copy(source, model))
    quantised = source.with_name(source.stem + "-int8.onnx")
    entry.pop("quantised", None)   # one of earlier weights
    (model / quantised.name).unlink(missing_ok=True)
    if quantised.exists():
        if quantised.stat().st_mtime < source.stat().st_mtime:
            raise ValueError(f"{quantised.name} is older than {source.name}: quantise again")
        entry["quantised"] = copy(quantised, model)


def copy(source: pathlib.Path, model: pathlib.Path) -> dict:
    data = source.read_bytes()
    if len(data) >= LIMIT_BYTES:
        raise ValueError(f"{source.name}: {len(data)} bytes, the limit is {LIMIT_BYTES}")
    shutil.copyfile(source, model / source.name)
    return {"file": source.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def appearance_of(refiner: pathlib.Path) -> list[int]:
    """Shape of one object's appearance."""
    given = next(i for i in onnx.load(str(refiner)).graph.input if i.name == "appearance")
    return [d.dim_value for d in given.type.tensor_type.shape.dim[1:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("onnx", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--calibration", type=pathlib.Path)
    args = parser.parse_args()
    path = args.model / "manifest.json"
    manifest = json.loads(path.read_text())
    if manifest["formatVersion"] != FORMAT_VERSION:
        raise ValueError(f"{path}: expected formatVersion {FORMAT_VERSION} (docs/models.md), got {manifest['formatVersion']}")
    graphs = manifest["graphs"]
    if not any((args.onnx / f"{name}.onnx").exists() for name in ("decoder", "text", "refiner")):
        raise ValueError(f"{args.onnx}: expected encoder.onnx and decoder.onnx, decoder.onnx of a frozen encoder, text.onnx or refiner.onnx")
    if (args.onnx / "encoder.onnx").exists():
        install(args.onnx / "encoder.onnx", args.model, graphs["encoder"])
    if (args.onnx / "decoder.onnx").exists():
        install(args.onnx / "decoder.onnx", args.model, graphs["decoder"])
        graphs["decoder"].update(decoder_tensors())
        manifest["memory"]["slots"] = SLOTS
        manifest["batching"] = {"kind": "objects", "maxObjects": OBJECTS_A_RUN}
    if args.calibration:
        tables = json.loads(args.calibration.read_text())
        manifest["iou"]["calibration"] = tables.pop("all")
        manifest["iou"]["calibrationByPrompt"] = tables
    if (args.onnx / "text.onnx").exists():
        vocabulary = json.loads((args.onnx / "vocabulary.json").read_text())
        graphs["text"] = {"inputs": features(), "outputs": {"classes": tensor("classes", [1, vocabulary["channels"], FINE, FINE])}}
        install(args.onnx / "text.onnx", args.model, graphs["text"])
        manifest["text"] = vocabulary["text"]
        if "text" not in manifest["prompts"]["kinds"]:
            manifest["prompts"]["kinds"].append("text")
    if (args.onnx / "refiner.onnx").exists():
        install(args.onnx / "refiner.onnx", args.model, graphs["refiner"])
        shape = appearance_of(args.onnx / "refiner.onnx")
        for side in ("inputs", "outputs"):
            graphs["refiner"][side]["appearance"]["shape"] = ["N", *shape]
        manifest["refiner"].update(appearance=shape, calibration=json.loads((args.onnx / "refiner.json").read_text()))
    path.write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
