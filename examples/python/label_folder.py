"""Labels a folder of pictures and writes one COCO file that pycocotools loads.

    python label_folder.py pictures/ --text car --out labels.json
    python label_folder.py pictures/ --boxes boxes.json --out labels.json

boxes.json: {"a.jpg": [[x, y, width, height, "label"], ...], ...}

Needs: pip install ./clients/python
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import maskstream

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def prompts_of(path: Path, options: argparse.Namespace, boxes: dict) -> list[maskstream.Prompt]:
    """What to find in a picture."""
    if options.text is not None:
        return [maskstream.text(options.text, max_objects=options.max_objects)]
    return [
        maskstream.box(number, x=x, y=y, width=width, height=height, label=label)
        for number, (x, y, width, height, label) in enumerate(boxes.get(path.name, []), start=1)
    ]


def main() -> int:
    """Reads the command line, asks for each picture and writes the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--text", help="a word that the model knows")
    parser.add_argument("--max-objects", type=int, default=8)
    parser.add_argument("--boxes", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--server", default="127.0.0.1:50051")
    options = parser.parse_args()
    if (options.text is None) == (options.boxes is None):
        parser.error("give either --text or --boxes")

    boxes = {} if options.boxes is None else json.loads(options.boxes.read_text())
    images, annotations, categories = [], [], {}
    with maskstream.connect(options.server) as client:
        paths = sorted(path for path in options.folder.iterdir() if path.suffix.lower() in SUFFIXES)
        for path in paths:
            prompts = prompts_of(path, options, boxes)
            if not prompts:
                continue
            try:
                found = client.segment_image(path, prompts, overlap="independent")
            except maskstream.CallFailed as error:
                print(f"{path.name}: {error}", file=sys.stderr)
                continue
            image_id = len(images) + 1
            size = {"width": found.width, "height": found.height}
            images.append({"id": image_id, "file_name": path.name, **size})
            for obj in found.objects:
                categories.setdefault(obj.label, len(categories) + 1)
            annotations += found.objects.to_coco(image_id, categories=categories)
    for number, annotation in enumerate(annotations, start=1):
        annotation.update(id=number, iscrowd=0)
    names = [{"id": number, "name": name or "object"} for name, number in categories.items()]
    content = {"images": images, "annotations": annotations, "categories": names}
    options.out.write_text(json.dumps(content))
    print(f"{len(annotations)} objects in {len(images)} pictures")
    return 0 if images else 1


if __name__ == "__main__":
    sys.exit(main())
