"""The client for programs with asyncio: the names of `maskstream`, as coroutines."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from . import results
from .channel import (
    DEFAULT_MAX_MESSAGE_BYTES,
    Tls,
    addresses_of,
    call_metadata,
    channel_credentials,
    channel_options,
    resume_options,
)
from .closing import AsyncClosing
from .config import MaskOptions, VideoOptions, stream_config
from .deadline import Deadline
from .errors import CallFailed, MaskstreamError, PromptRejected, call_end, call_failed
from .image_request import Picture, image_request
from .opening import open
from .outbox import Outbox
from .prompts import Prompt, box, mask, point, points, remove, text
from .results import Ack, Frame, ImageResult, Model, Notice
from .resume.options import Resumed, ResumeOptions
from .source import Source
from .stream_base import Calls, StreamBase, source_error, stream_calls
from .unary import Attempts
from .v1 import model_pb2
from .v1 import video_request_pb2 as wire
from .v1.segmentation_service_pb2_grpc import SegmentationServiceStub

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "CallFailed",
    "Client",
    "MaskstreamError",
    "Prompt",
    "PromptRejected",
    "ResumeOptions",
    "Resumed",
    "Tls",
    "VideoStream",
    "box",
    "connect",
    "mask",
    "open",
    "point",
    "points",
    "remove",
    "text",
]


def connect(
    address: str | Sequence[str],
    *,
    tls: Tls | bool = False,
    token: str | None = None,
    wait_for_ready: bool = False,
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
    resume: bool | ResumeOptions = True,
) -> Client:
    """As `maskstream.connect`; call it within a running loop."""
    options = channel_options(max_message_bytes)
    credentials = channel_credentials(tls)
    channels = [
        grpc.aio.insecure_channel(one, options)
        if credentials is None
        else grpc.aio.secure_channel(one, credentials, options)
        for one in addresses_of(address)
    ]
    call = {"metadata": call_metadata(token), "wait_for_ready": wait_for_ready}
    return Client(channels, call, resume_options(resume))


class _Changes:
    """Wakes who waits within one loop."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Everybody looks again."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def wait_for(self, is_so: Callable[[], bool], timeout: float | None = None) -> None:
        """Waits until it is so, or that long."""
        deadline = Deadline(timeout)
        while not (is_so() or deadline.is_over):
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.add(waiting)
            try:
                await asyncio.wait([waiting], timeout=deadline.left())
            finally:
                self._waiting.discard(waiting)


class VideoStream(StreamBase, AsyncClosing):
    """One video on its way: `async for` gives its frames. See `maskstream.VideoStream`."""

    def __init__(
        self,
        calls: Calls,
        options: VideoOptions,
        source: Source,
        prompts: Iterable[Prompt],
        *,
        keep_open: bool,
        on_notice: Callable[[Notice], object] | None,
    ) -> None:
        super().__init__(calls, source, keep_open=keep_open, on_notice=on_notice)
        self._options = options
        # Until the source is open, and with it the call.
        self._early = [self._conversation.prompt(prompt, None) for prompt in prompts]
        self._changed = _Changes()
        # Opening and reading may wait for a camera, so they have a thread of their own.
        self._reader = ThreadPoolExecutor(1, "maskstream_source")
        self._tasks = [asyncio.create_task(work) for work in (self._send(), self._receive())]

    def prompt(self, prompt: Prompt) -> asyncio.Future[Ack]:
        """Sends an update; awaiting it gives the acknowledgement or raises PromptRejected."""
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        try:
            if self._over or self._no_more:
                message = "no more prompts are sent: the stream is over"
                raise self._error or MaskstreamError("stream-over", message)
            request = self._conversation.prompt(prompt, future)
            if self._machine is None:
                self._early.append(request)
            else:
                self._do(self._machine.send(request))
        except MaskstreamError as error:
            future.set_exception(error)
        # Whoever awaits it may be who should take frames, so they are held for him meanwhile.
        self._notify()
        return future

    async def end(self) -> None:
        """No more video and no more prompts; frames go on to their end."""
        self._end_video()

    async def close(self) -> None:
        """Drops the stream at once. Calling it again does nothing."""
        self._cancelled = self._cancelled or not self._over
        self._drop()
        self.source.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def __await__(self) -> Generator[Any, None, Self]:
        """`await client.segment(…)` gives the stream, too."""
        yield from ()
        return self

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self

    async def __anext__(self) -> Frame:
        while not self._has_answer():
            # Until here prompts for held frames were taken; who comes here sends no more.
            if self._conversation.video_answered and not self._keep_open:
                self._half_close()
            await self._changed.wait_for(lambda: self._has_answer() or self._may_half_close())
        if self._conversation.refusals:
            raise self._conversation.refusals.pop(0)
        if self._frames:
            frame = self._frames.popleft()
            self._notify()
            frame.image = self.source.picture(frame)
            return frame
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    def _has_answer(self) -> bool:
        return bool(self._frames or self._over or self._conversation.refusals)

    def _may_half_close(self) -> bool:
        return self._conversation.video_answered and not self._keep_open and not self._no_more

    async def _requests(self, outbox: Outbox) -> AsyncIterator[wire.SegmentVideoRequest]:
        while True:
            await self._changed.wait_for(lambda: outbox.is_ready)
            request = outbox.take()
            self._notify()
            if request is None:
                return
            yield request

    def _notify(self) -> None:
        self._changed.notify()

    async def _send(self) -> None:
        try:
            await self._read(self.source.open)
            if self._cancelled:
                return
            self._start(stream_config(self._options, self.source))
            assert self._machine is not None
            for request in self._early:
                self._do(self._machine.send(request))
            while await self._send_pass(self._rewinds):
                pass
        except Exception as error:
            if not self._over and not self._cancelled:
                self._error = source_error(error)
                self._drop()
        finally:
            self.source.close()
            self._reader.shutdown(wait=False)

    async def _send_pass(self, pass_: int) -> bool:
        """Sends the video once; True where it has to be sent again."""
        requests = self._video_requests()
        while (request := await self._read(next, requests, None)) is not None:
            await self._changed.wait_for(lambda: self._may_send(pass_))
            if not self._send_request(request, pass_):
                break
        self._end_pass(pass_)
        await self._changed.wait_for(lambda: not self._needs_source() or self._rewinds != pass_)
        return self._needs_source()

    def _read(self, work: Callable[..., Any], *words: Any) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._reader, work, *words)

    async def _receive(self) -> None:
        try:
            await self._receive_calls()
        except Exception as error:
            # Of the caller's `on_notice`, say: nobody would wake who waits for frames.
            self._give_up(error)

    async def _receive_calls(self) -> None:
        await self._changed.wait_for(lambda: self._call is not None or self._state == "over")
        while not self._over:
            self._close_call(await self._receive_call() if self._call is not None else None)
            if not self._over:
                await self._changed.wait_for(lambda: self._state == "over", self._pause)
                self._wake()

    async def _receive_call(self) -> grpc.RpcError | None:
        """Takes what one call answers; gives why it failed."""
        assert self._machine is not None
        try:
            async for response in self._call:
                await self._changed.wait_for(self._has_frame_room)
                self._do(self._machine.receive(response))
                if not self._keep_open and self._conversation.awaits_no_frame:
                    self._half_close()
                if self._state != "streaming":
                    break
        except grpc.RpcError as error:
            return error
        except asyncio.CancelledError:
            # Of our own cancelling gRPC makes this one; else it is the task's.
            if self._state != "over":
                self._drop()
                self._close_call(None)
                raise
        return None

    def _has_frame_room(self) -> bool:
        return self._conversation.is_awaited or super()._has_frame_room()


