"""One's own annotations: COCO and labelme files become label maps."""
import json
import pathlib

import pytest

pytest.importorskip("cv2", reason="skipped: opencv-python-headless is not installed")
import cv2
import numpy as np

from maskstream_training.data.annotations import coco_shapes, label_map, labelme_shapes, run_lengths, write_set
from maskstream_training.data.instances import UNKNOWN, kept_back, usable_instances


def square(x: int, y: int, side: int) -> list[int]:
    return [x, y, x + side, y, x + side, y + side, x, y + side]


def coco(path: pathlib.Path, pictures: int = 3) -> pathlib.Path:
    annotations = [{"image_id": k, "category_id": 1, "segmentation": [square(10 + 10 * k, 10, 30)], "iscrowd": 0} for k in range(pictures)]
    annotations.append({"image_id": 0, "category_id": 2, "segmentation": [square(60, 40, 20)], "iscrowd": 1})
    path.write_text(json.dumps({"images": [{"id": k, "file_name": f"{k}.png"} for k in range(pictures)], "annotations": annotations,
                                "categories": [{"id": 1, "name": "gadget"}, {"id": 2, "name": "crowd"}]}))
    return path


def test_a_coco_polygon_becomes_an_id_and_a_crowd_unknown(tmp_path: pathlib.Path) -> None:
    shapes = coco_shapes(coco(tmp_path / "a.json"))
    labels, named = label_map(shapes["0.png"], 96, 128)
    assert named == {1: "gadget"}
    assert labels[20, 20] == 1 and labels[50, 70] == UNKNOWN and labels[90, 120] == 0


def test_a_smaller_instance_lies_over_a_larger_one(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.json"
    rows = [{"image_id": 0, "category_id": 1, "segmentation": [square(20, 20, 10)]}, {"image_id": 0, "category_id": 1, "segmentation": [square(10, 10, 60)]}]
    path.write_text(json.dumps({"images": [{"id": 0, "file_name": "0.png"}], "annotations": rows, "categories": [{"id": 1, "name": "cup"}]}))
    labels, named = label_map(coco_shapes(path)["0.png"], 96, 128)
    assert len(named) == 2 and labels[25, 25] != labels[50, 50] != 0


def test_run_lengths_go_down_the_columns() -> None:
    mask = run_lengths({"size": [2, 3], "counts": [1, 2, 3]})
    assert mask.tolist() == [[False, True, False], [True, False, False]]


def test_labelme_parts_of_one_group_are_one_instance(tmp_path: pathlib.Path) -> None:
    part = lambda x: {"label": "tool", "group_id": 7, "shape_type": "rectangle", "points": [[x, 10], [x + 10, 20]]}
    (tmp_path / "a.json").write_text(json.dumps({"imagePath": "..\\pictures\\a.png", "shapes": [part(10), part(40)]}))
    found = labelme_shapes(tmp_path)
    assert list(found) == ["a.png"] and len(found["a.png"]) == 1 and len(found["a.png"][0].polygons) == 2


def test_a_file_that_is_no_annotation_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ValueError, match="expected COCO's keys"):
        coco_shapes(tmp_path / "a.json")


def test_a_written_set_names_its_instances(tmp_path: pathlib.Path) -> None:
    for k in range(3):
        cv2.imwrite(str(tmp_path / f"{k}.png"), np.full((96, 128, 3), 40 * k, np.uint8))
    assert write_set(coco(tmp_path / "a.json"), tmp_path, tmp_path / "raw") == (3, 3)
    assert (tmp_path / "raw" / "own.tsv").read_text().splitlines()[1].split("\t")[:3] == ["0", "1", "gadget"]


def test_a_tenth_and_one_at_least_is_kept_back() -> None:
    stems = [str(k) for k in range(40)]
    assert len(kept_back("own", stems)) == 4 and len(kept_back("own", stems[:3])) == 1
    assert kept_back("bsds500", stems) == set()


def test_an_instance_beside_unknown_pixels_is_left_out() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[10:40, 10:40], labels[50:80, 50:80], labels[60:70, 60:70] = 1, 2, UNKNOWN
    from maskstream_training.data.prepare import SQUARE, extents
    labels = cv2.resize(labels, (SQUARE, SQUARE), interpolation=cv2.INTER_NEAREST)
    assert usable_instances(labels, extents(labels), {1: "cup", 2: "cup"}) == {1: "cup"}
