"""How a video or picture is to be segmented, in the wire's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from .containers import CONTAINERS
from .errors import MaskstreamError
from .source import Source
from .v1 import common_pb2, video_request_pb2

Delivery = Literal["every-frame", "latest"]
MaskEncodingName = Literal["coco-rle", "png", "bitmap", "polygons", "none"]
Overlap = Literal["disjoint", "independent"]

_DELIVERIES = {
    "every-frame": video_request_pb2.DELIVERY_EVERY_FRAME,
    "latest": video_request_pb2.DELIVERY_LATEST,
}
_ENCODINGS = {
    "coco-rle": common_pb2.MASK_ENCODING_COCO_RLE,
    "png": common_pb2.MASK_ENCODING_PNG,
    "bitmap": common_pb2.MASK_ENCODING_BITMAP,
    "polygons": common_pb2.MASK_ENCODING_POLYGONS,
    "none": common_pb2.MASK_ENCODING_NONE,
}
_OVERLAPS = {
    "disjoint": common_pb2.OVERLAP_RULE_DISJOINT,
    "independent": common_pb2.OVERLAP_RULE_INDEPENDENT,
}

T = TypeVar("T")


@dataclass(frozen=True)
class MaskOptions:
    """Form and ownership of the masks in answers."""

    model: str = ""
    """Default: the server's first model."""
    mask_encoding: MaskEncodingName = "coco-rle"
    """`none` sends boxes, areas and scores only."""
    overlap: Overlap = "disjoint"
    """Who owns a pixel that two objects claim."""
    min_mask_region_area: int = 0
    """Smaller islands are dropped from masks and smaller holes filled, in pixels. 0: none."""


@dataclass(frozen=True)
class VideoOptions(MaskOptions):
    """How a video is to be segmented."""

    delivery: Delivery | None = None
    """`every-frame` drops nothing; `latest` stays young. Default: `latest` for live sources."""
    mask_long_side: int = 0
    """Longest side of the masks in answers, in pixels. Default (0): display size."""
    keyframes: int | None = None
    """The full model runs at prompts and every so many frames. Default: where it is needed."""
    width: int | None = None
    """Expected display width; another one ends the stream."""
    height: int | None = None
    """Expected display height."""


def mask_fields(options: MaskOptions) -> dict[str, Any]:
    """The fields that both kinds of call have. Raises MaskstreamError `invalid-config`."""
    return {
        "model": options.model,
        "mask_encoding": _choose("mask_encoding", _ENCODINGS, options.mask_encoding),
        "overlap": _choose("overlap", _OVERLAPS, options.overlap),
        "min_mask_region_area": options.min_mask_region_area,
    }


def stream_config(options: VideoOptions, source: Source) -> video_request_pb2.StreamConfig:
    """The first message of a stream whose source is open."""
    delivery = options.delivery or ("latest" if source.is_live else "every-frame")
    try:
        config = video_request_pb2.StreamConfig(
            container=_choose("container", CONTAINERS, source.container),
            delivery=_choose("delivery", _DELIVERIES, delivery),
            mask_long_side=options.mask_long_side,
            width=options.width,
            height=options.height,
            frame_rate=source.frame_rate,
            **mask_fields(options),
        )
        if options.keyframes is not None:
            config.keyframes.fixed_interval = options.keyframes
    except (AttributeError, TypeError, ValueError) as error:
        raise MaskstreamError("invalid-config", str(error)) from error
    return config


def _choose(what: str, table: dict[str, T], name: str) -> T:
    if name in table:
        return table[name]
    raise MaskstreamError(
        "invalid-config", f"{what} must be one of {', '.join(table)}, got {name!r}"
    )
