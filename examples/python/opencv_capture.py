"""Follows one thing through whatever OpenCV can capture, and shows or writes the overlay.

    python opencv_capture.py 0 --point 320,240
    python opencv_capture.py video.mp4 --point 90,120 --out overlay.mp4

Needs: pip install './clients/python[video]' opencv-python
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import cv2

import maskstream


def pictures(capture: cv2.VideoCapture) -> Iterator[Any]:
    """Pictures until the capture ends."""
    while True:
        more, picture = capture.read()
        if not more:
            return
        yield picture


def main() -> None:
    """Reads the command line and runs the loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("capture", help="a camera number, a file or a URL")
    parser.add_argument("--point", required=True, help="x,y on the thing to follow")
    parser.add_argument("--server", default="127.0.0.1:50051")
    parser.add_argument("--out", help="write an .mp4 instead of showing a window")
    options = parser.parse_args()

    is_camera = options.capture.isdigit()
    capture = cv2.VideoCapture(int(options.capture) if is_camera else options.capture)
    rate = capture.get(cv2.CAP_PROP_FPS) or 30
    source = maskstream.open(pictures(capture), frame_rate=rate, live=is_camera)
    x, y = map(float, options.point.split(","))
    writer = None
    with (
        maskstream.connect(options.server) as client,
        client.segment(source, [maskstream.point(1, x, y)]) as stream,
    ):
        for frame in stream:
            shown = frame.image.copy()
            for obj in frame.objects:
                if obj.mask is None:
                    continue
                outline, _ = cv2.findContours(
                    obj.mask.astype("uint8"), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
                )
                cv2.drawContours(shown, outline, -1, (0, 0, 255), 2)
            if options.out is None:
                cv2.imshow("maskstream", shown)
                if cv2.waitKey(1) == 27:  # Escape
                    break
                continue
            if writer is None:
                codec = cv2.VideoWriter.fourcc(*"mp4v")
                size = (shown.shape[1], shown.shape[0])
                writer = cv2.VideoWriter(options.out, codec, rate, size)
            writer.write(shown)
    capture.release()
    if writer is not None:
        writer.release()


if __name__ == "__main__":
    main()
