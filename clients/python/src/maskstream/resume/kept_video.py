"""The newest part of the video, from a random-access point on: what a new server needs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ..v1 import video_request_pb2 as wire
from ..v1 import video_response_pb2
from .sent_units import SentUnits, UnitPlace

# What comes before the first frame of these says how to read them.
_WITH_HEADER = {
    wire.CONTAINER_MP4,
    wire.CONTAINER_MATROSKA,
    wire.CONTAINER_WEBM,
    wire.CONTAINER_IVF,
    wire.CONTAINER_AVI,
    wire.CONTAINER_FLV,
}
# A decoder finds the next frame of these by itself, wherever it begins to read.
_SELF_SYNCHRONISING = {
    wire.CONTAINER_H264_ANNEX_B,
    wire.CONTAINER_HEVC_ANNEX_B,
    wire.CONTAINER_MPEG_TS,
    wire.CONTAINER_MJPEG,
    wire.CONTAINER_MPEG_VIDEO,
}
# More before the first random-access point is video, not a header.
_MAX_HEADER_BYTES = 64 * 1024
# Groups that are kept where nobody can say which of them was answered.
_UNMARKED_GROUPS = 2


@dataclass
class _Group:
    """Chunks from one random-access point up to the next."""

    first_unit: int | None
    """Number of the access unit that it starts with, from 0; None: units are not marked."""
    first_frame: int | None = None
    """Caller's index of the first frame that another decoder makes of it; None: not told."""
    chunks: list[wire.VideoChunk] = field(default_factory=list)
    size: int = 0


@dataclass(frozen=True)
class VideoAgain:
    """What is sent again."""

    header: list[wire.VideoChunk]
    chunks: list[wire.VideoChunk]
    first_frame: int | None
    """Caller's index of the first frame of the chunks; None: not known."""
    is_exact: bool
    """An answer has told it; else units are counted, as if each gave a frame."""
    are_units_frames: bool
    """No unit was seen to give several frames."""


class KeptVideo:
    """Bounded in bytes: where the bound is met the oldest groups go, and at last the only one.

    The stream can go on from the next random-access point only, then. One without marks is kept
    from its start.

    Which frame a group begins with is what its answer said, and not how many units were sent:
    another decoder makes of the same bytes the same frames, in whatever order and however many.
    """

    def __init__(self, container: wire.Container, max_bytes: int) -> None:
        self._container = container
        self._max_bytes = max_bytes
        self._header: list[wire.VideoChunk] = []
        self._groups = deque([_Group(0, 0)])
        self._bytes = 0
        self._units = SentUnits()
        self._marked = False
        # Caller's frame index less number of the unit, of the newest answered frame.
        self._offset = 0
        # The same of the first frame of the newest group whose answer told it.
        self._told_offset = 0
        self._are_units_frames = True
        # The only group was too large: what follows is of no use before the next random access.
        self._broken = False

    def index_of(self, masks: video_response_pb2.FrameMasks) -> int | None:
        """Caller's index of a frame by its capture time, counted in units; None: not known."""
        unit = self._find(masks) if self._are_units_frames else None
        return None if unit is None else unit.shown + self._offset

    def add(self, chunk: wire.VideoChunk) -> None:
        """Keeps a chunk that is sent."""
        starts_unit = chunk.HasField("capture_timestamp_us")
        if chunk.random_access:
            self._open_group(starts_unit)
        if starts_unit:
            self._units.add(chunk.capture_timestamp_us, starts_group=chunk.random_access)
        if self._broken:
            return
        group = self._groups[-1]
        group.chunks.append(chunk)
        group.size += len(chunk.data)
        self._bytes += len(chunk.data)
        while self._bytes > self._max_bytes:
            self._drop_oldest()

    def answered(self, masks: video_response_pb2.FrameMasks) -> None:
        """A frame was answered for the first time: groups before its own are not needed."""
        if len(self._units) > 0 and not masks.HasField("capture_timestamp_us"):
            self._are_units_frames = False
        unit = self._find(masks)
        if unit is None:
            return
        group = self._group_of(unit)
        is_first = group is not None and group.first_unit == unit.sent
        is_told = group is not None and group.first_frame is not None
        # Of units with one time the first is meant only if its frame can be no other's.
        is_only = is_first and not is_told and masks.frames_dropped_before == 0
        if unit.is_shared and not is_only:
            return
        self._offset = masks.frame_index - unit.shown
        self._units.answered(unit)
        if group is None or is_told:
            return
        # A first frame that was skipped is counted back to, where each unit gave a frame so far.
        if not is_first and self._offset != self._told_offset:
            return
        first_unit = group.first_unit or 0
        group.first_frame = masks.frame_index if is_first else first_unit + self._offset
        self._told_offset = self._offset
        while self._groups[0] is not group:
            self._drop_oldest()

    def first_unit_of(self, masks: video_response_pb2.FrameMasks) -> list[wire.VideoChunk] | None:
        """The chunks of a frame's access unit, if it begins a group and was sent whole.

        None where it is not known where it ends.
        """
        unit = self._find(masks)
        if unit is None or unit.is_shared:
            return None
        group = next((group for group in self._groups if group.first_unit == unit.sent), None)
        if group is None:
            return None
        starts = (
            place
            for place, chunk in enumerate(group.chunks)
            if place > 0 and chunk.HasField("capture_timestamp_us")
        )
        ends_at = next(starts, None)
        # A copy: the group grows.
        whole = group.chunks[:ends_at]
        is_whole = ends_at is not None or (bool(whole) and whole[-1].ends_access_unit)
        return whole if is_whole else None

    def again(self) -> VideoAgain | None:
        """What to send to the next server; None where nothing can be read from here on."""
        if self._broken and not self._marked and self._container not in _SELF_SYNCHRONISING:
            return None
        first = self._groups[0]
        first_frame = first.first_frame
        if first_frame is None and first.first_unit is not None:
            first_frame = first.first_unit + self._offset
        return VideoAgain(
            self._header,
            [chunk for group in self._groups for chunk in group.chunks],
            first_frame,
            is_exact=first.first_frame is not None,
            are_units_frames=self._are_units_frames,
        )

    def _find(self, masks: video_response_pb2.FrameMasks) -> UnitPlace | None:
        is_timed = masks.HasField("capture_timestamp_us")
        return self._units.find(masks.capture_timestamp_us) if is_timed else None

    def _group_of(self, unit: UnitPlace) -> _Group | None:
        for group in reversed(self._groups):
            if group.first_unit is not None and group.first_unit <= unit.sent:
                return group
        return None

    def _open_group(self, starts_unit: bool) -> None:
        # The first frame is number 0, whoever marks what.
        count = len(self._units)
        is_first = not self._marked and count == 0 and len(self._groups[0].chunks) < 2
        first_unit = count if starts_unit or is_first else None
        if not self._marked and not self._broken:
            self._close_header(self._groups[0])
        self._marked = True
        self._broken = False
        if self._groups and not self._groups[-1].chunks:
            self._groups.pop()
        self._groups.append(_Group(first_unit, 0 if is_first else None))
        while first_unit is None and len(self._groups) > _UNMARKED_GROUPS:
            self._drop_oldest()

    def _close_header(self, start: _Group) -> None:
        """What came before the first random access: a header, or frames that nothing leads to."""
        if start.size <= _MAX_HEADER_BYTES and self._container in _WITH_HEADER:
            self._header = start.chunks
        self._bytes -= start.size
        self._groups.clear()

    def _drop_oldest(self) -> None:
        self._bytes -= self._groups.popleft().size
        if not self._groups:
            self._broken = True
            self._groups.append(_Group(None))
