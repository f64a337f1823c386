"""Exports SAM 2.1, SAM 3's tracker or EdgeTAM with its memory as a model folder for maskstream.

    python export_model.py sam2 facebook/sam2.1-hiera-tiny models/sam2.1-tiny

The second argument is what `from_pretrained` of `transformers` takes: a folder, or a name that it
downloads. Graphs are compared with PyTorch one by one, and the whole loop over ten frames with the
original tracker; both are printed. docs/models.md says what the graphs are.
"""

import argparse
import hashlib
import json
import os

import families
import numpy as np
import torch
from cut import cut_model
from half import half_name, halve_all
from host_loop import compare

ELEMENT_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
#: Mean and deviation of the pictures that a family's models were trained on.
NORMALISED_BY = {"sam3": ([0.5] * 3, [0.5] * 3)}
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
#: Protobuf files end at 2 GB; from here on weights go into a file beside the graph.
LARGEST_FILE = 1_500_000_000


def stored(folder, name):
    with open(f"{folder}/{name}", "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": name, "bytes": os.path.getsize(f"{folder}/{name}"), "sha256": digest}


def tensors(values):
    return {
        meaning: {
            "name": value.name,
            "type": ELEMENT_TYPES[value.type],
            "shape": [side if isinstance(side, int) else f"N{i}" for i, side in enumerate(value.shape)],
        }
        for meaning, value in values.items()
    }


def stored_graph(folder, file):
    data = f"{file}.data"
    external = [stored(folder, data)] if os.path.exists(f"{folder}/{data}") else []
    return {**stored(folder, file), "externalData": external}


def graph_entry(folder, cut, half):
    entry = {
        **stored_graph(folder, cut.file),
        "inputs": tensors(cut.inputs),
        "outputs": tensors(cut.outputs),
    }
    if half is not None:
        own = {
            "inputs": tensors({value.name: value for value in half.get_inputs()}),
            "outputs": tensors(dict(zip(cut.outputs, half.get_outputs()))),
        }
        entry["variants"] = {"fp16": {**stored_graph(folder, half_name(cut.file)), **own}}
    return entry