class Client(AsyncClosing):
    """A connection; close it when done, or use it in an `async with`."""

    def __init__(
        self, channels: list[grpc.aio.Channel], call: dict[str, Any], resume: ResumeOptions | None
    ) -> None:
        self._channels = channels
        self._stubs = [SegmentationServiceStub(channel) for channel in channels]
        self._call = call
        self._resume = resume
        self._streams: weakref.WeakSet[VideoStream] = weakref.WeakSet()

    def segment(
        self,
        source: Source | str | PathLike[str],
        prompts: Iterable[Prompt] = (),
        *,
        keep_open: bool = False,
        on_notice: Callable[[Notice], object] | None = None,
        timeout: float | None = None,
        **options: Any,
    ) -> VideoStream:
        """As `maskstream.Client.segment`; what is wrong with the source is raised by the loop."""
        stream = VideoStream(
            stream_calls(self._stubs, self._call, self._resume, timeout),
            VideoOptions(**options),
            source if isinstance(source, Source) else open(source),
            prompts,
            keep_open=keep_open,
            on_notice=on_notice,
        )
        self._streams.add(stream)
        return stream

    async def segment_image(
        self,
        image: Picture,
        prompts: Iterable[Prompt],
        *,
        pixel_format: str = "bgr24",
        timeout: float | None = None,
        **options: Any,
    ) -> ImageResult:
        """As `maskstream.Client.segment_image`."""
        settings = MaskOptions(**options)
        request = image_request(image, prompts, pixel_format=pixel_format, options=settings)
        return results.image_result(await self._ask("SegmentImage", request, timeout))

    async def list_models(self, *, timeout: float | None = None) -> list[Model]:
        """The server's models, the default one first."""
        response = await self._ask("ListModels", model_pb2.ListModelsRequest(), timeout)
        return [results.model(message) for message in response.models]

    async def ready(self, *, timeout: float | None = None) -> None:
        """Returns when a server can be reached; raises `deadline-exceeded`."""
        waiting = [asyncio.ensure_future(channel.channel_ready()) for channel in self._channels]
        first = asyncio.FIRST_COMPLETED
        done, late = await asyncio.wait(waiting, timeout=timeout, return_when=first)
        for future in late:
            future.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if not done:
            raise MaskstreamError("deadline-exceeded", "no server was reached in time")

    async def close(self) -> None:
        """Drops the streams that are under way and the connection."""
        for stream in list(self._streams):
            await stream.close()
        for channel in self._channels:
            await channel.close()

    async def _ask(self, method: str, request: Any, timeout: float | None) -> Any:
        """One question and its answer, tried again where that may help."""
        deadline = Deadline(timeout)
        attempts = Attempts(len(self._stubs))
        while True:
            ask = getattr(self._stubs[attempts.server], method)
            try:
                return await ask(request, timeout=deadline.left(), **self._call)
            except grpc.RpcError as error:
                pause = attempts.pause_after(call_end(error))
                if pause is None or deadline.is_over:
                    raise call_failed(error) from error
            await asyncio.sleep(deadline.within(pause))
