"""The examples, run as their readers run them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from conftest import FRAMES, HEIGHT, ROOT, WIDTH, Clip, iou

EXAMPLES = ROOT / "examples"
# Debian keeps daemons out of the path of users.
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
HAS_GRPC = shutil.which("grpc_cpp_plugin") and shutil.which("cmake")


def run(example: str, *words: object) -> str:
    """Output of a Python example."""
    program = [sys.executable, "-W", "error", str(EXAMPLES / "python" / example)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "clients/python/src")}
    done = subprocess.run(
        [*program, *map(str, words)], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def box_of(clip: Clip) -> str:
    return ",".join(f"{value:.0f}" for value in clip.box.values())


def test_opencv_capture(address: str, clip: Clip, tmp_path: Path) -> None:
    out = tmp_path / "overlay.mp4"
    run("opencv_capture.py", clip.path, "--point", "90,120", "--server", address, "--out", out)
    capture = cv2.VideoCapture(str(out))
    assert int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == FRAMES
    _, first = capture.read()
    capture.release()
    outline = clip.masks[0] ^ cv2.erode(clip.masks[0].astype("uint8"), np.ones((3, 3))).astype(bool)
    blue, green, red = (first[:, :, channel][outline].mean() for channel in range(3))
    assert red > 150 and blue < 110 and green < 110


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    assert MOSQUITTO is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen(
        [MOSQUITTO, "-c", str(settings), "-v"], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "running" in line:
            break
    reader = threading.Thread(target=process.stderr.read, daemon=True)
    reader.start()
    yield port
    process.terminate()
    process.wait()
    reader.join()
    process.stderr.close()


@pytest.mark.skipif(MOSQUITTO is None, reason="there is no mosquitto (Debian: mosquitto)")
def test_zones_to_mqtt(address: str, clip: Clip, broker: int) -> None:
    events: list[tuple[str, dict[str, object]]] = []
    subscribed = threading.Event()
    listener = mqtt.Client(CallbackAPIVersion.VERSION2)
    listener.on_subscribe = lambda *_: subscribed.set()
    listener.on_message = lambda _client, _data, message: events.append(
        (message.topic, json.loads(message.payload))
    )
    listener.connect("127.0.0.1", broker)
    listener.subscribe("camera/#", qos=1)
    listener.loop_start()
    assert subscribed.wait(10)
    # The disc's centre goes from x = 90 to x = 206, 4 pixels a frame at 15 frames a second.
    places = ["--box", box_of(clip), "--zone", "130,0,170,240", "--line", "190,240,190,0"]
    where = ["--dwell", "0.4", "--broker", f"127.0.0.1:{broker}", "--topic", "camera"]
    run("zones_to_mqtt.py", clip.path, *places, *where, "--server", address)
    done = threading.Event()
    listener.on_unsubscribe = lambda *_: done.set()
    listener.unsubscribe("camera/#")
    assert done.wait(10)
    listener.disconnect()
    listener.loop_stop()
    kinds = [(topic, content.get("event", content.get("direction"))) for topic, content in events]
    assert [topic for topic, _ in kinds] == [
        "camera/zone",
        "camera/dwell",
        "camera/zone",
        "camera/line",
    ]
    assert kinds[0][1] == "enter" and kinds[2][1] == "leave" and kinds[3][1] in ("in", "out")
    entered = events[0][1]["timestamp_us"]
    assert isinstance(entered, int) and abs(entered - 10.5 / 15 * 1e6) < 2.5 / 15 * 1e6


def test_detector_boxes(address: str, clip: Clip) -> None:
    lines = run("detector_boxes.py", clip.path, "--server", address).splitlines()
    answers = [line.split(" ", 2) for line in lines]
    newest = {int(index): shown for index, _, shown in answers}
    assert sorted(newest) == list(range(FRAMES))
    # One thing, one id, on every frame.
    assert all(shown.startswith("[(1, ") and shown.count("Box(") == 1 for shown in newest.values())


def test_label_folder(address: str, clip: Clip, tmp_path: Path) -> None:
    from pycocotools import mask as coco_mask

    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in (0, 9):
        cv2.imwrite(str(folder / f"{index}.png"), clip.pictures[index])
    boxes = {}
    for index in (0, 9):
        rows, columns = np.nonzero(clip.masks[index])
        left, top = int(columns.min()), int(rows.min())
        size = [int(columns.max()) + 1 - left, int(rows.max()) + 1 - top]
        boxes[f"{index}.png"] = [[left, top, *size, "disc"]]
    given, out = tmp_path / "boxes.json", tmp_path / "labels.json"
    given.write_text(json.dumps(boxes))
    run("label_folder.py", folder, "--boxes", given, "--out", out, "--server", address)
    labels = json.loads(out.read_text())
    assert [image["file_name"] for image in labels["images"]] == ["0.png", "9.png"]
    assert labels["categories"] == [{"id": 1, "name": "disc"}]
    assert [image["width"] for image in labels["images"]] == [WIDTH, WIDTH]
    for annotation, index in zip(labels["annotations"], (0, 9), strict=True):
        mask = coco_mask.decode(annotation["segmentation"]).astype(bool)
        assert mask.shape == (HEIGHT, WIDTH) and iou(mask, clip.masks[index]) > 0.9


@pytest.mark.skipif(not HAS_GRPC, reason="no cmake or grpc_cpp_plugin (Debian: libgrpc++-dev …)")
def test_cpp(address: str, clip: Clip) -> None:
    program = build_cpp()
    words = [str(program), address, str(clip.path), *(str(value) for value in clip.box.values())]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(" object ")[0] for line in lines] == [f"frame {i}" for i in range(FRAMES)]
    areas = [int(line.split(" area ")[1].split(" ")[0]) for line in lines]
    assert all(abs(area / clip.masks[0].sum() - 1) < 0.15 for area in areas)


def build_cpp() -> Path:
    """Compiles the example; the result is kept until its sources change."""
    sources = [*(EXAMPLES / "cpp").iterdir(), *sorted((ROOT / "proto").rglob("*.proto"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "maskstream"
    folder = home / f"cpp-{digest}"
    home.mkdir(parents=True, exist_ok=True)
    # These tests run on two versions of Python at a time.
    with (home / "cpp.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "segment_file").exists():
            for stale in home.glob("cpp-*"):
                shutil.rmtree(stale)
            configure = ["cmake", "-S", str(EXAMPLES / "cpp"), "-B", str(folder)]
            for command in (configure, ["cmake", "--build", str(folder), "--parallel", "2"]):
                done = subprocess.run(command, capture_output=True, text=True)
                assert done.returncode == 0, done.stdout + done.stderr
    return folder / "segment_file"
