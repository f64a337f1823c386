"""A real server of this checkout, and clips whose masks are known."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "bin/maskstream"

WIDTH, HEIGHT, FRAMES, RATE = 320, 240, 30, 15
RADIUS = 40


class Server:
    """`maskstream serve` as a process."""

    def __init__(self, *words: str, listen: str = "127.0.0.1:0", **environment: str) -> None:
        node = shutil.which("node")
        assert node is not None, "these tests start the server of this checkout, which needs node"
        self.process = subprocess.Popen(
            [node, str(PROGRAM), "serve", "--listen", listen, "--no-web", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MASKSTREAM_LOG_LEVEL": "error", **environment},
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), f"expected an address, got {line!r}"
        self.address = line.removeprefix("listening on ").strip()

    def kill(self, number: signal.Signals) -> None:
        """Ends it as an operator does, or the kernel."""
        self.process.send_signal(number)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    server = Server()
    yield server.address
    server.stop()


@dataclass(frozen=True)
class Clip:
    """A disc that moves over a texture."""

    path: Path
    pictures: list[NDArray[np.uint8]]
    masks: list[NDArray[np.bool_]]

    @property
    def box(self) -> dict[str, float]:
        """Around the disc on the first frame."""
        rows, columns = np.nonzero(self.masks[0])
        left, top = int(columns.min()), int(rows.min())
        width, height = int(columns.max()) + 1 - left, int(rows.max()) + 1 - top
        return {"x": left, "y": top, "width": width, "height": height}


def draw(index: float) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """One picture (BGR) and the disc's mask."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    ground = 60 + 25 * np.sin(columns / 9) + 25 * np.cos(rows / 7)
    picture = np.stack([ground, ground + 20, ground + 5], axis=2)
    mask = (columns - 90 - 4 * index) ** 2 + (rows - 120) ** 2 < RADIUS**2
    picture[mask] = (40, 60, 220)
    picture[mask & ((columns - 4 * index + rows) % 16 < 5)] = (60, 200, 240)
    return picture.astype(np.uint8), mask


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(tmp_path_factory.mktemp("clip") / "disc.mp4", range(FRAMES))


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Twice as long and a quarter as fast: a mask is carried over what a busy server skips."""
    steps = (index / 4 for index in range(2 * FRAMES))
    return make_clip(tmp_path_factory.mktemp("clip") / "long.mp4", steps)


def make_clip(path: Path, steps: Iterable[float]) -> Clip:
    """H.264 in MP4, one picture a step of the disc."""
    import av

    pictures, masks = zip(*(draw(step) for step in steps), strict=True)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        stream = output.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "bf": "0", "crf": "18"}
        for picture in pictures:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode())
    return Clip(path, list(pictures), list(masks))


def iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())
