"""The client for programs with asyncio: the names of `maskstream`, as coroutines."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from . import results
from .channel import (
    DEFAULT_MAX_MESSAGE_BYTES,
    Tls,
    call_metadata,
    channel_credentials,
    channel_options,
)
from .config import MaskOptions, VideoOptions, stream_config
from .conversation import Conversation
from .errors import CallFailed, MaskstreamError, PromptRejected, call_failed
from .image_request import Picture, image_request
from .opening import open
from .prompts import Prompt, box, mask, point, points, remove, text
from .results import Ack, Frame, ImageResult, Model, Notice, StreamInfo, Summary
from .source import Source
from .stream import chunk_message, source_error
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

# Answers that may wait to be taken before the server has to.
_MAX_WAITING_FRAMES = 64


def connect(
    address: str,
    *,
    tls: Tls | bool = False,
    token: str | None = None,
    wait_for_ready: bool = False,
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
) -> Client:
    """As `maskstream.connect`; call it within a running loop."""
    options = channel_options(max_message_bytes)
    credentials = channel_credentials(tls)
    if credentials is None:
        channel = grpc.aio.insecure_channel(address, options)
    else:
        channel = grpc.aio.secure_channel(address, credentials, options)
    return Client(channel, call_metadata(token), wait_for_ready=wait_for_ready)


class VideoStream:
    """One video on its way: `async for` gives its frames. See `maskstream.VideoStream`."""

    def __init__(
        self,
        call: Any,
        options: VideoOptions,
        source: Source,
        prompts: Iterable[Prompt],
        *,
        keep_open: bool,
        on_notice: Callable[[Notice], object] | None,
    ) -> None:
        self.source = source
        self._keep_open = keep_open
        self._call = call
        self._conversation = Conversation(on_notice)
        self._options = options
        self._urgent = deque(self._conversation.prompt(prompt, None) for prompt in prompts)
        self._configured = False
        self._writing = asyncio.Lock()
        self._ended = False
        self._frames: deque[Frame] = deque()
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()
        self._cancelled = False
        self._over = False
        self._error: MaskstreamError | None = None
        self._reader = ThreadPoolExecutor(1, "maskstream_source")
        self._tasks = {
            asyncio.create_task(self._send()),
            asyncio.create_task(self._receive()),
        }
        for task in self._tasks:
            task.add_done_callback(self._tasks.discard)

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

    def prompt(self, prompt: Prompt) -> asyncio.Future[Ack]:
        """Sends an update; awaiting it gives the acknowledgement or raises PromptRejected."""
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        try:
            if self._over or self._ended:
                reason = self._error or MaskstreamError("stream-over", "the stream is over")
                raise reason
            self._urgent.append(self._conversation.prompt(prompt, future))
        except MaskstreamError as error:
            future.set_exception(error)
            return future
        self._start(self._flush())
        # Whoever awaits it may be who should take frames, so they are held for him meanwhile.
        self._taken.set()
        return future

    async def end(self) -> None:
        """No more video and no more prompts; frames go on to their end."""
        self._keep_open = False
        self.source.close()
        await self._half_close()

    async def close(self) -> None:
        """Drops the stream at once. Calling it again does nothing."""
        if not self._over:
            self._cancelled = True
        self.source.close()
        self._call.cancel()
        self._taken.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._reader.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __await__(self) -> Generator[Any, None, Self]:
        """`await client.segment(…)` gives the stream, too."""
        yield from ()
        return self

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self

    async def __anext__(self) -> Frame:
        while not (self._frames or self._over or self._conversation.refusals):
            # Until here prompts for held frames were taken; who comes here sends no more.
            if self._conversation.video_answered and not self._keep_open:
                await self._half_close()
            self._changed.clear()
            await self._changed.wait()
        if self._conversation.refusals:
            raise self._conversation.refusals.pop(0)
        if self._frames:
            frame = self._frames.popleft()
            self._taken.set()
            frame.image = self.source.picture(frame)
            return frame
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            # Opening and reading may wait for a camera, so they have a thread of their own.
            await loop.run_in_executor(self._reader, self.source.open)
            config = stream_config(self._options, self.source)
            async with self._writing:
                await self._call.write(wire.SegmentVideoRequest(config=config))
                self._configured = True
            await self._flush()
            chunks = self.source.chunks()
            while (
                chunk := await loop.run_in_executor(self._reader, next, chunks, None)
            ) is not None:
                async with self._writing:
                    await self._call.write(chunk_message(chunk))
            async with self._writing:
                if not self._ended:
                    end = wire.SegmentVideoRequest(end_of_video=wire.EndOfVideo())
                    await self._call.write(end)
        except (grpc.RpcError, asyncio.CancelledError, asyncio.InvalidStateError):
            pass  # the receiving side says why
        except Exception as error:
            if not self._over and not self._cancelled:
                self._error = source_error(error)
                self._call.cancel()
        finally:
            self.source.close()

    async def _flush(self) -> None:
        """Sends config and prompts, before the chunk that comes next."""
        async with self._writing:
            while self._configured and self._urgent:
                await self._call.write(self._urgent.popleft())

    async def _half_close(self) -> None:
        if self._ended:
            return
        self._ended = True
        try:
            await self._flush()
            async with self._writing:
                await self._call.done_writing()
        except (grpc.RpcError, asyncio.InvalidStateError):
            pass  # the receiving side says why

    async def _receive(self) -> None:
        failure: grpc.RpcError | None = None
        try:
            async for response in self._call:
                frame = self._conversation.receive(response)
                if frame is not None:
                    await self._room()
                    self._frames.append(frame)
                if not self._keep_open and self._conversation.awaits_no_frame:
                    await self._half_close()
                self._changed.set()
        except grpc.RpcError as error:
            failure = error
        except asyncio.CancelledError:
            # Of our own cancelling gRPC makes this one; what was raised before says why.
            closed = CallFailed("cancelled", "the stream was closed", status="CANCELLED")
            self._error = self._error or closed
        if failure is not None and self._error is None:
            self._error = call_failed(
                failure, summary=self._conversation.summary, cancelled=self._cancelled
            )
        self._over = True
        self._conversation.close(self._error)
        self._changed.set()
        self.source.close()
        self._reader.shutdown(wait=False)

    async def _room(self) -> None:
        while (
            len(self._frames) >= _MAX_WAITING_FRAMES
            and not self._cancelled
            and not self._conversation.is_awaited
        ):
            self._taken.clear()
            await self._taken.wait()

    def _start(self, work: Any) -> None:
        async def quietly() -> None:
            # The receiving side says why.
            with suppress(grpc.RpcError, asyncio.InvalidStateError):
                await work

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Client:
    """A connection; close it when done, or use it in an `async with`."""

    def __init__(
        self, channel: grpc.aio.Channel, metadata: list[tuple[str, str]], *, wait_for_ready: bool
    ) -> None:
        self._channel = channel
        self._stub = SegmentationServiceStub(channel)
        self._call = {"metadata": metadata, "wait_for_ready": wait_for_ready}

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
        return VideoStream(
            self._stub.SegmentVideo(timeout=timeout, **self._call),
            VideoOptions(**options),
            source if isinstance(source, Source) else open(source),
            prompts,
            keep_open=keep_open,
            on_notice=on_notice,
        )

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
        try:
            response = await self._stub.SegmentImage(request, timeout=timeout, **self._call)
        except grpc.RpcError as error:
            raise call_failed(error) from error
        return results.image_result(response)

    async def list_models(self, *, timeout: float | None = None) -> list[Model]:
        """The server's models, the default one first."""
        request = model_pb2.ListModelsRequest()
        try:
            response = await self._stub.ListModels(request, timeout=timeout, **self._call)
        except grpc.RpcError as error:
            raise call_failed(error) from error
        return [results.model(message) for message in response.models]

    async def ready(self, *, timeout: float | None = None) -> None:
        """Returns when the server can be reached; raises `deadline-exceeded`."""
        try:
            await asyncio.wait_for(self._channel.channel_ready(), timeout)
        except asyncio.TimeoutError as error:
            raise MaskstreamError("deadline-exceeded", "no server was reached in time") from error

    async def close(self) -> None:
        """Drops the streams that are under way and the connection."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
