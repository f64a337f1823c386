"""Tells the form of a video file from its first bytes: a container is declared, never probed."""

from __future__ import annotations

import re
from typing import Literal

from .v1 import video_request_pb2 as wire

Container = Literal[
    "h264-annex-b",
    "hevc-annex-b",
    "mpeg-ts",
    "mp4",
    "matroska",
    "webm",
    "ivf",
    "mjpeg",
    "avi",
    "flv",
    "mpeg-video",
]

CONTAINERS: dict[str, wire.Container] = {
    "h264-annex-b": wire.CONTAINER_H264_ANNEX_B,
    "hevc-annex-b": wire.CONTAINER_HEVC_ANNEX_B,
    "mpeg-ts": wire.CONTAINER_MPEG_TS,
    "mp4": wire.CONTAINER_MP4,
    "matroska": wire.CONTAINER_MATROSKA,
    "webm": wire.CONTAINER_WEBM,
    "ivf": wire.CONTAINER_IVF,
    "mjpeg": wire.CONTAINER_MJPEG,
    "avi": wire.CONTAINER_AVI,
    "flv": wire.CONTAINER_FLV,
    "mpeg-video": wire.CONTAINER_MPEG_VIDEO,
}

DETECTION_BYTES = 64 * 1024

_MP4_BOXES = {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx"}
_START_CODE = re.compile(rb"\x00\x00\x01(.)", re.DOTALL)
# MPEG-TS as such, and with the 4 bytes of AVCHD before each packet.
_TS_PACKETS = ((0, 188), (4, 192))


def detect_container(head: bytes) -> Container | None:
    """The container of a file that begins with `head`; None where it is none that is taken."""
    if head[4:8] in _MP4_BOXES:
        return "mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm" if b"webm" in head[:64] else "matroska"
    if head.startswith(b"DKIF"):
        return "ivf"
    if head.startswith(b"RIFF") and head[8:11] == b"AVI":
        return "avi"
    if head.startswith(b"FLV"):
        return "flv"
    if head.startswith(b"\xff\xd8\xff"):
        return "mjpeg"
    if any(_is_transport_stream(head, first, size) for first, size in _TS_PACKETS):
        return "mpeg-ts"
    return _detect_start_codes(head)


def _is_transport_stream(head: bytes, first: int, size: int) -> bool:
    syncs = head[first::size][:5]
    return len(syncs) >= 2 and set(syncs) == {0x47}


def _detect_start_codes(head: bytes) -> Container | None:
    """Raw streams begin with their headers: a sequence, or parameter sets."""
    for code in _START_CODE.findall(head):
        value = code[0]
        if value == 0xB3:
            return "mpeg-video"
        if value in (0x40, 0x42, 0x44):  # HEVC's three parameter sets, in layer 0
            return "hevc-annex-b"
        if value & 0x9F == 0x07:  # H.264's sequence parameter set
            return "h264-annex-b"
    return None
