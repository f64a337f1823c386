"""Decode images with semantic label maps for the text head.

    python -m maskstream_training.text.prepare RAW OUT [--workers 16] [--every 1]

OUT/images.npy u8[n,448,448,3], OUT/labels.npy u8[n,448,448], OUT/tables.npz: rule [n] (row of rules), rules u8[r,256,nouns],
split [n] (0 trained on; 1 test: the CamVid sequence 0001TP, every tenth photograph of the other sets; 2 validation: the CamVid sequence Seq05VD,
another tenth of the photographs; the shipped head trains on 0 and 2, its twin, whose thresholds are taken, on 0), set [n],
anchors i32[m,4] (set, noun, row, y * 448 + x): places of each noun, at most eight in an image, none in test images.
"""
import argparse
import pathlib
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np

from ..data.prepare import HELD_OUT_CAMVID, HELD_OUT_CLIPS, SQUARE, clip_of, create, memory_map, read_labels
from .vocabulary import CLIP_NOUN, NOUNS, YES, rule

SETS = ("camvid", "ccp", "human290", "carparts", "davis-train")
VIDEO_STEP = 6
BETWEEN_PARTS = 255
TEST, VALIDATION = 1, 2
VALIDATION_CAMVID = "Seq05VD"
ANCHORS = 8


def fill_car(labels: np.ndarray) -> np.ndarray:
    """The part maps leave out the body of the car: fill the hull of the parts."""
    points = cv2.findNonZero((labels > 0).astype(np.uint8))
    if points is None:
        return labels
    hull = np.zeros_like(labels)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    return np.where((hull > 0) & (labels == 0), BETWEEN_PARTS, labels).astype(np.uint8)


def anchors_of(labels: np.ndarray, dataset: str, key: str, row: int) -> np.ndarray:
    table, rng, found = rule(dataset, key), np.random.default_rng(row), []
    present = np.unique(labels)
    for noun in range(len(NOUNS)):
        ids = present[table[present, noun] == YES]
        if len(ids):
            places = np.flatnonzero(np.isin(labels, ids))
            found += [(SETS.index(dataset), noun, row, p) for p in rng.choice(places, min(ANCHORS, len(places)), False)]
    return np.array(found, np.int32).reshape(-1, 4)


def decode(job: tuple) -> np.ndarray:
    dataset, path, label_path, key, split, row, out = job
    image = cv2.imread(path, cv2.IMREAD_COLOR)[:, :, ::-1]
    labels = cv2.resize(read_labels(label_path), (SQUARE, SQUARE), interpolation=cv2.INTER_NEAREST)
    memory_map(out, "images")[row] = cv2.resize(image, (SQUARE, SQUARE), interpolation=cv2.INTER_LINEAR)
    labels = fill_car(labels) if dataset == "carparts" else labels
    memory_map(out, "labels")[row] = labels
    return anchors_of(labels, dataset, key, row)[:0 if split == TEST else None]


def listed(raw: pathlib.Path, every: int) -> list:
    """(set, path, label map, rule key, split)"""
    found = []
    for name in SETS:
        paths = sorted(p for ext in ("jpg", "webp") for p in (raw / name).glob(f"*.{ext}"))
        if name == "davis-train":
            usable = [p for p in paths if CLIP_NOUN.get(clip_of(p.name)) and clip_of(p.name) not in HELD_OUT_CLIPS]
            found += [(name, str(p), str(p.with_suffix("")) + ".0.png", clip_of(p.name), 0) for p in usable[::VIDEO_STEP * every]]
            continue
        for i, p in enumerate(paths[::every]):
            street = name == "camvid"
            test = p.name.startswith(HELD_OUT_CAMVID) if street else i % 10 == 9
            validation = p.name.startswith(VALIDATION_CAMVID) if street else i % 10 == 4
            found.append((name, str(p), str(p.with_suffix("")) + ".0.png", "", TEST if test else VALIDATION if validation else 0))
    return [f for f in found if pathlib.Path(f[2]).exists()]


def main() -> None:
    cv2.setNumThreads(0)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows, out = listed(args.raw, args.every), str(args.out)
    create(out, "images", np.uint8, (len(rows), SQUARE, SQUARE, 3))
    create(out, "labels", np.uint8, (len(rows), SQUARE, SQUARE))
    with ProcessPoolExecutor(args.workers) as pool:
        anchors = list(pool.map(decode, [(*r, i, out) for i, r in enumerate(rows)], chunksize=8))
    keys = sorted({(r[0], r[3]) for r in rows})
    np.savez(args.out / "tables.npz", rule=np.array([keys.index((r[0], r[3])) for r in rows]), rules=np.stack([rule(*k) for k in keys]),
             split=np.array([r[4] for r in rows]), set=np.array([SETS.index(r[0]) for r in rows]), anchors=np.concatenate(anchors))
    count = lambda split: sum(r[4] == split for r in rows)
    print("prepared", len(rows), "images,", count(TEST), "for the test,", count(VALIDATION), "for validation", flush=True)


if __name__ == "__main__":
    main()
