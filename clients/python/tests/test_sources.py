"""Where video comes from: files, pictures, devices and RTSP."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import maskstream
from conftest import FRAMES, HEIGHT, RATE, WIDTH, Clip, iou
from maskstream import MaskstreamError
from maskstream.containers import detect_container

FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="there is no ffmpeg on PATH")


@pytest.fixture
def client(address: str) -> Iterator[maskstream.Client]:
    with maskstream.connect(address) as connected:
        yield connected


def test_numpy_pictures_come_back_with_their_frames(client: maskstream.Client, clip: Clip) -> None:
    source = maskstream.open(iter(clip.pictures), frame_rate=RATE)
    frames = list(client.segment(source, [maskstream.box(1, **clip.box)]))
    assert len(frames) == FRAMES
    for frame, picture, truth in zip(frames, clip.pictures, clip.masks, strict=True):
        assert frame.image is not None and np.array_equal(frame.image, picture)
        mask = frame.objects[0].mask
        assert mask is not None and iou(mask, truth) > 0.9
    assert [frame.timestamp_us for frame in frames[:2]] == [0, 66667]


def test_pictures_of_odd_size_keep_it(client: maskstream.Client, clip: Clip) -> None:
    pictures = (picture[1:, 1:] for picture in clip.pictures[:4])
    stream = client.segment(maskstream.open(pictures), [maskstream.point(1, 90, 120)])
    assert [frame.objects[0].mask.shape for frame in stream] == [(HEIGHT - 1, WIDTH - 1)] * 4  # type: ignore[union-attr]


def test_pictures_of_another_size_and_no_pictures_are_errors(
    client: maskstream.Client, clip: Clip
) -> None:
    with pytest.raises(MaskstreamError) as empty:
        client.segment(maskstream.open([]))
    assert empty.value.code == "empty-stream"
    mixed = [clip.pictures[0], clip.pictures[1][1:]]
    with pytest.raises(MaskstreamError) as changed:
        list(client.segment(maskstream.open(mixed)))
    assert changed.value.code == "size-mismatch"


def test_a_live_source_has_capture_times_of_this_clock(
    client: maskstream.Client, clip: Clip
) -> None:
    before = time.time_ns() // 1000
    source = maskstream.open(clip.pictures, live=True)
    frames = list(client.segment(source, [maskstream.box(1, **clip.box)]))
    after = time.time_ns() // 1000
    times = [frame.capture_timestamp_us for frame in frames]
    assert all(when is not None and before <= when <= after for when in times)
    assert len(frames) + sum(frame.frames_dropped_before for frame in frames) <= FRAMES
    assert all(frame.image is not None for frame in frames)


def test_a_device_of_raw_pictures_is_encoded_here(client: maskstream.Client) -> None:
    # FFmpeg's test source stands for a webcam: raw pictures through libavdevice, as v4l2's are.
    device = maskstream.open("testsrc2=s=320x180:r=30:d=0.5", format="lavfi", images=True)
    frames = list(client.segment(device, [maskstream.point(1, 100, 100)], delivery="every-frame"))
    assert len(frames) == 15
    assert all(frame.image is not None and frame.image.shape == (180, 320, 3) for frame in frames)


def test_a_file_with_images_has_the_picture_of_each_frame(
    client: maskstream.Client, clip: Clip
) -> None:
    stream = client.segment(maskstream.open(clip.path, images=True))
    for frame, picture in zip(stream, clip.pictures, strict=True):
        assert frame.image is not None
        assert np.abs(frame.image.astype(int) - picture).mean() < 12


@needs_ffmpeg
@pytest.mark.parametrize(
    "codec", ["libx264 -bf 0 -g 10", "mjpeg -q:v 3 -huffman default", "mpeg4 -q:v 3"]
)
def test_rtsp_is_sent_as_it_comes_or_encoded(
    client: maskstream.Client, clip: Clip, codec: str
) -> None:
    url = f"rtsp://127.0.0.1:{free_port()}/camera"
    # FFmpeg has no RTSP server: here it is the camera that connects.
    source = maskstream.open(
        url, options={"rtsp_flags": "listen", "listen_timeout": "30"}, images=True
    )
    words = f"-v error -re -stream_loop 2 -i {clip.path} -an -c:v {codec} -pix_fmt yuvj420p"
    camera = subprocess.Popen(
        ["sh", "-c", f"sleep 0.5; exec {FFMPEG} {words} -rtsp_transport tcp -f rtsp {url}"]
    )
    try:
        frames = list(client.segment(source, [maskstream.box(1, **clip.box)]))
    finally:
        camera.kill()
        camera.wait()
    dropped = sum(frame.frames_dropped_before for frame in frames)
    assert len(frames) + dropped >= 3 * FRAMES - 3
    mask = frames[0].objects[0].mask
    assert mask is not None and iou(mask, clip.masks[0]) > 0.85
    times = [frame.capture_timestamp_us or 0 for frame in frames]
    assert times == sorted(times) and times[-1] - times[0] > 4_000_000
    assert all(frame.image is not None for frame in frames)


def test_a_camera_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(MaskstreamError) as nobody:
        maskstream.open(f"rtsp://127.0.0.1:{free_port()}/camera").open()
    assert nobody.value.code == "unreachable"
    with pytest.raises(MaskstreamError) as none:
        maskstream.open(97).open()
    assert none.value.code == "unreachable"


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "words", "container"),
    [
        ("a.mp4", "-c:v libx264", "mp4"),
        ("a.mkv", "-c:v libx264", "matroska"),
        ("a.webm", "-c:v libvpx -deadline realtime -cpu-used 8", "webm"),
        ("a.ivf", "-c:v libvpx -deadline realtime -cpu-used 8", "ivf"),
        ("a.avi", "-c:v mpeg4", "avi"),
        ("a.flv", "-c:v libx264", "flv"),
        ("a.ts", "-c:v libx264", "mpeg-ts"),
        ("a.m2ts", "-c:v libx264 -f mpegts -mpegts_m2ts_mode 1", "mpeg-ts"),
        ("a.264", "-c:v libx264", "h264-annex-b"),
        ("a.hevc", "-c:v libx265 -preset ultrafast -x265-params log-level=error", "hevc-annex-b"),
        ("a.mjpeg", "-c:v mjpeg", "mjpeg"),
        ("a.m2v", "-c:v mpeg2video", "mpeg-video"),
    ],
)
def test_containers_are_told_from_their_first_bytes(
    tmp_path: Path, name: str, words: str, container: str
) -> None:
    path = tmp_path / name
    make = f"{FFMPEG} -v error -f lavfi -i testsrc2=s=64x64:r=25:d=0.4 -pix_fmt yuv420p {words}"
    subprocess.run([*make.split(), str(path)], check=True, stderr=subprocess.DEVNULL)
    assert detect_container(path.read_bytes()[:65536]) == container


def test_what_is_no_video_has_no_container() -> None:
    for head in (b"", b"GIF89a" + bytes(300), b"\x89PNG\r\n\x1a\n", b"hello world" * 40):
        assert detect_container(head) is None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
