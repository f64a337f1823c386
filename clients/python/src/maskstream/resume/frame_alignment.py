"""Maps frames of one call to the caller's, and the caller's prompts to the call's."""

from __future__ import annotations

from math import floor

from ..v1 import video_request_pb2, video_response_pb2


class FrameAlignment:
    """Where a call that goes on with a stream stands in the caller's count."""

    def __init__(
        self,
        offset: int | None,
        *,
        is_exact: bool,
        frame_rate: float | None,
        is_synthetic: bool,
    ) -> None:
        self.offset = offset
        """What is added to the call's frame indices; None: known with its first answer only."""
        self.is_exact = is_exact
        """Answers said so: nothing that comes tells the offset better."""
        self._frame_rate = frame_rate
        self._is_synthetic = is_synthetic
        self._is_guessed = False

    @property
    def is_known(self) -> bool:
        """Whether the offset rests on something."""
        return self.offset is not None and not self._is_guessed

    def align(self, index: int, known: int) -> None:
        """The call's frame `index` is the caller's frame `known`."""
        self.offset = known - index

    def guess(self, index: int, next_index: int) -> None:
        """Nothing tells the frame from others: it is taken for the caller's next one."""
        self.align(index, next_index)
        self._is_guessed = True

    def masks(self, masks: video_response_pb2.FrameMasks) -> video_response_pb2.FrameMasks:
        """A frame as the caller counts."""
        if not self.offset:
            return masks
        mapped = video_response_pb2.FrameMasks()
        mapped.CopyFrom(masks)
        mapped.frame_index += self.offset
        if mapped.timestamp_synthetic:
            mapped.timestamp_us = self._time_of(mapped.frame_index)
        if mapped.HasField("keyframe_index"):
            mapped.keyframe_index = max(0, masks.keyframe_index + self.offset)
        return mapped

    def ack(self, ack: video_response_pb2.PromptAck) -> video_response_pb2.PromptAck:
        """An acknowledgement as the caller counts."""
        if not self.offset or not ack.HasField("frame_index"):
            return ack
        mapped = video_response_pb2.PromptAck()
        mapped.CopyFrom(ack)
        mapped.frame_index += self.offset
        return mapped

    def info(
        self, info: video_response_pb2.StreamInfo, newest: int
    ) -> video_response_pb2.StreamInfo:
        """A format as the caller counts; `newest` is the newest frame that was answered."""
        offset = newest + 1 if self.offset is None else self.offset
        mapped = video_response_pb2.StreamInfo()
        mapped.CopyFrom(info)
        mapped.from_frame_index = max(info.from_frame_index + offset, newest + 1)
        return mapped

    def can_send(self, update: video_request_pb2.PromptUpdate) -> bool:
        """Whether it can be sent: one that names a frame waits until the frames are aligned."""
        named = update.WhichOneof("at")
        if self.offset is not None or named is None:
            return True
        return named == "timestamp_us" and not self._is_synthetic

    def prompt(
        self, update: video_request_pb2.PromptUpdate
    ) -> video_request_pb2.PromptUpdate | None:
        """An update as the call counts; None where its frame lies before the call's first one."""
        named = update.WhichOneof("at")
        if named is None or not self.offset:
            return update
        mapped = video_request_pb2.PromptUpdate()
        mapped.CopyFrom(update)
        if named == "timestamp_us":
            if self._is_synthetic:
                mapped.timestamp_us -= self._time_of(self.offset)
        elif update.frame_index < self.offset:
            return None
        else:
            mapped.frame_index -= self.offset
        return mapped

    def _time_of(self, frame_index: int) -> int:
        """Time of a frame in a stream that has none of its own, as the server makes it."""
        # Halves go up there.
        return floor(frame_index * 1e6 / self._frame_rate + 0.5) if self._frame_rate else 0
