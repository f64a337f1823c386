"""Instances of one noun's map, as src/inference/text-instances.ts finds them, for choosing thresholds and for tests."""
import cv2
import numpy as np

EIGHT = np.ones((3, 3), np.uint8)
#: Cores smaller than this share of their part do not make an instance.
SMALLEST_CORE = .1


def connected(mask: np.ndarray) -> np.ndarray:
    """[h,w] bool -> ids from 1, 8-connected."""
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1]


def cut(ids: np.ndarray, core: np.ndarray) -> np.ndarray:
    """Divide each part by the cores left of it without its borders; every cell goes to the nearest core."""
    seeds = connected(core)
    areas, core_areas = np.bincount(ids.ravel()), np.bincount(seeds.ravel())
    owner = np.zeros(len(core_areas), int)
    owner[seeds.ravel()] = ids.ravel()
    kept = [s for s in range(1, len(core_areas)) if core_areas[s] >= SMALLEST_CORE * areas[owner[s]]]
    count = np.bincount(owner[kept], minlength=len(areas)) if kept else np.zeros(len(areas), int)
    out, step = ids.copy(), len(areas)
    for part in np.flatnonzero(count > 1):
        inside = ids == part
        grown = np.zeros_like(ids)
        for n, s in enumerate(k for k in kept if owner[k] == part):
            grown[seeds == s] = n + 1
        while True:
            wider = np.where(grown > 0, grown, cv2.dilate(grown.astype(np.uint8), EIGHT)) * inside
            if (wider == grown).all():
                break
            grown = wider
        out[inside] = np.where(grown > 0, step + grown, part)[inside]
        step += count[part]
    return out


def boxes_of(ids: np.ndarray) -> np.ndarray:
    """[n,5]: x0, y0, x1, y1, area in cells."""
    rows = []
    for i in np.setdiff1d(ids, 0):
        ys, xs = np.nonzero(ids == i)
        rows.append((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1, len(xs)))
    return np.array(rows, float).reshape(-1, 5)


def found_in(mask: np.ndarray) -> np.ndarray:
    """[n,5] of the connected parts."""
    stats = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)[2][1:].astype(float)
    return np.concatenate([stats[:, :2], stats[:, :2] + stats[:, 2:4], stats[:, 4:]], 1)


def find(probability: np.ndarray, threshold: float, border: np.ndarray | None = None, border_threshold: float = .5) -> np.ndarray:
    mask = probability >= threshold
    if border is None or not mask.any():
        return found_in(mask)
    return boxes_of(cut(connected(mask), mask & (border < border_threshold)))


def matched(found: np.ndarray, true: np.ndarray, least: float = .5) -> int:
    """Pairs of boxes with an IoU of at least `least`, taken greedily, best first."""
    if not len(found) or not len(true):
        return 0
    corner = lambda a, b, f, k: f(a[:, None, k], b[None, :, k])
    inner = [np.clip(corner(found, true, np.minimum, k + 2) - corner(found, true, np.maximum, k), 0, None) for k in (0, 1)]
    area = lambda b: (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    shared = inner[0] * inner[1]
    iou, count = shared / (area(found)[:, None] + area(true)[None] - shared), 0
    while iou.size and iou.max() >= least:
        i, j = np.unravel_index(iou.argmax(), iou.shape)
        iou[i], iou[:, j] = -1, -1
        count += 1
    return count
