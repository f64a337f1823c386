"""The request of one picture."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import MaskOptions, mask_fields
from .errors import MaskstreamError
from .prompts import Prompt, image_prompt
from .v1 import image_pb2

Picture = bytes | str | PathLike[str] | NDArray[np.uint8]


def image_request(
    image: Picture, prompts: Iterable[Prompt], *, pixel_format: str, options: MaskOptions
) -> image_pb2.SegmentImageRequest:
    """The wire's message. Raises `invalid-config`, `invalid-prompt` or `unreadable-file`."""
    return image_pb2.SegmentImageRequest(
        image=_encoded(image, pixel_format),
        prompts=[image_prompt(prompt) for prompt in prompts],
        **mask_fields(options),
    )


def _encoded(image: Picture, pixel_format: str) -> bytes:
    if isinstance(image, bytes):
        return image
    if isinstance(image, np.ndarray):
        return _png(image, pixel_format)
    try:
        return Path(image).read_bytes()
    except OSError as error:
        raise MaskstreamError("unreadable-file", f"{image}: {error.strerror}") from error


def _png(picture: NDArray[Any], pixel_format: str) -> bytes:
    """A true-colour PNG, packed lightly: it only crosses a socket."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        got = f"{picture.dtype} {picture.shape}"
        raise MaskstreamError("undecodable-image", f"expected uint8 [height, width, 3], got {got}")
    if pixel_format not in ("bgr24", "rgb24"):
        raise MaskstreamError("invalid-config", f"expected bgr24 or rgb24, got {pixel_format!r}")
    height, width = picture.shape[:2]
    rows = np.zeros((height, 1 + width * 3), np.uint8)
    rgb = picture if pixel_format == "rgb24" else picture[:, :, ::-1]
    rows[:, 1:] = rgb.reshape(height, width * 3)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
