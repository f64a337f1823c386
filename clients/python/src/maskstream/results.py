"""What the server answers, as plain Python values and numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import rle
from .masks import decode_mask
from .resume.options import Resumed
from .v1 import common_pb2, image_pb2, model_pb2, video_response_pb2

State = Literal["pending", "visible", "occluded", "lost"]

_STATES: dict[int, State] = {1: "pending", 2: "visible", 3: "occluded", 4: "lost"}
_SOURCES: dict[int, Literal["keyframe", "propagated"]] = {1: "keyframe", 2: "propagated"}


def _enum_words(enum: Any, prefix: str) -> dict[int, str]:
    return {
        number: name.removeprefix(prefix).lower().replace("_", "-") for name, number in enum.items()
    }


_REASONS = _enum_words(video_response_pb2.KeyframeReason, "KEYFRAME_REASON_")
_NOTICES = _enum_words(video_response_pb2.NoticeKind, "NOTICE_KIND_")
_PROMPT_KINDS = _enum_words(model_pb2.PromptKind, "PROMPT_KIND_")


class Box(NamedTuple):
    """Tight bounds of a mask in display pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def xyxy(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom; right and bottom are the first pixels outside."""
        return (self.x, self.y, self.x + self.width, self.y + self.height)


class Object:
    """One object on one frame. Its mask is unpacked when it is first asked for."""

    def __init__(self, message: common_pb2.ObjectMask) -> None:
        self.message = message
        """The message of the wire."""
        self.id: int = message.object_id
        """The caller's id, 1..65535."""
        self.state: State = _STATES[message.state]
        """`pending` (no mask yet), `visible`, `occluded` (no mask now) or `lost`."""
        self.confidence: float = message.confidence
        """Expected IoU of this answer, an empty one included, 0..1."""

    @property
    def label(self) -> str | None:
        """The name given with the object, or the noun that found it."""
        return self.message.label if self.message.HasField("label") else None

    @property
    def area(self) -> int:
        """Pixels of the mask at display size."""
        return self.message.area

    @property
    def box(self) -> Box | None:
        """Bounds of the mask; None where it is empty."""
        if not self.message.HasField("box"):
            return None
        box = self.message.box
        return Box(int(box.x), int(box.y), int(box.width), int(box.height))

    @property
    def predicted_iou(self) -> float | None:
        """IoU that the model predicted on its keyframe; None for a mask that was given."""
        return self.message.predicted_iou if self.message.HasField("predicted_iou") else None

    @property
    def presence(self) -> float | None:
        """Probability that the object is in the picture at all, as it was last looked for."""
        return self.message.presence if self.message.HasField("presence") else None

    @cached_property
    def mask(self) -> NDArray[np.bool_] | None:
        """Pixels, bool [height, width]; None where the area is 0 or no masks were asked for."""
        return decode_mask(self.message.mask) if self.message.HasField("mask") else None

    @property
    def rle(self) -> dict[str, Any] | None:
        """What `pycocotools.mask.decode` takes; None where there is no mask."""
        if not self.message.HasField("mask"):
            return None
        wire = self.message.mask
        packed = wire.WhichOneof("data") == "coco_rle"
        counts = wire.coco_rle.counts if packed else rle.encode(decode_mask(wire))
        return {"size": [wire.height, wire.width], "counts": counts}

    def __repr__(self) -> str:
        return f"Object(id={self.id}, state={self.state!r}, confidence={self.confidence:.2f})"


class Objects(list[Object]):
    """The objects of one answer, by id."""

    def by_id(self, object_id: int) -> Object | None:
        """The object with this id, or None."""
        return next((found for found in self if found.id == object_id), None)

    def to_coco(
        self, image_id: int = 1, *, categories: Mapping[str | None, int] | None = None
    ) -> list[dict[str, Any]]:
        """Annotations for `COCO.loadRes`, one for each object that has a mask.

        `categories`: COCO's category id of each label. Default: 1 for all.
        """
        found = []
        for item in self:
            if (packed := item.rle) is None or item.box is None:
                continue
            category = 1 if categories is None else categories[item.label]
            found.append(
                {
                    "image_id": image_id,
                    "category_id": category,
                    "segmentation": {**packed, "counts": packed["counts"].decode("ascii")},
                    "bbox": list(item.box),
                    "area": item.area,
                    "score": item.confidence,
                    "track_id": item.id,
                }
            )
        return found

    def to_supervision(self) -> Any:
        """`supervision.Detections` of the objects that have a mask; `tracker_id` is the id."""
        import supervision

        shown = [item for item in self if item.area > 0]
        if not shown:
            return supervision.Detections.empty()
        masks = [item.mask for item in shown if item.mask is not None]
        return supervision.Detections(
            xyxy=np.array([item.box.xyxy for item in shown if item.box], np.float32),
            mask=np.stack(masks) if len(masks) == len(shown) else None,
            confidence=np.array([item.confidence for item in shown], np.float32),
            class_id=np.zeros(len(shown), int),
            tracker_id=np.array([item.id for item in shown], int),
            data={"class_name": np.array([item.label or "object" for item in shown])},
        )


class Frame:
    """One processed frame; there are frames without objects too."""

    def __init__(self, message: video_response_pb2.FrameMasks) -> None:
        self.message = message
        """The message of the wire."""
        self.index: int = message.frame_index
        """Decoded frames counted from 0, skipped ones included."""
        self.timestamp_us: int = message.timestamp_us
        """The container's presentation time in microseconds."""
        self.source = _SOURCES[message.source]
        """`keyframe`: the model ran on this frame. `propagated`: carried by optical flow."""
        self.image: NDArray[np.uint8] | None = None
        """The picture [height, width, 3] where the source keeps pictures (BGR by default)."""
        self.resumed: Resumed | None = None
        """How the stream went on just before this frame, after it had lost its server."""

    @cached_property
    def objects(self) -> Objects:
        """All live objects, by id."""
        return Objects(Object(item) for item in self.message.objects)

    @property
    def revision(self) -> int:
        """0 for the first answer of a frame, more after corrections; the highest one holds."""
        return self.message.revision

    @property
    def reason(self) -> str | None:
        """Why this frame is a keyframe, such as `prompt` or `scene-cut`; None where it is not."""
        reason = self.message.keyframe_reason
        return _REASONS[reason] if reason else None

    @property
    def keyframe_index(self) -> int | None:
        """The keyframe that the masks descend from; None before the first one."""
        has = self.message.HasField("keyframe_index")
        return self.message.keyframe_index if has else None

    @property
    def timestamp_synthetic(self) -> bool:
        """The time comes from the frame rate, not from the container."""
        return self.message.timestamp_synthetic

    @property
    def frames_dropped_before(self) -> int:
        """Frames skipped just before this one (delivery `latest` only)."""
        return self.message.frames_dropped_before

    @property
    def capture_timestamp_us(self) -> int | None:
        """The source's own clock when the frame was captured; None where it has none."""
        has = self.message.HasField("capture_timestamp_us")
        return self.message.capture_timestamp_us if has else None

    def to_coco(self, **options: Any) -> list[dict[str, Any]]:
        """Annotations for `COCO.loadRes`; `image_id` is the index + 1, as the CLI writes it."""
        return self.objects.to_coco(self.index + 1, **options)

    def to_supervision(self) -> Any:
        """`supervision.Detections` of the objects that have a mask; `tracker_id` is the id."""
        return self.objects.to_supervision()

    def __repr__(self) -> str:
        return f"Frame(index={self.index}, source={self.source!r}, objects={self.objects!r})"


@dataclass(frozen=True)
class Ack:
    """A prompt that was taken."""

    request_id: int
    frame_index: int
    """The frame that it was applied on."""
    object_ids: list[int]
    """The object, or those that a phrase found."""


@dataclass(frozen=True)
class StreamInfo:
    """What a stream is, from `from_frame_index` on."""

    from_frame_index: int
    width: int
    height: int
    frame_rate: float | None
    codec: str
    model: str
    provider: str
    retained_frames: int
    """Newest frames that a correction may name."""
    limits: video_response_pb2.LimitInfo = field(repr=False)


@dataclass(frozen=True)
class Notice:
    """Something that is no error, such as `overload`, `decode-warning` or `inference-lost`.

    `interrupted` is the client's own: the server is lost, and another one is looked for.
    """

    kind: str
    message: str


@dataclass(frozen=True)
class Summary:
    """What a stream did."""

    frames_in: int
    frames_out: int
    frames_dropped: int
    keyframes: int
    encoder_runs: int
    truncated: bool
    """The video ended early."""


@dataclass(frozen=True)
class ImageResult:
    """The objects of one picture."""

    width: int
    height: int
    model: str
    objects: Objects

    def to_supervision(self) -> Any:
        """`supervision.Detections` of the objects that have a mask; `tracker_id` is the id."""
        return self.objects.to_supervision()


@dataclass(frozen=True)
class Model:
    """A model that a stream may name."""

    name: str
    prompt_kinds: list[str]
    """`points`, `box`, `mask`, `text`."""
    vocabulary: list[str]
    """Words that a phrase may use; empty where they are not limited."""
    provider: str
    licence: str
    self_test_passed: bool
    """Its answer on a known image was right when the server started."""


def stream_info(message: video_response_pb2.StreamInfo) -> StreamInfo:
    """Reads the wire's message."""
    return StreamInfo(
        from_frame_index=message.from_frame_index,
        width=message.width,
        height=message.height,
        frame_rate=message.frame_rate if message.HasField("frame_rate") else None,
        codec=message.codec,
        model=message.model,
        provider=message.provider,
        retained_frames=message.retained_frames,
        limits=message.limits,
    )


def notice(message: video_response_pb2.Notice) -> Notice:
    """Reads the wire's message."""
    return Notice(_NOTICES.get(message.kind, str(message.kind)), message.message)


def summary(message: video_response_pb2.StreamSummary) -> Summary:
    """Reads the wire's message."""
    return Summary(
        frames_in=message.frames_in,
        frames_out=message.frames_out,
        frames_dropped=message.frames_dropped,
        keyframes=message.keyframes,
        encoder_runs=message.encoder_runs,
        truncated=message.truncated,
    )


def image_result(message: image_pb2.SegmentImageResponse) -> ImageResult:
    """Reads the wire's message."""
    objects = Objects(Object(item) for item in message.objects)
    return ImageResult(message.width, message.height, message.model, objects)


def model(message: model_pb2.Model) -> Model:
    """Reads the wire's message."""
    return Model(
        name=message.name,
        prompt_kinds=[_PROMPT_KINDS[kind] for kind in message.prompt_kinds],
        vocabulary=list(message.vocabulary),
        provider=message.provider,
        licence=message.licence,
        self_test_passed=message.self_test.passed,
    )
