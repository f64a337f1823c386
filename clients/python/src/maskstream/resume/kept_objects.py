"""The live objects as the newest answered frame has them, and from what each can be recognised."""

from __future__ import annotations

from dataclasses import dataclass

from ..v1 import common_pb2, video_request_pb2, video_response_pb2
from .kept_video import KeptVideo

# Of these, single access units can be put before others.
_CUTTABLE = {
    video_request_pb2.CONTAINER_H264_ANNEX_B,
    video_request_pb2.CONTAINER_HEVC_ANNEX_B,
    video_request_pb2.CONTAINER_IVF,
    video_request_pb2.CONTAINER_MJPEG,
}
# Expected IoU from which a mask may stand for its object.
_MIN_REFERENCE_CONFIDENCE = 0.5


@dataclass(frozen=True)
class _Reference:
    """A frame on which an object had a good mask."""

    frame_index: int
    mask: common_pb2.Mask
    chunks: list[video_request_pb2.VideoChunk]
    """Its access unit, which decodes by itself; empty where the whole video is sent again."""


@dataclass
class _References:
    """A mask stays where it was for some frames after its object is covered.

    It may serve as a reference once a later keyframe still shows the object.
    """

    proven: _Reference | None = None
    candidate: _Reference | None = None


@dataclass(frozen=True)
class ObjectsAgain:
    """What another server is told of the objects, and the pictures that go before the video."""

    objects: list[video_request_pb2.ResumeObject]
    pictures: list[list[video_request_pb2.VideoChunk]]
    """One access unit for each picture that the objects refer to by its place here."""


class KeptObjects:
    """For each object the newest picture from which it can be recognised after it was hidden.

    That is the frame of a random-access point on which it had a good mask.
    """

    def __init__(self, config: video_request_pb2.StreamConfig, *, rewinds: bool) -> None:
        """`rewinds`: the whole video is sent again, so every frame of it can be named."""
        self._config = config
        self._rewinds = rewinds
        self._references: dict[int, _References] = {}
        self.newest: video_response_pb2.FrameMasks | None = None
        """The newest answered frame, in the caller's count; None before the first."""
        # Of a going-away notice: masks too where the answers have none.
        self._handed_over: list[video_request_pb2.ResumeObject] | None = None

    def take(self, masks: video_response_pb2.FrameMasks, video: KeptVideo) -> None:
        """Notes an answered frame."""
        if self.newest is not None and masks.frame_index < self.newest.frame_index:
            return
        self.newest = masks
        self._handed_over = None
        chunks = self._picture_of(masks, video)
        for item in masks.objects:
            self._refer(item, masks, chunks)
        if len(self._references) > len(masks.objects):
            alive = {item.object_id for item in masks.objects}
            self._references = {
                object_id: known
                for object_id, known in self._references.items()
                if object_id in alive
            }

    def hand_over(self, notice: video_response_pb2.Notice) -> None:
        """Notes the state of a going-away notice, which belongs to the newest answered frame."""
        has = notice.HasField("resume")
        self._handed_over = list(notice.resume.objects) if has else None

    def again(self) -> ObjectsAgain | None:
        """What to tell another server; None where masks are needed and were never sent."""
        objects = [] if self.newest is None else list(self.newest.objects)
        without_masks = self._config.mask_encoding == common_pb2.MASK_ENCODING_NONE
        if without_masks and any(item.area > 0 for item in objects):
            return None if self._handed_over is None else ObjectsAgain(self._handed_over, [])
        hidden = [item for item in objects if not item.HasField("mask")]
        used = [
            found for item in hidden if (found := self._reference_of(item.object_id)) is not None
        ]
        pictures = {
            found.frame_index: found.chunks
            for found in sorted(used, key=lambda found: found.frame_index)
        }
        places = {index: index if self._rewinds else at for at, index in enumerate(pictures)}
        return ObjectsAgain(
            [self._object(item, places) for item in objects],
            [] if self._rewinds else list(pictures.values()),
        )

    def _reference_of(self, object_id: int) -> _Reference | None:
        known = self._references.get(object_id, _References())
        return known.proven or known.candidate

    def _refer(
        self,
        item: common_pb2.ObjectMask,
        frame: video_response_pb2.FrameMasks,
        chunks: list[video_request_pb2.VideoChunk] | None,
    ) -> None:
        known = self._references.setdefault(item.object_id, _References())
        if not item.HasField("mask"):
            # Perhaps the candidate shows what covers it: better than nothing only.
            known.proven = known.proven or known.candidate
            known.candidate = None
            return
        if item.confidence < _MIN_REFERENCE_CONFIDENCE:
            return
        keyframe = frame.keyframe_index if frame.HasField("keyframe_index") else -1
        if known.candidate is not None and keyframe > known.candidate.frame_index:
            known.proven, known.candidate = known.candidate, None
        if chunks is None:
            return
        made = _Reference(frame.frame_index, item.mask, chunks)
        # Somebody has just said where it is.
        if frame.keyframe_reason == video_response_pb2.KEYFRAME_REASON_PROMPT:
            known.proven = made
        else:
            known.candidate = known.candidate or made

    def _picture_of(
        self, masks: video_response_pb2.FrameMasks, video: KeptVideo
    ) -> list[video_request_pb2.VideoChunk] | None:
        """A frame's picture where it can serve as a reference; None where it cannot."""
        if self._rewinds:
            return []
        is_cuttable = self._config.container in _CUTTABLE
        return video.first_unit_of(masks) if is_cuttable else None

    def _object(
        self, item: common_pb2.ObjectMask, places: dict[int, int]
    ) -> video_request_pb2.ResumeObject:
        made = video_request_pb2.ResumeObject(object_id=item.object_id, state=item.state)
        if item.HasField("label"):
            made.label = item.label
        if item.HasField("mask"):
            made.mask.CopyFrom(item.mask)
        elif (found := self._reference_of(item.object_id)) is not None:
            made.reference.frame_index = places[found.frame_index]
            made.reference.mask.CopyFrom(found.mask)
        return made
