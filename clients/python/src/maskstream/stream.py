"""A video on its way, for programs without asyncio."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future

import grpc

from .closing import Closing
from .errors import MaskstreamError
from .outbox import Outbox
from .prompts import Prompt
from .results import Ack, Frame, Notice
from .source import Source
from .stream_base import Calls, StreamBase, source_error
from .v1 import video_request_pb2 as wire


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


class VideoStream(StreamBase, Closing):
    """One video on its way: iterate it for its frames.

    Leaving the loop early does not end it: close it, or use it in a `with`. A refused prompt of
    those given with the call is raised by the loop, which may be entered again; others are raised
    by their futures. A failed call is raised by the loop after the frames that came. Where its
    server dies or goes away the stream goes on at the next one, and the first frame after that has
    `resumed` set.
    """

    def __init__(
        self,
        calls: Calls,
        config: wire.StreamConfig,
        source: Source,
        prompts: Iterable[Prompt],
        *,
        keep_open: bool,
        on_notice: Callable[[Notice], object] | None,
    ) -> None:
        super().__init__(calls, source, keep_open=keep_open, on_notice=on_notice)
        first = [self._conversation.prompt(prompt, None) for prompt in prompts]
        # Everything of a stream is done under one lock.
        self._changed = threading.Condition()
        self._waiters = 0
        with self._changed:
            self._start(config)
            assert self._machine is not None
            for request in first:
                self._do(self._machine.send(request))
        for work in (self._send, self._receive):
            threading.Thread(target=work, name=f"maskstream{work.__name__}", daemon=True).start()

    def prompt(self, prompt: Prompt) -> PromptFuture:
        """Sends an update; its future has the acknowledgement, or raises PromptRejected."""
        future = PromptFuture(self._attend)
        with self._changed:
            try:
                if self._over or self._no_more or self._machine is None:
                    message = "no more prompts are sent: the stream is over"
                    raise self._error or MaskstreamError("stream-over", message)
                request = self._conversation.prompt(prompt, future)
                self._do(self._machine.send(request))
            except MaskstreamError as error:
                future.set_exception(error)
        return future

    def end(self) -> None:
        """No more video and no more prompts; frames go on to their end."""
        with self._changed:
            self._end_video()

    def close(self) -> None:
        """Drops the stream at once. Calling it again does nothing."""
        with self._changed:
            self._cancelled = self._cancelled or not self._over
            self._drop()
        self.source.close()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        with self._changed:
            while not (self._frames or self._over or self._conversation.refusals):
                # Until here prompts for held frames were taken; who comes here sends no more.
                if self._conversation.video_answered and not self._keep_open:
                    self._half_close()
                self._changed.wait()
            if self._conversation.refusals:
                raise self._conversation.refusals.pop(0)
            if self._frames:
                frame = self._frames.popleft()
                self._notify()
            elif self._error is not None:
                raise self._error
            else:
                raise StopIteration
        frame.image = self.source.picture(frame)
        return frame

    def _requests(self, outbox: Outbox) -> Iterator[wire.SegmentVideoRequest]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: outbox.is_ready)
                request = outbox.take()
                self._notify()
            if request is None:
                return
            yield request

    def _notify(self) -> None:
        self._changed.notify_all()

    def _send(self) -> None:
        try:
            while self._send_pass(self._rewinds):
                pass
        except Exception as error:
            self._fail(source_error(error))
        finally:
            self.source.close()

    def _send_pass(self, pass_: int) -> bool:
        """Sends the video once; True where it has to be sent again."""
        for request in self._video_requests():
            with self._changed:
                self._changed.wait_for(lambda: self._may_send(pass_))
                if not self._send_request(request, pass_):
                    break
        with self._changed:
            self._end_pass(pass_)
            self._changed.wait_for(lambda: not self._needs_source() or self._rewinds != pass_)
            return self._needs_source()

    def _receive(self) -> None:
        try:
            self._receive_calls()
        except Exception as error:
            # Of the caller's `on_notice`, say: nobody would wake who waits for frames.
            with self._changed:
                self._give_up(error)

    def _receive_calls(self) -> None:
        while not self._over:
            failure: grpc.RpcError | None = None
            try:
                for response in self._call:
                    with self._changed:
                        self._changed.wait_for(self._has_frame_room)
                        assert self._machine is not None
                        self._do(self._machine.receive(response))
                        self._end_if_hopeless()
                        if self._state != "streaming":
                            break
            except grpc.RpcError as error:
                failure = error
            with self._changed:
                self._close_call(failure)
                if not self._over:
                    self._changed.wait_for(lambda: self._state == "over", self._pause)
                    self._wake()

    def _has_frame_room(self) -> bool:
        return self._waiters > 0 or super()._has_frame_room()

    def _end_if_hopeless(self) -> None:
        """Whoever waits for a frame that does not come gets his answer at the end."""
        if self._waiters > 0 and not self._keep_open and self._conversation.awaits_no_frame:
            self._half_close()

    def _attend(self, more: int) -> None:
        with self._changed:
            self._waiters += more
            self._end_if_hopeless()
            self._notify()

    def _fail(self, error: MaskstreamError) -> None:
        with self._changed:
            if self._over or self._cancelled:
                return
            self._error = error
            self._drop()