def manifest(folder, name, family, model, cuts, halves, tokens, licence):
    side = model.image_size
    takes_bytes = cuts["encoder"].inputs["image"].type == "tensor(uint8)"
    mean, std = (None, None) if takes_bytes else NORMALISED_BY.get(family, IMAGENET)
    return {
        "formatVersion": 2,
        "name": name,
        "layout": "sam-memory",
        "licence": licence,
        "graphs": {role: graph_entry(folder, cut, halves.get(role)) for role, cut in cuts.items()},
        "preprocess": {
            "width": side,
            "height": side,
            "fit": "stretch",
            "colour": "rgb",
            "range": "0-255" if takes_bytes else "0-1",
            "mean": mean,
            "std": std,
        },
        "prompts": {
            "kinds": ["points", "box", "mask"],
            "coordinates": "model-pixels",
            "points": {"slots": 64, "positiveLabel": 1, "negativeLabel": 0, "paddingLabel": -1},
            "box": {"route": "first-two-points", "topLeftLabel": 2, "bottomRightLabel": 3},
        },
        "masks": {
            "side": cuts["decoder"].outputs["logits"].shape[-1],
            "candidates": 1,
            "unambiguousPromptCandidate": 0,
        },
        # Not calibrated: the score as it is. `maskstream models calibrate` fits a table.
        "iou": {"activation": "clamp", "calibration": [[0, 0], [1, 1]]},
        "presence": {"activation": "sigmoid"},
        "memory": {"slots": 0},
        "objectMemory": {
            "maps": model.num_maskmem,
            "conditioningFrames": 4,
            "tokensPerMap": tokens,
            "dim": model.mem_dim,
            "maxPointers": model.config.max_object_pointers_in_encoder,
            "tokensPerPointer": model.hidden_dim // model.mem_dim,
            "values": "float32" if family == "edgetam" else "bfloat16",
            "attention": "dynamic",
            "constants": {
                **stored(folder, "constants.json"),
                "temporalPositions": "temporalPositions",
                "noMemoryEmbedding": None,
            },
        },
        "batching": {"kind": "one"},
        "refiner": None,
        "text": None,
        "tracking": {
            "memoryIntervalFrames": 1,
            "minMemoryIou": 0,
            "averageMemoryPass": False,
            "decodePromptTwice": False,
            "averageFlipPass": False,
            "regionScale": None,
            "minPresence": 0.5,
        },
        "keyframes": {"minInterval": 3, "maxInterval": 16, "minConfidence": 0.65},
        "selfTest": {"picture": "ellipse", "seed": 7, "prompt": "box", "minIou": 0.8},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("family", choices=sorted(families.CLASSES))
    parser.add_argument("weights", help="a folder or name of weights; `seed` for a small model of random ones")
    parser.add_argument("out", help="the model folder to write")
    parser.add_argument("--name", help="the model's name; default: that of the folder")
    parser.add_argument("--licence", default="see the source of the weights")
    parser.add_argument("--frames", type=int, default=10, help="of the comparison with the original tracker; 0: none")
    parser.add_argument("--prompts", default="click,box,mask", help="kinds of prompts of that comparison")
    parser.add_argument("--half", action="store_true", help="graphs in float16 too (--precision fp16), for a GPU; all take bytes")
    parser.add_argument(
        "--fused", default="", help="graphs whose attention is one operator (opset 23, CUDA), joined by commas"
    )
    arguments = parser.parse_args()
    families.quiet()
    family, out = arguments.family, arguments.out
    is_random = arguments.weights in ("seed", "seed-full")
    made_of = {"seed": families.small, "seed-full": families.full}.get(arguments.weights)
    model = made_of(family) if made_of else families.load(family, arguments.weights)
    size = sum(parameter.numel() * 4 for parameter in model.parameters())
    if size > LARGEST_FILE:
        os.environ["EXTERNAL_DATA"] = "1"
    print(f"{size / 4e6:.1f} M parameters, {model.image_size} x {model.image_size}; graphs and PyTorch:")
    norms = NORMALISED_BY.get(family, IMAGENET)
    pictures = frames = families.clip(model.image_size, max(1, arguments.frames))
    if arguments.half:
        pictures, frames = families.as_bytes(frames, *norms)
    kinds = arguments.prompts.split(",") if arguments.frames > 0 else []
    asked = {kind: prompt for kind, prompt in families.prompts(model.image_size).items() if kind in kinds}
    # Before the graphs are cut: that changes how the model chooses candidates.
    original = {kind: families.track(model, frames, {0: prompt})[0] for kind, prompt in asked.items()}
    fused = tuple(role for role in arguments.fused.split(",") if role)
    with torch.no_grad():
        cuts, constants, tokens = cut_model(model, out, fused=fused, normalised_by=norms if arguments.half else None)
    with open(f"{out}/constants.json", "w") as file:
        json.dump(constants, file)
    halves = halve_all(out, cuts, pictures[:1]) if arguments.half else {}
    print(f"the loop over {arguments.frames} frames and the original tracker:")
    for kind, prompt in asked.items():
        for label, sessions in (("", {}), ("float16", halves)) if halves else (("", {}),):
            worst, least = compare(out, constants, pictures, prompt, original[kind], family != "edgetam", sessions)
            print(f"  {kind:6s} {label:7s} largest difference of logits {worst:.1e}, least IoU {least:.4f}", flush=True)
    name = arguments.name or os.path.basename(os.path.normpath(out)).lower()
    made = manifest(out, name, family, model, cuts, halves, tokens, arguments.licence)
    if is_random:
        made["selfTest"]["minIou"] = 0  # random weights find nothing
    with open(f"{out}/manifest.json", "w") as file:
        json.dump(made, file, indent=2)
        file.write("\n")
    files = [name for name in os.listdir(out) if os.path.isfile(f"{out}/{name}")]
    total = sum(os.path.getsize(f"{out}/{name}") for name in files)
    print(f"{out}: {total / 1e6:.1f} MB, `maskstream serve --model {out}` serves it")


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
