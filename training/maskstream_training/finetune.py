"""Fine-tune a model folder on one's own objects, from a COCO file or a folder of labelme files.

    python -m maskstream_training.finetune MODEL ANNOTATIONS PICTURES OUT [--steps 600] [--rehearse RAW]

MODEL is a model folder (models/maskstream-tiny), ANNOTATIONS a COCO instances file or a folder of labelme files, PICTURES the
folder of the pictures they name. OUT/model is a model folder for the service, OUT/report.json what boxes and clicks give on
the pictures kept back (a tenth), before and after. training/FINETUNE.md tells more.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys

import torch

from .data.annotations import write_set
from .evaluate.network import Network
from .evaluate.photographs import Photographs

#: A third of the last stage's: a few hundred pictures are soon learned by heart.
LEARNING_RATE = 1.5e-4
ENCODER_FACTOR = .35
#: One is kept back, and the 8-bit encoder is fitted on some and checked on four.
FEWEST_PICTURES = 6


def stage(name: str, *arguments: object) -> None:
    subprocess.run([sys.executable, "-m", f"maskstream_training.{name}", *map(str, arguments)], check=True)


def measured(raw: pathlib.Path, weights: pathlib.Path) -> dict:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Photographs(raw, device).measure(Network(weights, device))["all"]


def train(args: argparse.Namespace, raw: pathlib.Path, prepared: pathlib.Path, start: pathlib.Path) -> pathlib.Path:
    stage("data.prepare", raw, prepared, "--workers", args.workers)
    stage("train.run", "--data", prepared, "--out", args.out / "run", "--steps", args.steps, "--sequences", args.sequences, "--views", 3,
          "--lr", args.lr, "--encoder-lr", ENCODER_FACTOR, "--warm-up", max(1, args.steps // 10), "--weights", start)
    return args.out / "run"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "annotations", "pictures", "out"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--rehearse", type=pathlib.Path, help="a folder of sets as in training/README.md, mixed in against forgetting")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--sequences", type=int, default=24, help="a step; 24 take some 8 GiB of GPU memory")
    parser.add_argument("--lr", type=float, default=LEARNING_RATE)
    parser.add_argument("--workers", type=int, default=4)
    args = parser.parse_args()
    raw, start = args.out / "raw", args.out / "start"
    pictures, instances = write_set(args.annotations, args.pictures, raw)
    if pictures < FEWEST_PICTURES:
        raise ValueError(f"{args.annotations}: expected {FEWEST_PICTURES} annotated pictures or more, got {pictures}")
    for entry in args.rehearse.iterdir() if args.rehearse else ():
        if not (raw / entry.name).exists():
            (raw / entry.name).symlink_to(entry.resolve())
    print(pictures, "pictures,", instances, "instances", flush=True)
    stage("restore", args.model, start, "--pictures", raw)
    run = train(args, raw, args.out / "prepared", start)
    report = {"pictures": pictures, "instances": instances, "before": measured(raw, start), "after": measured(raw, run)}
    stage("export", run, args.out / "onnx")
    stage("quantise", args.out / "onnx", "--calibration", raw, "--pictures", min(24, pictures - 4))
    shutil.copytree(args.model, args.out / "model", dirs_exist_ok=True)
    stage("publish", args.out / "onnx", args.out / "model")
    (args.out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
