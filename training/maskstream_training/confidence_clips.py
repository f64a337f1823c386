"""Clips to fit the service's confidence on (tools/confidence/fit-confidence.ts), as folders of clip.mp4 + masks/NNNNN.png.

    python -m maskstream_training.confidence_clips RAW OUT

OUT/held-out and OUT/trained: the training clips as they are, those that no run sees apart.  OUT/photographs: photographs under a
slow made camera, so that clicks have known extents.  OUT/occluded: training clips behind a wall that passes.
"""
import argparse
import pathlib

import cv2
import numpy as np
from PIL import Image

from .data.prepare import HELD_OUT_CLIPS, clip_of, read_labels
from .pack import VIDEO_SET, encode_clip

FRAMES = 14
#: photographs of each set; the object is the largest region (people and cars: the union of their parts)
PHOTOGRAPHS = {"bsds500": 14, "ccp": 7, "carparts": 7, "human290": 7}
WHOLE = ("ccp", "carparts", "human290")
OCCLUDED = 10
WALL = (.25, .5)   # of the picture's width
QUALITY = 14   # H.264 crf


def write_clip(folder: pathlib.Path, frames: list, masks: list) -> None:
    """BGR frames and boolean masks, cut to even sides."""
    height, width = (side // 2 * 2 for side in frames[0].shape[:2])
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    (folder / "clip.mp4").write_bytes(encode_clip([f[:height, :width] for f in frames], crf=QUALITY))
    for i, mask in enumerate(masks):
        image = Image.fromarray(mask[:height, :width].astype(np.uint8)).convert("P")
        image.putpalette([0, 0, 0, 128, 0, 0] + [0] * 762)
        image.save(folder / "masks" / f"{i:05d}.png")


def read_clips(raw: pathlib.Path) -> dict:
    """Frames and masks by clip."""
    clips: dict = {}
    for path in sorted((raw / VIDEO_SET).glob("*.jpg")):
        clips.setdefault(clip_of(path.name), []).append((cv2.imread(str(path)), read_labels(str(path.with_suffix(".0.png"))) == 1))
    return {name: tuple(map(list, zip(*pairs))) for name, pairs in clips.items()}


def largest_object(name: str, labels: np.ndarray) -> np.ndarray:
    if name in WHOLE:
        return labels > 0
    areas = {i: (labels == i).sum() for i in np.unique(labels)}
    fitting = {i: area for i, area in areas.items() if area < .4 * labels.size}
    return labels == max(fitting, key=fitting.get)


def slow_camera(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[list, list]:
    """A pan and zoom of some pixels a frame."""
    height, width = mask.shape
    move, zoom, start = rng.normal(size=2) * .002 * width, 1 + rng.normal() * .003, rng.uniform(.88, .94)
    frames, masks = [], []
    for t in range(FRAMES):
        scale = zoom ** t / start
        matrix = np.float32([[scale, 0, width / 2 * (1 - scale) + move[0] * t], [0, scale, height / 2 * (1 - scale) + move[1] * t]])
        frames.append(cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT))
        masks.append(cv2.warpAffine(mask.astype(np.uint8), matrix, (width, height)) > 0)
    return frames, masks


def behind_wall(frames: list, masks: list, rng: np.random.Generator) -> tuple[list, list]:
    """A grainy wall crosses the picture once."""
    height, width = masks[0].shape
    wide = int(rng.uniform(*WALL) * width)
    grain = cv2.resize(rng.uniform(60, 190, (9, 9, 3)).astype(np.float32), (wide, height), interpolation=cv2.INTER_CUBIC)
    wall = np.clip(grain + rng.normal(size=(height, wide, 1)) * 6, 0, 255).astype(np.uint8)
    out, seen = [], []
    for t, (frame, mask) in enumerate(zip(frames, masks)):
        left = int(-wide + (width + wide) * t / len(frames))
        a, b = max(0, left), min(width, left + wide)
        frame, mask = frame.copy(), mask.copy()
        frame[:, a:b], mask[:, a:b] = wall[:, a - left:b - left], False
        out.append(frame)
        seen.append(mask)
    return out, seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    args = parser.parse_args()
    rng, clips = np.random.default_rng(3), read_clips(args.raw)
    for name, (frames, masks) in clips.items():
        write_clip(args.out / ("held-out" if name in HELD_OUT_CLIPS else "trained") / name, frames, masks)
    trained = [name for name in clips if name not in HELD_OUT_CLIPS]
    for name in rng.choice(trained, OCCLUDED, replace=False):
        write_clip(args.out / "occluded" / name, *behind_wall(*clips[name], rng))
    for name, count in PHOTOGRAPHS.items():
        files = sorted(p for ext in ("jpg", "webp") for p in (args.raw / name).glob(f"*.{ext}"))
        for i in rng.choice(len(files), count, replace=False):
            mask = largest_object(name, read_labels(str(files[i].with_suffix(".0.png"))))
            write_clip(args.out / "photographs" / f"{name}-{files[i].stem}", *slow_camera(cv2.imread(str(files[i])), mask, rng))


if __name__ == "__main__":
    main()
