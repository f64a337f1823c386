"""Masks of the wire as numpy arrays, and back."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from . import rle
from .errors import MaskstreamError
from .v1 import common_pb2


def decode_mask(mask: common_pb2.Mask) -> NDArray[np.bool_]:
    """Unpacks a mask of any encoding to bool [height, width].

    Raises MaskstreamError `undecodable-mask` where it has no pixels or damaged ones.
    """
    try:
        return _unpack(mask)
    except (ValueError, zlib.error, struct.error, IndexError) as error:
        raise MaskstreamError("undecodable-mask", str(error)) from error


def encode_mask(mask: NDArray[np.bool_]) -> common_pb2.Mask:
    """A mask [height, width] for the wire; non-zero is inside."""
    if mask.ndim != 2:
        raise MaskstreamError("invalid-prompt", f"a mask must be [height, width], got {mask.shape}")
    height, width = mask.shape
    counts = rle.encode(mask != 0)
    return common_pb2.Mask(width=width, height=height, coco_rle=common_pb2.CocoRle(counts=counts))


def _unpack(mask: common_pb2.Mask) -> NDArray[np.bool_]:
    match mask.WhichOneof("data"):
        case "coco_rle":
            return rle.decode(mask.coco_rle.counts, mask.height, mask.width)
        case "bitmap":
            return _unpack_bits(mask.bitmap.zlib_bits, mask.height, mask.width)
        case "png":
            return _unpack_png(mask.png, mask.height, mask.width)
        case "polygons":
            return _fill([polygon.coordinates for polygon in mask.polygons.polygons], mask)
        case _:
            raise ValueError("expected pixels, got none: was it asked for with encoding none?")


def _unpack_bits(packed: bytes, height: int, width: int) -> NDArray[np.bool_]:
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, (width + 7) // 8)
    pixels: NDArray[np.bool_] = np.unpackbits(rows, axis=1, count=width) != 0
    return pixels


def _unpack_png(file: bytes, height: int, width: int) -> NDArray[np.bool_]:
    """The server's own PNGs: 8-bit grey, not interlaced, rows unfiltered or `Sub` or `Up`."""
    packed = b"".join(body for kind, body in _png_chunks(file) if kind == b"IDAT")
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width + 1)
    pixels = rows[:, 1:].copy()
    for y, filter_type in enumerate(rows[:, 0].tolist()):
        if filter_type == 1:
            np.cumsum(pixels[y], dtype=np.uint8, out=pixels[y])
        elif filter_type == 2 and y > 0:
            pixels[y] += pixels[y - 1]
        elif filter_type not in (0, 2):
            raise ValueError(f"expected a PNG row of filter 0, 1 or 2, got {filter_type}")
    inside: NDArray[np.bool_] = pixels != 0
    return inside


def _png_chunks(file: bytes) -> list[tuple[bytes, bytes]]:
    chunks = []
    at = 8
    while at < len(file):
        length, kind = struct.unpack_from(">I4s", file, at)
        chunks.append((kind, file[at + 8 : at + 8 + length]))
        at += length + 12
    depth_and_type = chunks[0][1][8:10]
    if depth_and_type != b"\x08\x00":
        raise ValueError(f"expected an 8-bit grey PNG, got {depth_and_type.hex()}")
    return chunks


def _fill(outlines: list[object], size: common_pb2.Mask) -> NDArray[np.bool_]:
    """Fills outlines on pixel corners: a vertical edge changes what is right of it."""
    winding = np.zeros((size.height, size.width + 1), np.int32)
    for outline in outlines:
        corners = np.array(outline, np.int64).reshape(-1, 2)
        for (x, y), (to_x, to_y) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            if x != to_x and y != to_y:
                raise ValueError("expected edges along rows and columns")
            if y < to_y:
                winding[y:to_y, x] -= 1
            elif y > to_y:
                winding[to_y:y, x] += 1
    inside: NDArray[np.bool_] = np.cumsum(winding, axis=1)[:, :-1] != 0
    return inside
