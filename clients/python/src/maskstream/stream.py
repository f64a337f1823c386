"""A video on its way, for programs without asyncio."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any

import grpc

from .conversation import Conversation
from .errors import MaskstreamError, call_failed
from .prompts import Prompt
from .results import Ack, Frame, Notice, StreamInfo, Summary
from .source import Chunk, Source
from .v1 import video_request_pb2 as wire

if TYPE_CHECKING:
    from typing_extensions import Self

# Chunks that may wait for the connection: prompts pass them.
_MAX_WAITING_CHUNKS = 4
# Answers that may wait to be taken before the server has to.
_MAX_WAITING_FRAMES = 64

Open = Callable[[Iterator[wire.SegmentVideoRequest]], Any]


class PromptFuture(Future[Ack]):
    """The acknowledgement of a prompt. `result` raises PromptRejected where it was refused."""

    def __init__(self, attend: Callable[[int], None]) -> None:
        super().__init__()
        self._attend = attend

    def result(self, timeout: float | None = None) -> Ack:
        """Waits `timeout` seconds at most (None: for ever), then raises TimeoutError."""
        # Whoever waits here may be who should take frames, so they are held for him meanwhile.
        self._attend(1)
        try:
            return super().result(timeout)
        finally:
            self._attend(-1)


class _Outbox(Iterator[wire.SegmentVideoRequest]):
    """What gRPC takes to send, when the connection has room for it."""

    def __init__(self, first: list[wire.SegmentVideoRequest]) -> None:
        self._urgent = deque(first)
        self._chunks: deque[wire.SegmentVideoRequest] = deque()
        self._changed = threading.Condition()
        self._ended = False

    def send(self, message: wire.SegmentVideoRequest) -> bool:
        """Sends before the chunks that wait; False where nothing can be sent any more."""
        with self._changed:
            self._urgent.append(message)
            self._changed.notify_all()
            return not self._ended

    def send_chunk(self, message: wire.SegmentVideoRequest) -> bool:
        """Sends in turn, waiting for room; False where nothing can be sent any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self._chunks) < _MAX_WAITING_CHUNKS)
            self._chunks.append(message)
            self._changed.notify_all()
            return not self._ended

    def end(self, *, drop: bool = False) -> None:
        """Half-closes after what waits, or at once."""
        with self._changed:
            self._ended = True
            if drop:
                self._urgent.clear()
                self._chunks.clear()
            self._changed.notify_all()

    def __next__(self) -> wire.SegmentVideoRequest:
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._urgent or self._chunks)
            waiting = self._urgent or self._chunks
            if not waiting:
                raise StopIteration
            message = waiting.popleft()
            self._changed.notify_all()
            return message


