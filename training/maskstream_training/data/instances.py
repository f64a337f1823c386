"""Photographs with instance ids: which instances may be trained on, and which photographs are kept back to measure on.

SET.tsv beside the folder SET has a line an instance: name, id, class, complete, pixels.  In a map 0 is background (or not
labelled: only the instance asked for is ever judged), 255 unknown.
"""
import csv
import hashlib
import pathlib

import numpy as np

#: set -> photographs kept back: one in 20 of the crowded cats, one in 18 of the others
KEPT_BACK = {"cats": 48, "coco-free": 31, "coco-research": 67, "balloons": 4}
OWN = "own"              # what finetune.py makes of somebody's own annotations
OWN_KEPT_BACK = .1       # of its photographs, and one at least
INSTANCE_SETS = (*KEPT_BACK, OWN)
UNKNOWN = 255
SMALLEST_AREA = 8e-4   # of the square
MOST_UNKNOWN = .1      # unknown pixels in the instance's box, as a share of its area


def classes(raw: pathlib.Path, dataset: str) -> dict[str, dict[int, str]]:
    """name of a photograph -> id -> class"""
    found: dict = {}
    with open(raw / f"{dataset}.tsv", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            found.setdefault(row["name"], {})[int(row["id"])] = row["class"]
    return found


def kept_back(dataset: str, stems: list[str]) -> set[str]:
    """The photographs of a set that no run sees: those whose names hash lowest, so that the choice needs no list."""
    count = max(1, round(OWN_KEPT_BACK * len(stems))) if dataset == OWN else KEPT_BACK.get(dataset, 0)
    return set(sorted(stems, key=lambda stem: hashlib.sha256(f"{dataset}/{stem}".encode()).hexdigest())[:count])


def usable_instances(labels: np.ndarray, found: dict, named: dict[int, str]) -> dict[int, str]:
    """id -> class of the instances whose extent is known; `found` as data.prepare.extents gives it."""
    side, usable = labels.shape[0], {}
    for i, name in named.items():
        if i not in found or i in (0, UNKNOWN) or found[i][4] < SMALLEST_AREA:
            continue
        x0, y0, x1, y1 = (int(round(edge * side)) for edge in found[i][:4])
        if (labels[y0:y1, x0:x1] == UNKNOWN).sum() <= MOST_UNKNOWN * found[i][4] * labels.size:
            usable[i] = name
    return usable
