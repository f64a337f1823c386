"""Decode the training sets once into flat arrays: images stretched to 448x448, label maps, candidate objects, flow.

    python -m maskstream_training.data.prepare RAW OUT [--terms commercial] [--workers 16] [--every 1]

OUT/images.npy u8[n,448,448,3], OUT/labels.npy u8[m,448,448], OUT/flow.npy f16[f,2,112,112,2] (DIS flow of each video
frame to the frame before and to the frame after, in units of half the square), OUT/candidates.npz:
  image, label, kind, lut u8[c,256] (which label ids are the object), box (x0,y0,x1,y1,area; 0..1),
  parent (a candidate that contains it, or -1), clip (0 for photographs), like (what looks alike: the kind, or the class of an
  instance), terms, flow_first (first row of flow.npy, by image).
"""
import argparse
import os
import pathlib
import random
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np

from .instances import INSTANCE_SETS, OWN, classes, kept_back, usable_instances
from .manifest import TERMS, sets_under

SQUARE = 448
FLOW_SIZE = 112
FLOW_FRAME = (448, 252)   # DIS runs at the size the product runs it at
KINDS = ("region", "regions", "street", "human", "car", "car_part", "person", "clothing", "video", "thing", "cat")
SETS = ("bsds500", "camvid", "human290", "carparts", "ccp", "cats", "coco-free", "coco-research", "balloons", OWN, "davis-train")
#: Never trained on: tuning and calibration use the clips, the text test uses the CamVid sequence.
HELD_OUT_CLIPS = ("dance-jump", "drift-turn", "flamingo", "scooter-gray", "rhino")
HELD_OUT_CAMVID = "0001TP"
CAMVID_OBJECTS = (2, 6, 8, 9, 10)
SMALLEST_PART = 0.002


def lut(ids) -> np.ndarray:
    table = np.zeros(256, np.uint8)
    table[list(ids)] = 1
    return table


def extents(labels: np.ndarray) -> dict:
    """label id -> (x0, y0, x1, y1, area fraction), all in 0..1."""
    found = {}
    for i in np.unique(labels):
        mask = labels == i
        ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        found[int(i)] = (xs[0] / SQUARE, ys[0] / SQUARE, (xs[-1] + 1) / SQUARE, (ys[-1] + 1) / SQUARE, mask.mean())
    return found


def union(found: dict, ids) -> tuple:
    rows = np.array([found[i] for i in ids])
    return rows[:, 0].min(), rows[:, 1].min(), rows[:, 2].max(), rows[:, 3].max(), rows[:, 4].sum()


def components(labels: np.ndarray) -> np.ndarray:
    """CamVid classes -> one id per connected object."""
    out, count = np.zeros_like(labels), 0
    for cls in CAMVID_OBJECTS:
        n, ids, stats, _ = cv2.connectedComponentsWithStats((labels == cls).astype(np.uint8), connectivity=8)
        for j in range(1, n):
            if stats[j, 4] >= 150 and count < 250:
                count += 1
                out[ids == j] = count
    return out


def region_candidates(labels: np.ndarray, found: dict, rng: random.Random) -> list:
    """Human regions, and unions of 2-4 neighbouring ones; a region's parent is a union that holds it."""
    usable = [i for i in found if 0.0015 < found[i][4] < 0.6]
    rows = [["region", lut([i]), found[i], -1] for i in usable]
    neighbours: dict = {}
    for a, b in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        differ = a != b
        for x, y in set(zip(a[differ].tolist(), b[differ].tolist())):
            neighbours.setdefault(x, set()).add(y)
            neighbours.setdefault(y, set()).add(x)
    for _ in range(min(6, len(usable))):
        group = {rng.choice(usable)} if usable else set()
        for _ in range(rng.randint(1, 3)):
            near = [z for x in group for z in neighbours.get(x, ()) if z not in group and found[z][4] < 0.3]
            if near:
                group.add(rng.choice(near))
        whole = union(found, group) if group else (0, 0, 0, 0, 1)
        if len(group) > 1 and whole[4] < 0.6:
            for i in group & set(usable):
                rows[usable.index(i)][3] = len(rows)
            rows.append(["regions", lut(group), whole, -1])
    return rows


def part_candidates(found: dict, whole: str, part: str) -> list:
    ids = [i for i in found if i > 0]
    if not ids:
        return []
    rows = [[whole, lut(ids), union(found, ids), -1]]
    return rows + [[part, lut([i]), found[i], 0] for i in ids if found[i][4] > SMALLEST_PART]


def candidates(dataset: str, labels: np.ndarray, named: dict, rng: random.Random) -> list:
    """Rows of [kind, lut, extent, parent row or -1], with a class for instances."""
    found = extents(labels)
    if dataset in INSTANCE_SETS:
        kind = "cat" if dataset == "cats" else "thing"
        return [[kind, lut([i]), found[i], -1, name] for i, name in usable_instances(labels, found, named).items()]
    if dataset == "bsds500":
        return region_candidates(labels, found, rng)
    if dataset == "camvid":
        return [["street", lut([i]), found[i], -1] for i in found if i > 0]
    if dataset == "human290":
        return [["human", lut([1]), found[1], -1]] if 1 in found else []
    if dataset == "carparts":
        return part_candidates(found, "car", "car_part")
    if dataset == "ccp":
        return part_candidates(found, "person", "clothing")
    return [["video", lut([1]), found.get(1, (0, 0, 0, 0, 0)), -1]]  # every frame: where the object is absent, too


def read_labels(path: str) -> np.ndarray:
    """A label map u8[height,width], also where the file repeats it in every channel."""
    labels = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    return labels[..., 0] if labels.ndim == 3 else labels


