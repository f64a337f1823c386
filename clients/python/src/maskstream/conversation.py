"""What both kinds of stream know of their call; it neither sends nor waits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future as ThreadFuture
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import results
from .errors import MaskstreamError, PromptRejected
from .prompts import Prompt, video_prompt
from .results import Ack, Frame, Notice, StreamInfo, Summary
from .v1 import video_request_pb2, video_response_pb2

if TYPE_CHECKING:
    from asyncio import Future as LoopFuture

    AnyFuture = ThreadFuture[Ack] | LoopFuture[Ack]


@dataclass
class Conversation:
    """Numbers prompts, settles their futures, and reads answers."""

    on_notice: Callable[[Notice], object] | None = None
    info: StreamInfo | None = None
    """The newest one."""
    summary: Summary | None = None
    video_answered: bool = False
    """Every frame came; held ones can still be corrected."""
    revision: int = 0
    """Highest one seen: how many corrections the server has answered."""
    refusals: list[PromptRejected] = field(default_factory=list)
    """Of prompts that were given with the call, for the loop to raise."""
    _pending: dict[int, Any] = field(default_factory=dict)
    _named_frame: dict[int, float] = field(default_factory=dict)
    _newest_index: int = -1
    _next_request_id: int = 1

    @property
    def is_awaited(self) -> bool:
        """Somebody may wait for the acknowledgement of a prompt."""
        return any(future is not None for future in self._pending.values())

    @property
    def awaits_no_frame(self) -> bool:
        """A prompt waits for a frame that will not come: only the end is its answer."""
        return self.video_answered and any(
            self._named_frame[number] > self._newest_index
            for number, future in self._pending.items()
            if future is not None
        )

    def prompt(
        self, prompt: Prompt, future: AnyFuture | None
    ) -> video_request_pb2.SegmentVideoRequest:
        """The message to send; `future` is settled by its answer. Raises `invalid-prompt`."""
        request_id = self._next_request_id
        message = video_prompt(request_id, prompt)
        self._next_request_id += 1
        self._pending[request_id] = future
        self._named_frame[request_id] = _named_frame(prompt, self._newest_index)
        return video_request_pb2.SegmentVideoRequest(prompt=message)

    def receive(self, response: video_response_pb2.SegmentVideoResponse) -> Frame | None:
        """Takes an answer; gives the frame that it holds."""
        match response.WhichOneof("message"):
            case "masks":
                self._newest_index = max(self._newest_index, response.masks.frame_index)
                self.revision = max(self.revision, response.masks.revision)
                return Frame(response.masks)
            case "ack":
                self._settle(response.ack)
            case "info":
                self.info = results.stream_info(response.info)
            case "summary":
                self.summary = results.summary(response.summary)
            case "notice":
                notice = results.notice(response.notice)
                self.video_answered |= notice.kind == "video-answered"
                self.tell(notice)
            case _:  # of a later version
                pass
        return None

    def tell(self, notice: Notice) -> None:
        """Says something that is no error."""
        if self.on_notice is not None:
            self.on_notice(notice)

    def close(self, error: Exception | None) -> None:
        """No answer comes any more."""
        reason = error or MaskstreamError("stream-over", "the stream is over")
        for future in self._pending.values():
            if future is not None and not future.done():
                future.set_exception(reason)
        self._pending.clear()

    def _settle(self, ack: video_response_pb2.PromptAck) -> None:
        future = self._pending.pop(ack.request_id, None)
        self._named_frame.pop(ack.request_id, None)
        if not ack.HasField("error"):
            if future is not None and not future.done():
                objects = list(ack.object_ids)
                future.set_result(Ack(ack.request_id, ack.frame_index, objects))
            return
        refusal = PromptRejected(ack.error.code, ack.error.message, request_id=ack.request_id)
        if future is None:
            self.refusals.append(refusal)
        elif not future.done():
            future.set_exception(refusal)


def _named_frame(prompt: Prompt, newest_index: int) -> float:
    """Index of the frame that a prompt waits for, at least."""
    if prompt.timestamp_us is not None:
        return -1
    return newest_index + 1 if prompt.frame_index is None else prompt.frame_index
