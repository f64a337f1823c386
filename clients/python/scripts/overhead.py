"""What the Python client costs a frame: CPU time of this process alone, against a real server.

    python scripts/overhead.py [--frames 300]

A clip of 1280 x 720 with two objects is sent to a server of this checkout (build it first).
`masks` unpacks each mask to a numpy array, `boxes` leaves them as they came, `pictures` sends numpy
pictures and encodes them here.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

import maskstream

ROOT = Path(__file__).resolve().parents[3]
WIDTH, HEIGHT, RATE = 1280, 720, 30
BOXES = [
    maskstream.box(1, x=100, y=200, width=200, height=200),
    maskstream.box(2, x=600, y=100, width=300, height=300),
]


def picture(index: int) -> np.ndarray:
    """Two rectangles that move over a gradient."""
    ground = np.linspace(40, 120, WIDTH, dtype=np.uint8)
    made = np.repeat(np.tile(ground, (HEIGHT, 1))[:, :, None], 3, axis=2)
    step = index % 100
    made[200:400, 100 + step : 300 + step] = (40, 60, 220)
    made[100 + step : 400 + step, 600:900] = (200, 160, 40)
    return made


def make_clip(path: Path, frames: int) -> None:
    """H.264 in MP4."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "ultrafast", "bf": "0"}
        for index in range(frames):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), format="bgr24")))
        output.mux(stream.encode())


def look(frame: maskstream.Frame, unpacks: bool) -> None:
    """What a program does with a frame at least."""
    for obj in frame.objects:
        _ = (obj.mask.shape if unpacks and obj.mask is not None else obj.box, obj.confidence)


def blocking(address: str, source: Any, unpacks: bool) -> int:
    """Frames that came."""
    with maskstream.connect(address) as client:
        frames = 0
        for frame in client.segment(source, BOXES):
            look(frame, unpacks)
            frames += 1
        return frames


def with_asyncio(address: str, source: Any, unpacks: bool) -> int:
    """Frames that came."""

    async def run() -> int:
        async with maskstream.aio.connect(address) as client:
            frames = 0
            async for frame in client.segment(source, BOXES):
                look(frame, unpacks)
                frames += 1
            return frames

    return asyncio.run(run())


def main() -> None:
    """Prints one line a way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=300)
    count = parser.parse_args().frames
    node = shutil.which("node")
    words = [node, ROOT / "bin/maskstream", "serve", "--listen", "127.0.0.1:0", "--no-web"]
    server = subprocess.Popen(
        [*map(str, words), "--log-level", "error"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        with tempfile.TemporaryDirectory() as folder:
            clip = Path(folder) / "clip.mp4"
            make_clip(clip, count)
            made = [picture(index) for index in range(100)]

            def pictures() -> Iterator[np.ndarray]:
                return (made[index % 100] for index in range(count))

            ways: list[tuple[str, Callable[[str, Any, bool], int], Callable[[], Any], bool]] = [
                ("blocking, boxes", blocking, lambda: clip, False),
                ("blocking, masks", blocking, lambda: clip, True),
                ("asyncio, boxes", with_asyncio, lambda: clip, False),
                ("asyncio, masks", with_asyncio, lambda: clip, True),
                ("blocking, pictures", blocking, lambda: maskstream.open(pictures()), False),
            ]
            for name, run, source, unpacks in ways:
                cpu_s, wall_s = time.process_time(), time.perf_counter()
                frames = run(address, source(), unpacks)
                cpu_ms = (time.process_time() - cpu_s) * 1e3 / frames
                rate = frames / (time.perf_counter() - wall_s)
                print(f"{name}: {cpu_ms:.2f} ms of CPU a frame, {frames} frames, {rate:.0f}/s")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
