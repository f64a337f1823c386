"""The count of one stream over all of its calls."""

from __future__ import annotations

from ..v1 import video_response_pb2 as wire


class ContinuousCount:
    """Counts what was handed over, and makes one summary of several."""

    def __init__(self) -> None:
        self.begun = False
        """Some server has answered: the stream is known to be possible."""
        self.summary: wire.StreamSummary | None = None
        """What the newest call said last."""
        self._frames_out = 0
        # Keyframes that frames of earlier calls descend from.
        self._keyframes_before = 0
        self._keyframes: set[int] = set()
        self._calls = 1
        # Time of one frame, where frames are equally far apart, in microseconds.
        self._frame_us: float | None = None
        self._before: wire.FrameMasks | None = None

    def add(self, masks: wire.FrameMasks) -> None:
        """Counts a frame that is handed over for the first time."""
        self._frames_out += 1
        if masks.HasField("keyframe_index"):
            self._keyframes.add(masks.keyframe_index)
        if self._before is not None and masks.frame_index > self._before.frame_index:
            frames = masks.frame_index - self._before.frame_index
            self._frame_us = (masks.timestamp_us - self._before.timestamp_us) / frames
        self._before = masks

    def end_call(self) -> None:
        """A call is over and another one follows."""
        self._calls += 1
        self._keyframes_before += len(self._keyframes)
        self._keyframes = set()
        self.summary = None

    def index_at(self, masks: wire.FrameMasks, newest: wire.FrameMasks | None) -> int | None:
        """A frame's index by its time, counted from the newest one; None where it says nothing."""
        if newest is None or masks.timestamp_synthetic or not self._frame_us:
            return None
        frames = round((masks.timestamp_us - newest.timestamp_us) / self._frame_us)
        return newest.frame_index + frames

    def total(self, offset: int, *, is_complete: bool) -> wire.StreamSummary | None:
        """The last call's summary for the whole stream; None where there is none.

        What calls that broke would have said is not known: of their keyframes those count that
        answers name. `offset` is what is added to the last call's frame indices; `is_complete`:
        that call worked on the whole video again.
        """
        if self.summary is None or self._calls == 1:
            return self.summary
        before = 0 if is_complete else self._keyframes_before
        whole = wire.StreamSummary()
        whole.CopyFrom(self.summary)
        whole.frames_in += offset
        whole.frames_out = self._frames_out
        whole.frames_dropped = max(0, whole.frames_in - self._frames_out)
        whole.keyframes += before
        whole.encoder_runs += before
        return whole
