"""The newest part of the video, from a random-access point on: what a new server needs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ..v1 import video_request_pb2 as wire

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
# Units that can be told by their capture time: nine minutes at 30 a second.
_MAX_NUMBERED_UNITS = 16_384
# Groups that are kept where nobody can say which of them was answered.
_UNMARKED_GROUPS = 2


@dataclass
class _Group:
    """Chunks from one random-access point up to the next."""

    first_unit: int | None
    """Number of the access unit that it starts with, from 0; None: units are not marked."""
    chunks: list[wire.VideoChunk] = field(default_factory=list)
    size: int = 0


@dataclass(frozen=True)
class VideoAgain:
    """What is sent again."""

    header: list[wire.VideoChunk]
    chunks: list[wire.VideoChunk]
    first_unit: int | None
    """The unit with which the chunks start; None: not known."""


class KeptVideo:
    """Bounded in bytes: where the bound is met the oldest groups go, and at last the only one.

    The stream can go on from the next random-access point only, then. One without marks is kept
    from its start.
    """

    def __init__(self, container: wire.Container, max_bytes: int) -> None:
        self._container = container
        self._max_bytes = max_bytes
        self._header: list[wire.VideoChunk] = []
        self._groups = deque([_Group(0)])
        self._bytes = 0
        self._units = 0
        self._marked = False
        # Numbers of the units that are kept or newer, by their capture time.
        self._unit_at: dict[int, int] = {}
        # The only group was too large: what follows is of no use before the next random access.
        self._broken = False

    def unit_of(self, capture_timestamp_us: int | None) -> int | None:
        """Number of the access unit with this capture time; None where it is not known."""
        return None if capture_timestamp_us is None else self._unit_at.get(capture_timestamp_us)

    def add(self, chunk: wire.VideoChunk) -> None:
        """Keeps a chunk that is sent."""
        starts_unit = chunk.HasField("capture_timestamp_us")
        if chunk.random_access:
            self._open_group(starts_unit)
        if starts_unit:
            self._count(chunk.capture_timestamp_us)
        if self._broken:
            return
        group = self._groups[-1]
        group.chunks.append(chunk)
        group.size += len(chunk.data)
        self._bytes += len(chunk.data)
        while self._bytes > self._max_bytes:
            self._drop_oldest()

    def trim(self, unit: int) -> None:
        """A frame was answered: groups before the one that holds its unit are not needed."""
        while len(self._groups) > 1:
            first_unit = self._groups[1].first_unit
            if first_unit is None or first_unit > unit:
                return
            self._drop_oldest()

    def first_unit_of(self, unit: int) -> list[wire.VideoChunk] | None:
        """The chunks of one access unit, that which begins a group and was sent whole.

        None where it is not known where a unit ends.
        """
        group = next((group for group in self._groups if group.first_unit == unit), None)
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
        if not self._broken:
            chunks = [chunk for group in self._groups for chunk in group.chunks]
            return VideoAgain(self._header, chunks, self._groups[0].first_unit)
        is_resumable = self._marked or self._container in _SELF_SYNCHRONISING
        return VideoAgain(self._header, [], None) if is_resumable else None

    def _count(self, capture_timestamp_us: int) -> None:
        self._unit_at[capture_timestamp_us] = self._units
        self._units += 1
        if len(self._unit_at) > _MAX_NUMBERED_UNITS:
            del self._unit_at[next(iter(self._unit_at))]

    def _open_group(self, starts_unit: bool) -> None:
        # The first frame is number 0, whoever marks what.
        is_first = not self._marked and self._units == 0 and len(self._groups[0].chunks) < 2
        first_unit = self._units if starts_unit or is_first else None
        if not self._marked and not self._broken:
            self._close_header(self._groups[0])
        self._marked = True
        self._broken = False
        if self._groups and not self._groups[-1].chunks:
            self._groups.pop()
        self._groups.append(_Group(first_unit))
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