class VideoStream:
    """One video on its way: iterate it for its frames.

    Leaving the loop early does not end it: close it, or use it in a `with`. A refused prompt of
    those given with the call is raised by the loop, which may be entered again; others are raised
    by their futures. A failed call is raised by the loop after the frames that came.
    """

    def __init__(
        self,
        open_call: Open,
        config: wire.StreamConfig,
        source: Source,
        prompts: Iterable[Prompt],
        *,
        keep_open: bool,
        on_notice: Callable[[Notice], object] | None,
    ) -> None:
        self.source = source
        self._keep_open = keep_open
        self._conversation = Conversation(on_notice)
        first = [wire.SegmentVideoRequest(config=config)]
        first += [self._conversation.prompt(prompt, None) for prompt in prompts]
        self._outbox = _Outbox(first)
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._waiters = 0
        self._cancelled = False
        self._over = False
        self._error: MaskstreamError | None = None
        self._call = open_call(self._outbox)
        for work in (self._send, self._receive):
            threading.Thread(target=work, name=f"maskstream{work.__name__}", daemon=True).start()

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

    def prompt(self, prompt: Prompt) -> PromptFuture:
        """Sends an update; its future has the acknowledgement, or raises PromptRejected."""
        future = PromptFuture(self._attend)
        with self._changed:
            if self._over:
                reason = self._error or MaskstreamError("stream-over", "the stream is over")
                future.set_exception(reason)
                return future
            try:
                message = self._conversation.prompt(prompt, future)
            except MaskstreamError as error:
                future.set_exception(error)
                return future
        if not self._outbox.send(message):
            self._refuse_late(future)
        return future

    def end(self) -> None:
        """No more video and no more prompts; frames go on to their end."""
        self._keep_open = False
        self.source.close()
        self._outbox.end()

    def close(self) -> None:
        """Drops the stream at once. Calling it again does nothing."""
        with self._changed:
            if not self._over:
                self._cancelled = True
            self._changed.notify_all()
        self.source.close()
        self._outbox.end(drop=True)
        self._call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        with self._changed:
            while not (self._frames or self._over or self._conversation.refusals):
                # Until here prompts for held frames were taken; who comes here sends no more.
                if self._conversation.video_answered and not self._keep_open:
                    self._outbox.end()
                self._changed.wait()
            if self._conversation.refusals:
                raise self._conversation.refusals.pop(0)
            if self._frames:
                frame = self._frames.popleft()
                self._changed.notify_all()
            elif self._error is not None:
                raise self._error
            else:
                raise StopIteration
        frame.image = self.source.picture(frame)
        return frame

    def _send(self) -> None:
        try:
            for chunk in self.source.chunks():
                if not self._outbox.send_chunk(chunk_message(chunk)):
                    return
            self._outbox.send_chunk(wire.SegmentVideoRequest(end_of_video=wire.EndOfVideo()))
        except Exception as error:
            self._fail(source_error(error))
        finally:
            self.source.close()

    def _receive(self) -> None:
        try:
            for response in self._call:
                with self._changed:
                    frame = self._conversation.receive(response)
                    if frame is not None:
                        self._changed.wait_for(self._has_room)
                        self._frames.append(frame)
                    self._end_if_hopeless()
                    self._changed.notify_all()
            self._finish(None)
        except grpc.RpcError as error:
            self._finish(error)

    def _has_room(self) -> bool:
        return self._cancelled or self._waiters > 0 or len(self._frames) < _MAX_WAITING_FRAMES

    def _end_if_hopeless(self) -> None:
        """Whoever waits for a frame that does not come gets his answer at the end."""
        if self._waiters > 0 and not self._keep_open and self._conversation.awaits_no_frame:
            self._outbox.end()

    def _attend(self, more: int) -> None:
        with self._changed:
            self._waiters += more
            self._end_if_hopeless()
            self._changed.notify_all()

    def _finish(self, error: grpc.RpcError | None) -> None:
        with self._changed:
            if error is not None and self._error is None:
                self._error = call_failed(
                    error, summary=self._conversation.summary, cancelled=self._cancelled
                )
            self._over = True
            self._conversation.close(self._error)
            self._changed.notify_all()
        self._outbox.end(drop=True)
        self.source.close()

    def _fail(self, error: MaskstreamError) -> None:
        with self._changed:
            if self._over or self._cancelled:
                return
            self._error = error
        self._call.cancel()

    def _refuse_late(self, future: PromptFuture) -> None:
        with self._changed:
            if not future.done():
                message = "no more prompts are sent: the video has ended"
                future.set_exception(MaskstreamError("stream-over", message))


def chunk_message(chunk: Chunk) -> wire.SegmentVideoRequest:
    """The wire's form of a chunk."""
    message = wire.VideoChunk(data=chunk.data, random_access=chunk.random_access)
    if chunk.capture_timestamp_us is not None:
        message.capture_timestamp_us = chunk.capture_timestamp_us
    if chunk.ends_access_unit:
        message.ends_access_unit = True
    return wire.SegmentVideoRequest(chunk=message)


def source_error(error: Exception) -> MaskstreamError:
    """What the loop raises where the video cannot be read."""
    if isinstance(error, MaskstreamError):
        return error
    wrapped = MaskstreamError("unreadable-file", f"the source failed: {error!r}")
    wrapped.__cause__ = error
    return wrapped
