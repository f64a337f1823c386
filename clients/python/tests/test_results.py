"""Results as pycocotools and supervision take them."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import supervision
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

import maskstream
from conftest import HEIGHT, WIDTH, Clip


@pytest.fixture(scope="module")
def frames(address: str, clip: Clip) -> list[maskstream.Frame]:
    prompts = [
        maskstream.box(1, **clip.box, label="disc"),
        maskstream.mask(4, np.pad(np.ones((30, 40), bool), ((0, HEIGHT - 30), (0, WIDTH - 40)))),
    ]
    with maskstream.connect(address) as client:
        return list(client.segment(clip.path, prompts))


def test_pycocotools_decodes_the_run_lengths(frames: list[maskstream.Frame]) -> None:
    for frame in frames:
        for found in frame.objects:
            if found.area > 0:
                assert found.mask is not None
                assert np.array_equal(coco_mask.decode(found.rle), found.mask)
                assert coco_mask.area(found.rle) == found.area
                assert coco_mask.toBbox(found.rle).tolist() == list(found.box or ())


def test_coco_loads_the_annotations(frames: list[maskstream.Frame], tmp_path: Path) -> None:
    truth = {
        "info": {},
        "images": [{"id": i + 1, "width": WIDTH, "height": HEIGHT} for i in range(len(frames))],
        "categories": [{"id": 1, "name": "disc"}, {"id": 2, "name": "corner"}],
        "annotations": [],
    }
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(truth))
    found = [item for frame in frames for item in frame.to_coco(categories={"disc": 1, None: 2})]
    json.dumps(found)
    with redirect_stdout(io.StringIO()):
        loaded = COCO(str(path)).loadRes(found)
    annotations = loaded.loadAnns(loaded.getAnnIds(imgIds=[1]))
    assert [item["track_id"] for item in annotations] == [1, 4]
    assert [item["category_id"] for item in annotations] == [1, 2]
    mask = frames[0].objects[0].mask
    assert mask is not None and np.array_equal(loaded.annToMask(annotations[0]), mask)


def test_supervision_draws_them(frames: list[maskstream.Frame], clip: Clip) -> None:
    detections = frames[0].to_supervision()
    assert detections.tracker_id.tolist() == [1, 4]
    assert detections["class_name"].tolist() == ["disc", "object"]
    assert detections.mask.shape == (2, HEIGHT, WIDTH)
    assert np.allclose(detections.area, [item.area for item in frames[0].objects])
    drawn = supervision.MaskAnnotator().annotate(clip.pictures[0].copy(), detections)
    changed = (drawn != clip.pictures[0]).any(axis=2)
    assert (changed & detections.mask.any(axis=0)).sum() > 0.9 * detections.mask.sum()


def test_a_frame_without_objects_is_an_empty_answer(address: str, clip: Clip) -> None:
    with maskstream.connect(address) as client, client.segment(clip.path) as stream:
        frame = next(stream)
    assert frame.objects == [] and frame.objects.by_id(1) is None
    assert len(frame.to_supervision()) == 0
    assert frame.to_coco() == []
