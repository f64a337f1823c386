"""What both kinds of stream do with a call that outlives its server; they only add the waiting."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc

from .conversation import Conversation
from .deadline import Deadline
from .errors import CallFailed, MaskstreamError, call_end, call_failed
from .outbox import Outbox
from .results import Frame, Notice, StreamInfo, Summary
from .resume.effects import (
    Cancel,
    Deliver,
    Effect,
    Ended,
    HalfClose,
    Interrupted,
    Open,
    Pause,
    Rewind,
    Send,
)
from .resume.end_rule import OK, CallEnd
from .resume.options import Resumed, ResumeOptions
from .resume.resuming_call import ResumingCall
from .source import Chunk, Source
from .v1 import video_request_pb2 as wire
from .v1.segmentation_service_pb2_grpc import SegmentationServiceStub

# Answers that may wait to be taken before the server has to.
_MAX_WAITING_FRAMES = 64
# Bytes that may wait for a server before their sender has to.
_MAX_HELD_BYTES = 1024 * 1024
# Larger messages delay the prompts behind them; every server takes these.
_MAX_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Calls:
    """How a stream reaches its servers."""

    open: list[Callable[..., Any]]
    """Each opens a call: of its requests and `timeout` in seconds."""
    resume: ResumeOptions | None
    """None: the stream ends with its first call."""
    timeout: float | None
    """Seconds, of the whole stream."""


def stream_calls(
    stubs: list[SegmentationServiceStub],
    call: dict[str, Any],
    resume: ResumeOptions | None,
    timeout: float | None,
) -> Calls:
    """The calls of a client's stream; `call` are gRPC's own settings of each."""

    def opener(stub: SegmentationServiceStub) -> Callable[..., Any]:
        return lambda requests, **bounds: stub.SegmentVideo(requests, **bounds, **call)

    return Calls([opener(stub) for stub in stubs], resume, timeout)


class StreamBase(ABC):
    """One video over one call after another. Nothing here waits, or takes a lock."""

    def __init__(
        self,
        calls: Calls,
        source: Source,
        *,
        keep_open: bool,
        on_notice: Callable[[Notice], object] | None,
    ) -> None:
        self.source = source
        self._calls = calls
        self._deadline = Deadline(calls.timeout)
        self._keep_open = keep_open
        self._conversation = Conversation(on_notice)
        self._machine: ResumingCall | None = None
        self._call: Any = None
        self._outbox = Outbox()
        self._pause = 0.0
        self._frames: deque[Frame] = deque()
        # What the next frame says of the interruption before it.
        self._resumed: Resumed | None = None
        # How often the video has to be sent from its start again.
        self._rewinds = 0
        self._sent_all = False
        # Parts of the video that were sent in this pass over it, and in the longest one.
        self._sent_parts = 0
        self._most_parts = 0
        # Of a video that was cut short, so many are sent each time; None: all.
        self._last_part: int | None = None
        self._no_more = False
        self._dropped = False
        self._cancelled = False
        self._over = False
        self._error: Exception | None = None

    @property
    def info(self) -> StreamInfo | None:
        """Size, codec, model and limits; None before the first frame."""
        return self._conversation.info

    @property
    def summary(self) -> Summary | None:
        """What the server did; None before the end."""
        return self._conversation.summary

    @property
    def revision(self) -> int:
        """Highest revision seen: how many corrections the server has answered."""
        return self._conversation.revision

    @abstractmethod
    def _requests(self, outbox: Outbox) -> Any:
        """What gRPC takes to send: an iterator of this kind of stream."""

    @abstractmethod
    def _notify(self) -> None:
        """Something has changed: whoever waits looks again."""

    def _start(self, config: wire.StreamConfig) -> None:
        """Opens the first call; the source is open."""
        self._machine = ResumingCall(
            config,
            servers=len(self._calls.open),
            rewinds=self._resumes and self.source.rewinds,
            options=self._calls.resume,
        )
        self._do(self._machine.start())

    @property
    def _resumes(self) -> bool:
        return self._calls.resume is not None

    @property
    def _state(self) -> str:
        """`waiting` too where no call was opened yet."""
        if self._dropped:
            return "over"
        return "waiting" if self._machine is None else self._machine.state

    def _do(self, effects: list[Effect]) -> None:
        """Does what the state machine says."""
        for effect in effects:
            match effect:
                case Open(server):
                    self._outbox = Outbox()
                    requests = self._requests(self._outbox)
                    self._call = self._calls.open[server](requests, timeout=self._deadline.left())
                case Send(request):
                    self._outbox.put(request)
                case HalfClose():
                    self._outbox.end()
                case Cancel():
                    self._outbox.end(drop=True)
                    self._call.cancel()
                case Deliver(response):
                    frame = self._conversation.receive(response)
                    if frame is not None:
                        frame.resumed, self._resumed = self._resumed, None
                        self._frames.append(frame)
                case Interrupted(why):
                    self._conversation.tell(Notice("interrupted", _reason(why)))
                case Resumed():
                    self._resumed = effect
                case Pause(seconds):
                    self._outbox.end(drop=True)
                    self._pause = self._deadline.within(seconds)
                case Rewind():
                    self._rewinds += 1
                    self._sent_all = False
                case Ended(end):
                    self._finish(end)
        self._notify()

    def _has_frame_room(self) -> bool:
        return self._state == "over" or len(self._frames) < _MAX_WAITING_FRAMES

    def _video_requests(self) -> Iterator[wire.SegmentVideoRequest]:
        """The video from its start, in messages that every server takes."""
        for chunk in self.source.chunks():
            yield from chunk_requests(chunk)

    def _may_send(self, pass_: int) -> bool:
        """Whether the sender has something to do: send, start again, or stop."""
        if self._state == "over" or self._rewinds != pass_ or self._machine is None:
            return True
        return self._machine.held_bytes <= _MAX_HELD_BYTES and self._outbox.has_room

    def _send_request(self, request: wire.SegmentVideoRequest, pass_: int) -> bool:
        """Sends a part of the video; False where this pass over it is over."""
        if self._machine is None or self._state == "over" or self._rewinds != pass_:
            return False
        if self._last_part is not None and self._sent_parts >= self._last_part:
            return False
        self._sent_parts += 1
        self._most_parts = max(self._most_parts, self._sent_parts)
        self._do(self._machine.send(request))
        return True

    def _end_pass(self, pass_: int) -> None:
        """All of the video was sent, unless it has to be sent again."""
        self._sent_parts = 0
        if self._machine is None or self._rewinds != pass_:
            return
        self._sent_all = True
        self._do(self._machine.send(END_OF_VIDEO))
        if self._no_more:
            self._do(self._machine.end())

    def _needs_source(self) -> bool:
        """Whether the video may have to be sent again."""
        return self._state != "over" and self._resumes and self.source.rewinds

    def _end_video(self) -> None:
        """The caller wants no more of the video than was sent."""
        self._keep_open = False
        if not self._needs_source():
            self.source.close()
        elif not self._sent_all and self._last_part is None:
            self._last_part = self._most_parts
        self._half_close()

    def _half_close(self) -> None:
        """No more prompts; no more video either, or as soon as it was sent again."""
        if self._no_more:
            return
        self._no_more = True
        waits_for_pass = self._needs_source() and not self._sent_all
        if self._machine is not None and not waits_for_pass:
            self._do(self._machine.end())

    def _drop(self) -> None:
        """Ends the stream from this side, for a reason that is told elsewhere."""
        self._dropped = True
        self._do([] if self._machine is None else self._machine.cancel())

    def _close_call(self, failure: grpc.RpcError | None) -> None:
        """The newest call is over, or was dropped."""
        if self._machine is None or self._dropped:
            self._finish(CallEnd(_CANCELLED, "the stream was closed", None))
        else:
            self._do(self._machine.finish(call_end(failure)))

    def _wake(self) -> None:
        """The pause between two calls is over."""
        if self._machine is None or self._dropped:
            self._close_call(None)
        else:
            self._do(self._machine.wake())

    def _give_up(self, error: Exception) -> None:
        """Ends the stream with an error that is none of gRPC's."""
        self._error = error
        self._drop()
        self._close_call(None)

    def _finish(self, end: CallEnd) -> None:
        if self._over:
            return
        if self._error is None:
            self._error = self._error_of(end)
        self._over = True
        self._outbox.end(drop=True)
        self._conversation.close(self._error)
        self.source.close()
        self._notify()

    def _error_of(self, end: CallEnd) -> CallFailed | None:
        if end.code == OK:
            return None
        summary = self._conversation.summary
        if isinstance(end.cause, grpc.RpcError):
            return call_failed(end.cause, summary=summary, cancelled=self._cancelled)
        return CallFailed("cancelled", end.message, status="CANCELLED", summary=summary)


