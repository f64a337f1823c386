"""COCO's run lengths: `{"size": [height, width], "counts": ...}` as pycocotools has them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def decode(counts: bytes, height: int, width: int) -> NDArray[np.bool_]:
    """Pixels of compressed counts, as bool [height, width]. Raises ValueError for damaged ones."""
    runs = _unpack(counts)
    ends = np.cumsum(runs)
    if runs.min(initial=0) < 0 or (ends[-1] if len(ends) else 0) != height * width:
        raise ValueError(f"expected runs of {width} x {height} pixels together")
    mask = np.zeros((height, width), np.bool_)
    if len(runs) < 2:
        return mask
    # Only the columns from the first pixel inside to the last: the rest is zero already.
    last_inside = int(ends[1::2][-1]) - 1
    first, last = int(ends[0]) // height, last_inside // height
    inside = np.arange(len(runs)) % 2 == 1
    runs = runs.copy()
    runs[0] -= first * height
    pixels = np.repeat(inside, runs)
    columns = (last - first + 1) * height
    mask[:, first : last + 1] = pixels[:columns].reshape(last - first + 1, height).T
    return mask


def encode(mask: NDArray[np.bool_]) -> bytes:
    """Compressed counts of bool [height, width]."""
    pixels = np.ascontiguousarray(mask.T).ravel()
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    ends = np.concatenate([[0], changes, [pixels.size]])
    runs = np.diff(ends).tolist()
    if pixels.size and pixels[0]:
        runs.insert(0, 0)
    return _pack(runs)


def _unpack(counts: bytes) -> NDArray[np.int64]:
    """Runs are little-endian groups of 5 bits; from the fourth on, differences from two before."""
    text = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    if text.size == 0:
        return text
    if text.min() < 0 or text.max() > 63 or text[-1] & 0x20:
        raise ValueError("expected compressed run lengths")
    last = (text & 0x20) == 0
    starts = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1])
    place = np.arange(text.size) - np.repeat(starts, np.diff(np.append(starts, text.size)))
    if place.max() > 6:
        raise ValueError("expected run lengths of at most 7 characters")
    values = np.add.reduceat((text & 0x1F) << (5 * place), starts)
    # The highest bit of a value's last group is its sign.
    negative = (text[last] & 0x10) != 0
    values[negative] -= np.int64(1) << (5 * (place[last][negative] + 1))
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def _pack(runs: list[int]) -> bytes:
    text = bytearray()
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        while True:
            group = value & 0x1F
            value >>= 5
            more = value != -1 if group & 0x10 else value != 0
            text.append(48 + group + (0x20 if more else 0))
            if not more:
                break
    return bytes(text)
