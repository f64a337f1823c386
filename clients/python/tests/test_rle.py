"""Run lengths against pycocotools, which defines them."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as coco

from maskstream import rle


def shapes() -> list[np.ndarray]:
    noise = np.random.default_rng(7)
    rows, columns = np.mgrid[0:97, 0:131]
    disc = (rows - 40) ** 2 + (columns - 60) ** 2 < 900
    whole = np.ones((97, 131), bool)
    corner = np.zeros((97, 131), bool)
    corner[0, 0] = corner[-1, -1] = True
    wide = np.zeros((3, 70000), bool)
    wide[1, 3:69990] = True
    tall = np.zeros((50000, 2), bool)
    tall[100:49999] = True
    return [disc, ~disc, whole, ~whole, corner, wide, tall, noise.random((64, 33)) > 0.5]


@pytest.mark.parametrize("index", range(8))
def test_they_are_pycocotools_own(index: int) -> None:
    mask = shapes()[index]
    packed = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert rle.encode(mask) == packed["counts"]
    assert np.array_equal(rle.decode(packed["counts"], *mask.shape), mask)


@pytest.mark.parametrize("counts", [b"", b"\x01", b"0", b"zzzzzzzzzz", b"P1", b"N"])
def test_damaged_ones_are_refused(counts: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        rle.decode(counts, 10, 10)