_CANCELLED: int = grpc.StatusCode.CANCELLED.value[0]
END_OF_VIDEO = wire.SegmentVideoRequest(end_of_video=wire.EndOfVideo())


def chunk_requests(chunk: Chunk) -> Iterator[wire.SegmentVideoRequest]:
    """A chunk in messages that every server takes."""
    for start in range(0, len(chunk.data), _MAX_CHUNK_BYTES):
        piece = wire.VideoChunk(data=chunk.data[start : start + _MAX_CHUNK_BYTES])
        # Only the first piece starts the access unit, and only the last one ends it.
        if start == 0:
            piece.random_access = chunk.random_access
            if chunk.capture_timestamp_us is not None:
                piece.capture_timestamp_us = chunk.capture_timestamp_us
        if chunk.ends_access_unit and start + _MAX_CHUNK_BYTES >= len(chunk.data):
            piece.ends_access_unit = True
        yield wire.SegmentVideoRequest(chunk=piece)


def source_error(error: Exception) -> MaskstreamError:
    """What the loop raises where the video cannot be read."""
    if isinstance(error, MaskstreamError):
        return error
    wrapped = MaskstreamError("unreadable-file", f"the source failed: {error!r}")
    wrapped.__cause__ = error
    return wrapped


def _reason(why: Any) -> str:
    said = why.message or "the call ended"
    return f"{said}; going on at another server, or at this one when it is back"
