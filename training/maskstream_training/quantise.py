"""The encoder in 8-bit integers: MODEL/encoder.onnx -> OUT/encoder-int8.onnx.

    python -m maskstream_training.quantise MODEL --calibration PICTURES [--out OUT] [--pictures 24]

PICTURES is a folder of training pictures (`raw/`); the held-out clips in it are left out.  How: integers.py.

In fp32 stay: the first convolution (8 bits of a picture cost 4 dB in all outputs and save 1 ms of 60), those that make the
outputs, attention, norms, and the one above the attention blocks.
"""
import argparse
import pathlib

import cv2
import numpy as np
import onnx
import torch

from .data.prepare import HELD_OUT_CAMVID, HELD_OUT_CLIPS
from .integers import Plan, quantised
from .model.encoder import SIZE
from .onnx_graph import open_graph, run, save_graph

CHECKED = 4           # pictures that measure the result and choose nothing
LEAST_DECIBELS = 18   # an output worse than this is a mistake; the shipped graph has 24 to 28


def read_pictures(folder: pathlib.Path, count: int) -> torch.Tensor:
    """Pictures f32[count,3,SIZE,SIZE] as the encoder sees them: whole, or a region of them, stretched."""
    held_out = (*HELD_OUT_CLIPS, HELD_OUT_CAMVID)
    files = sorted(p for p in folder.rglob("*.jpg") if not any(name in p.name for name in held_out))
    if len(files) < count:
        raise ValueError(f"{folder}: expected {count} training pictures (.jpg), found {len(files)}")
    rng, pictures = np.random.default_rng(5), []
    for i in rng.choice(len(files), count, replace=False):
        picture = cv2.cvtColor(cv2.imread(str(files[i])), cv2.COLOR_BGR2RGB)
        if rng.random() < .6:
            height, width = (int(side * rng.uniform(.3, .9)) for side in picture.shape[:2])
            y, x = rng.integers(picture.shape[0] - height + 1), rng.integers(picture.shape[1] - width + 1)
            picture = picture[y:y + height, x:x + width]
        pictures.append(cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR))
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()


def decibels(exact: torch.Tensor, found: torch.Tensor) -> float:
    """Power of a signal over that of its error."""
    return float(10 * torch.log10(exact.square().sum() / (exact - found).square().sum()))


def outputs(model: onnx.ModelProto, constants: dict, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    made = [run(model, constants, {"image": picture[None]}) for picture in pictures]
    return {name: torch.cat([one[name] for one in made]) for name in made[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--calibration", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, help="default: MODEL")
    parser.add_argument("--pictures", type=int, default=24)
    args = parser.parse_args()
    out = (args.out or args.model) / "encoder-int8.onnx"
    pictures = read_pictures(args.calibration, args.pictures + CHECKED)
    model, constants = open_graph(args.model / "encoder.onnx")
    integers = quantised(model, Plan(model, constants), ({"image": picture[None]} for picture in pictures[CHECKED:]))
    exact, found = (outputs(graph, values, pictures[:CHECKED]) for graph, values in ((model, constants), integers))
    for name, value in exact.items():
        quality = decibels(value, found[name])
        print(f"{name}: {quality:.1f} dB, largest difference {float((value - found[name]).abs().max()):.2f}")
        if quality < LEAST_DECIBELS:
            raise ValueError(f"{name}: expected {LEAST_DECIBELS} dB or more")
    save_graph(*integers, out)


if __name__ == "__main__":
    main()
