"""Somebody's own annotations as an instance set: a COCO file, or a folder of labelme files.

RAW/own/NAME.jpg (longest side 448), RAW/own/NAME.0.png (ids from 1, 255 unknown) and RAW/own.tsv, as instances.py reads them.
"""
import json
import pathlib
from dataclasses import dataclass, field

import cv2
import numpy as np

from .instances import OWN, UNKNOWN

LONGEST_SIDE = 448
MOST = 254         # instances of one picture; what is left over is unknown
QUALITY = 95       # of the JPEG written


@dataclass
class Shape:
    """One instance: polygons [n,2] in pixels, or a mask bool[h,w]."""
    name: str
    polygons: list[np.ndarray] = field(default_factory=list)
    mask: np.ndarray | None = None
    crowd: bool = False

    def drawn(self, height: int, width: int) -> np.ndarray:
        if self.mask is not None:
            return self.mask
        canvas = np.zeros((height, width), np.uint8)
        cv2.fillPoly(canvas, [np.round(p).astype(np.int32) for p in self.polygons], 1)
        return canvas > 0


def coco_shapes(path: pathlib.Path) -> dict[str, list[Shape]]:
    """File name -> instances of a COCO instances file."""
    stored = json.loads(path.read_text())
    for key in ("images", "annotations", "categories"):
        if key not in stored:
            raise ValueError(f"{path}: expected COCO's keys images, annotations and categories, got {', '.join(stored)}")
    names = {c["id"]: c["name"] for c in stored["categories"]}
    files = {i["id"]: i["file_name"] for i in stored["images"]}
    found: dict[str, list[Shape]] = {name: [] for name in files.values()}
    for row in stored["annotations"]:
        parts, shape = row["segmentation"], Shape(names[row["category_id"]], crowd=bool(row.get("iscrowd")))
        if isinstance(parts, dict):
            shape.mask = run_lengths(parts)
        else:
            shape.polygons = [np.array(p, float).reshape(-1, 2) for p in parts if len(p) >= 6]
        if shape.mask is not None or shape.polygons:
            found[files[row["image_id"]]].append(shape)
    return found


def run_lengths(stored: dict) -> np.ndarray:
    """COCO's run lengths, column by column. Compressed ones need pycocotools."""
    height, width = stored["size"]
    if isinstance(stored["counts"], str):
        from pycocotools import mask
        return mask.decode({"size": stored["size"], "counts": stored["counts"].encode()}) > 0
    flat = np.repeat(np.arange(len(stored["counts"])) % 2, stored["counts"])
    return flat.reshape(width, height).T > 0


def labelme_shapes(folder: pathlib.Path) -> dict[str, list[Shape]]:
    """File name -> instances of a folder of labelme files; parts of one `group_id` are one instance."""
    found: dict[str, list[Shape]] = {}
    for path in sorted(folder.glob("*.json")):
        stored, groups = json.loads(path.read_text()), {}
        if "shapes" not in stored or not stored.get("imagePath"):
            raise ValueError(f"{path}: expected a labelme file with shapes and imagePath")
        for i, row in enumerate(stored["shapes"]):
            points = np.array(row["points"], float)
            if row.get("shape_type", "polygon") == "rectangle":
                (x0, y0), (x1, y1) = points
                points = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
            elif row.get("shape_type", "polygon") != "polygon":
                continue
            group = row["group_id"] if row.get("group_id") is not None else f"alone-{i}"
            groups.setdefault((row["label"], group), Shape(row["label"])).polygons.append(points)
        found[pathlib.PureWindowsPath(stored["imagePath"]).name] = list(groups.values())
    return found


def label_map(shapes: list[Shape], height: int, width: int) -> tuple[np.ndarray, dict[int, str]]:
    """Ids u8[h,w] and the class of each; smaller instances lie over larger ones, crowds are unknown."""
    labels, named = np.zeros((height, width), np.uint8), {}
    drawn = sorted(((s.drawn(height, width), s) for s in shapes), key=lambda pair: (not pair[1].crowd, -pair[0].sum()))
    for mask, shape in drawn:
        if shape.crowd or len(named) == MOST:
            labels[mask & (labels == 0)] = UNKNOWN
        else:
            named[len(named) + 1] = shape.name
            labels[mask] = len(named)
    return labels, named


def read_annotations(source: pathlib.Path) -> dict[str, list[Shape]]:
    return labelme_shapes(source) if source.is_dir() else coco_shapes(source)


def write_set(source: pathlib.Path, pictures: pathlib.Path, raw: pathlib.Path) -> tuple[int, int]:
    """Writes the set below RAW; the number of pictures and of instances."""
    (raw / OWN).mkdir(parents=True, exist_ok=True)
    lines, count = ["name\tid\tclass\tcomplete\tpixels"], 0
    for file, shapes in read_annotations(source).items():
        image = cv2.imread(str(pictures / file))
        if image is None:
            raise ValueError(f"{pictures / file}: expected a picture, which {source} names")
        labels, named = label_map(shapes, *image.shape[:2])
        if not named:
            continue
        scale = min(1., LONGEST_SIDE / max(image.shape[:2]))
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
        stem = pathlib.Path(file).stem
        cv2.imwrite(str(raw / OWN / f"{stem}.jpg"), cv2.resize(image, size, interpolation=cv2.INTER_AREA), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        cv2.imwrite(str(raw / OWN / f"{stem}.0.png"), labels)
        lines += [f"{stem}\t{i}\t{name}\tno\t{int((labels == i).sum())}" for i, name in named.items()]
        count += 1
    if count < 2:
        raise ValueError(f"{source}: expected two pictures with instances or more, got {count}: one is kept back to measure on")
    (raw / f"{OWN}.tsv").write_text("\n".join(lines) + "\n")
    return count, len(lines) - 1
