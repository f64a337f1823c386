"""Your own detector finds, maskstream follows: boxes of every frame are matched to living ids.

A box that overlaps a followed object is that object, and corrects it only where its mask has become
doubtful. A box that overlaps none is a new object. The detector here finds red things; put yours in
its place.

    python detector_boxes.py video.mp4

Needs: pip install './clients/python[video]' opencv-python
"""

from __future__ import annotations

import argparse
from typing import Any

import cv2

import maskstream

Box = tuple[int, int, int, int]

MATCH_IOU = 0.3
DOUBTFUL = 0.6


def detect(picture: Any) -> list[Box]:
    """Boxes (x, y, width, height) of red things of some size."""
    blue, green, red = (picture[:, :, channel].astype(int) for channel in range(3))
    is_red = ((red > 150) & (red > blue + 80) & (red > green + 80)).astype("uint8")
    joined = cv2.morphologyEx(is_red, cv2.MORPH_CLOSE, cv2.getStructuringElement(0, (11, 11)))
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [cv2.boundingRect(outline) for outline in outlines if cv2.contourArea(outline) > 400]


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0, width) * max(0, height)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


class Matcher:
    """Gives boxes to the objects that are followed, and new ids to the rest."""

    def __init__(self) -> None:
        self._next_id = 1
        # A prompt is on its way for these: their answers are older than it.
        self._asked: dict[int, Box] = {}

    def prompts(self, frame: maskstream.Frame, boxes: list[Box]) -> list[maskstream.Prompt]:
        """What to say about a frame."""
        living = {obj.id: obj for obj in frame.objects}
        self._asked = {number: box for number, box in self._asked.items() if number not in living}
        known: dict[int, Box] = dict(self._asked)
        known.update({number: tuple(obj.box) for number, obj in living.items() if obj.box})
        found = []
        for box in boxes:
            best = max(known, key=lambda number: iou(known[number], box), default=None)
            if best is None or iou(known[best], box) < MATCH_IOU:
                number, action = self._next_id, "add"
                self._next_id += 1
                self._asked[number] = box
            elif best in living and living[best].confidence < DOUBTFUL:
                number, action = best, "refine"
            else:
                continue
            x, y, width, height = box
            # Without a frame it would be the next one, where the thing has moved on.
            sizes: dict[str, Any] = {"x": x, "y": y, "width": width, "height": height}
            on = frame.index
            found.append(maskstream.box(number, **sizes, action=action, frame_index=on))
        return found


def main() -> None:
    """Reads the command line and runs the loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="a file, an RTSP URL or a camera number")
    parser.add_argument("--server", default="127.0.0.1:50051")
    options = parser.parse_args()
    source = int(options.source) if options.source.isdigit() else options.source
    matcher = Matcher()
    with (
        maskstream.connect(options.server) as client,
        client.segment(maskstream.open(source, images=True)) as stream,
    ):
        for frame in stream:
            # A correction answers frames again: those have no picture, and were looked at before.
            if frame.image is not None and frame.revision == 0:
                for prompt in matcher.prompts(frame, detect(frame.image)):
                    stream.prompt(prompt)
            shown = [(obj.id, round(obj.confidence, 2), obj.box) for obj in frame.objects]
            print(frame.index, frame.revision, shown, flush=True)


if __name__ == "__main__":
    main()