def decode(job: tuple) -> list:
    dataset, path, maps, named, image_row, label_row, out = job
    rng = random.Random(path)
    image = cv2.imread(path, cv2.IMREAD_COLOR)[:, :, ::-1]
    memory_map(out, "images")[image_row] = cv2.resize(image, (SQUARE, SQUARE), interpolation=cv2.INTER_LINEAR)
    rows = []
    for offset, name in enumerate(maps):
        labels = cv2.resize(read_labels(name), (SQUARE, SQUARE), interpolation=cv2.INTER_NEAREST)
        if dataset == "camvid":
            labels = components(labels)
        memory_map(out, "labels")[label_row + offset] = labels
        rows.append(candidates(dataset, labels, named, rng))
    return rows


def clip_flow(job: tuple) -> None:
    paths, first, out = job
    gray = [cv2.resize(cv2.imread(p, cv2.IMREAD_GRAYSCALE), FLOW_FRAME, interpolation=cv2.INTER_AREA) for p in paths]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    half = np.array([FLOW_FRAME[0] / 2, FLOW_FRAME[1] / 2], np.float32)
    flow = memory_map(out, "flow")
    for t, frame in enumerate(gray):
        for side, other in enumerate((t - 1, t + 1)):
            if 0 <= other < len(gray):
                moved = dis.calc(frame, gray[other], None) / half
                flow[first + t, side] = cv2.resize(moved, (FLOW_SIZE, FLOW_SIZE), interpolation=cv2.INTER_AREA).astype(np.float16)


_maps: dict = {}


def memory_map(out: str, name: str) -> np.ndarray:
    if (out, name) not in _maps:
        _maps[out, name] = np.load(f"{out}/{name}.npy", mmap_mode="r+")
    return _maps[out, name]


def create(out: str, name: str, dtype, shape: tuple) -> None:
    np.lib.format.open_memmap(f"{out}/{name}.npy", "w+", dtype, shape).flush()


def clip_of(path: str) -> str:
    return os.path.basename(path).rsplit("_", 1)[0]


def list_images(raw: pathlib.Path, every: int, terms: str = "research", back: bool = False) -> list:
    """(set, path, label maps, classes by id) of everything that may be trained on, video in clip and time order.

    back: the photographs that are kept back instead.
    """
    found, allowed = [], (*sets_under(terms), OWN)
    for name in SETS:
        images = sorted(p for ext in ("jpg", "webp") for p in (raw / name).glob(f"*.{ext}")) if name in allowed else []
        named = classes(raw, name) if images and name in INSTANCE_SETS else {}
        apart = kept_back(name, [p.stem for p in images])
        images = [p for p in images if (p.stem in apart) == back]
        if name == "davis-train":
            images = [p for p in images if clip_of(p.name) not in HELD_OUT_CLIPS]
            clips = sorted({clip_of(p.name) for p in images})[::every]
            images = [p for p in images if clip_of(p.name) in clips]
        else:
            images = [p for p in images if not p.name.startswith(HELD_OUT_CAMVID)][::every]
        for path in images:
            maps = sorted(str(p) for p in path.parent.glob(f"{path.stem}.[0-9].png"))
            if maps:
                found.append((name, str(path), maps, named.get(path.stem, {})))
    return found


def main() -> None:
    cv2.setNumThreads(0)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--terms", choices=TERMS, default="research", help="whose stated terms allow it (data/manifest.json)")
    parser.add_argument("--every", type=int, default=1, help="keep every n-th photograph and clip, for a smoke test")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    out, listed = str(args.out), list_images(args.raw, args.every, args.terms)
    video = [i for i, item in enumerate(listed) if item[0] == "davis-train"]
    create(out, "images", np.uint8, (len(listed), SQUARE, SQUARE, 3))
    create(out, "labels", np.uint8, (sum(len(item[2]) for item in listed), SQUARE, SQUARE))
    create(out, "flow", np.float16, (max(1, len(video)), 2, FLOW_SIZE, FLOW_SIZE, 2))
    jobs, label_row = [], 0
    for row, (name, path, maps, named) in enumerate(listed):
        jobs.append((name, path, maps, named, row, label_row, out))
        label_row += len(maps)
    clips = {}
    for i in video:
        clips.setdefault(clip_of(listed[i][1]), []).append(i)
    flow_jobs = [([listed[i][1] for i in rows], rows[0] - video[0], out) for rows in clips.values()]
    clip_ids = {name: n + 1 for n, name in enumerate(clips)}
    columns: dict = {k: [] for k in ("image", "label", "kind", "lut", "box", "parent", "clip", "like")}
    like = {name: n for n, name in enumerate((*KINDS, *sorted({c for item in listed for c in item[3].values()})))}
    with ProcessPoolExecutor(args.workers) as pool:
        flows = pool.map(clip_flow, flow_jobs)
        for job, maps in zip(jobs, pool.map(decode, jobs, chunksize=8)):
            clip = clip_ids[clip_of(job[1])] if job[0] == "davis-train" else 0
            for offset, rows in enumerate(maps):
                base = len(columns["image"])
                for kind, table, box, parent, *name in rows:
                    values = (job[4], job[5] + offset, KINDS.index(kind), table, box, base + parent if parent >= 0 else -1, clip, like[name[0] if name else kind])
                    for key, value in zip(columns, values):
                        columns[key].append(value)
        list(flows)
    np.savez(f"{out}/candidates.npz", flow_first=video[0] if video else 0, terms=args.terms, **{
        k: np.array(v, {"lut": np.uint8, "box": np.float32}.get(k, np.int64)) for k, v in columns.items()})
    kinds = np.bincount(columns["kind"], minlength=len(KINDS))
    print("prepared", len(listed), "images", label_row, "maps", len(columns["image"]), "objects", dict(zip(KINDS, kinds.tolist())), flush=True)


if __name__ == "__main__":
    main()
