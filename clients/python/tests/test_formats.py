"""The command line's formats, read as those who defined them do."""

from __future__ import annotations

import copy
import io
import json
import shutil
import subprocess
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from conftest import FRAMES, HEIGHT, PROGRAM, WIDTH, Clip

FORMATS = ("dir", "coco", "ytvis", "davis", "labelme", "yolo", "mask")


@pytest.fixture(scope="module")
def written(address: str, clip: Clip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two objects, of which the second is hidden by the first on no frame, in every format."""
    folder = tmp_path_factory.mktemp("formats")
    node = shutil.which("node")
    assert node is not None
    box = "1:" + ",".join(f"{value:.0f}" for value in clip.box.values())
    for name in FORMATS:
        out = folder / (f"{name}.json" if name in ("coco", "ytvis") else name)
        words = [node, PROGRAM, "segment", clip.path, "--box", box, "--box", "2:0,0,60,40"]
        rest = ["--server", address, "--format", name, "--out", out]
        subprocess.run([*map(str, words + rest)], check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="module")
def truth(written: Path) -> list[NDArray[np.uint8]]:
    """Ids of each frame as the first format has them."""
    return [np.asarray(Image.open(path)) for path in sorted((written / "dir/masks").iterdir())]


def test_pycocotools_reads_coco(written: Path, truth: list[NDArray[np.uint8]]) -> None:
    with redirect_stdout(io.StringIO()):
        loaded = COCO(str(written / "coco.json"))
        # It changes what it is given.
        given = copy.deepcopy(loaded.loadAnns(loaded.getAnnIds()))
        results = loaded.loadRes(given)
    assert loaded.getImgIds() == list(range(1, FRAMES + 1))
    for index, ids in enumerate(truth):
        # As results, they have the same masks (loadRes replaces the area by that of the box).
        again = results.loadAnns(results.getAnnIds(imgIds=[index + 1]))
        mine = loaded.loadAnns(loaded.getAnnIds(imgIds=[index + 1]))
        assert [item["segmentation"] for item in again] == [item["segmentation"] for item in mine]
        for item in mine:
            mask = loaded.annToMask(item).astype(bool)
            assert np.array_equal(mask, ids == item["track_id"])
            assert coco_mask.toBbox(item["segmentation"]).tolist() == item["bbox"]
            assert mask.sum() == item["area"] and 0 <= item["score"] <= 1
    seen = {(int(ids_of["image_id"]), ids_of["track_id"]) for ids_of in loaded.anns.values()}
    assert seen == {(i + 1, n) for i, ids in enumerate(truth) for n in np.unique(ids) if n}


def test_youtube_vis_has_one_entry_a_frame(written: Path, truth: list[NDArray[np.uint8]]) -> None:
    # As YTVOS.annToMask of the benchmark's own fork of pycocotools: one segmentation a frame.
    content = json.loads((written / "ytvis.json").read_text())
    (video,) = content["videos"]
    assert (video["length"], video["width"], video["height"]) == (FRAMES, WIDTH, HEIGHT)
    assert len(video["file_names"]) == FRAMES
    assert {item["track_id"] for item in content["annotations"]} == {1, 2}
    for item in content["annotations"]:
        assert item["video_id"] == video["id"]
        assert item["category_id"] in [category["id"] for category in content["categories"]]
        lists = ("segmentations", "bboxes", "areas")
        assert all(len(item[name]) == FRAMES for name in lists)
        for index, packed in enumerate(item["segmentations"]):
            inside = truth[index] == item["track_id"]
            if packed is None:
                assert not inside.any() and item["areas"][index] is None
                continue
            assert np.array_equal(coco_mask.decode(packed).astype(bool), inside)
            assert item["areas"][index] == inside.sum()


def test_davis_reads_palette_indices(written: Path, truth: list[NDArray[np.uint8]]) -> None:
    # As davis2017-evaluation's Results.read_mask: the index of a palette PNG is the object.
    (sequence,) = (written / "davis/Annotations").iterdir()
    paths = sorted(sequence.glob("*.png"))
    assert [path.name for path in paths] == [f"{index:05d}.png" for index in range(FRAMES)]
    for path, ids in zip(paths, truth, strict=True):
        with Image.open(path) as picture:
            assert picture.mode == "P"
            assert picture.getpalette()[:6] == [0, 0, 0, 128, 0, 0]  # type: ignore[index]
            assert np.array_equal(np.asarray(picture), ids)


def test_labelme_and_yolo_fill_to_the_same_masks(
    written: Path, truth: list[NDArray[np.uint8]]
) -> None:
    for index, ids in enumerate(truth):
        content = json.loads((written / f"labelme/{index:05d}.json").read_text())
        assert content["imagePath"] == f"{index:05d}.jpg" and content["imageData"] is None
        assert (content["imageWidth"], content["imageHeight"]) == (WIDTH, HEIGHT)
        for shape in content["shapes"]:
            assert np.array_equal(fill(shape["points"]), ids == shape["group_id"])
        lines = (written / f"yolo/labels/{index:05d}.txt").read_text().splitlines()
        numbers = sorted(set(np.unique(ids).tolist()) - {0})
        for line, number in zip(lines, numbers, strict=True):
            shares = np.array(line.split()[1:], float).reshape(-1, 2)
            assert shares.min() >= 0 and shares.max() <= 1
            assert np.array_equal(fill(shares * (WIDTH, HEIGHT)), ids == number)
    assert "names:\n  0:" in (written / "yolo/data.yaml").read_text()


def test_masks_are_white_on_black(written: Path, truth: list[NDArray[np.uint8]]) -> None:
    for index, ids in enumerate(truth):
        mask = cv2.imread(str(written / f"mask/masks/{index:05d}.png"), cv2.IMREAD_UNCHANGED)
        assert mask is not None and np.array_equal(mask == 255, ids > 0)
        assert set(np.unique(np.asarray(mask))) <= {0, 255}


def fill(points: Any) -> NDArray[np.bool_]:
    """Even-odd at pixel centres, exactly: corners times 2, centres between them."""
    corners = np.rint(np.asarray(points, float)).astype(int)
    crossings = np.zeros((HEIGHT, WIDTH + 1), int)
    for (x, y), (to_x, to_y) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if x == to_x:
            crossings[min(y, to_y) : max(y, to_y), x] += 1
            continue
        if y == to_y:
            continue
        # A bridge: there and back at the same places, so that they cancel.
        for row in range(min(y, to_y), max(y, to_y)):
            column = int(np.ceil(x + (to_x - x) * (row + 0.5 - y) / (to_y - y) - 0.5))
            crossings[row, column] += 1
    inside: NDArray[np.bool_] = np.cumsum(crossings, axis=1)[:, :-1] % 2 == 1
    return inside


def test_nothing_is_left_behind(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == sorted(
        f"{name}.json" if name in ("coco", "ytvis") else name for name in FORMATS
    )
