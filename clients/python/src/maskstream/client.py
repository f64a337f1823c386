"""`maskstream.connect`: the client for programs without asyncio."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import Any

import grpc

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
from .closing import Closing
from .config import MaskOptions, VideoOptions, stream_config
from .deadline import Deadline
from .errors import MaskstreamError, call_end, call_failed
from .image_request import Picture, image_request
from .opening import open as open_source
from .prompts import Prompt
from .results import ImageResult, Model, Notice
from .resume.options import ResumeOptions
from .source import Source
from .stream import VideoStream
from .stream_base import stream_calls
from .unary import Attempts
from .v1 import model_pb2
from .v1.segmentation_service_pb2_grpc import SegmentationServiceStub


def connect(
    address: str | Sequence[str],
    *,
    tls: Tls | bool = False,
    token: str | None = None,
    wait_for_ready: bool = False,
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
    resume: bool | ResumeOptions = True,
) -> Client:
    """A connection to `host:port`, opened by its first call.

    Of several addresses the first is asked first, and the others where it is not there or goes.
    `tls`: True trusts gRPC's own authorities. `token`: sent as `authorization: Bearer …`.
    `wait_for_ready`: calls wait for a server that is not there yet, or no longer, up to their own
    `timeout`; else they fail with `unreachable` where nobody answers. `resume`: how a video stream
    goes on where its server dies or goes away; False ends it with its first call.
    """
    options = channel_options(max_message_bytes)
    credentials = channel_credentials(tls)
    channels = [
        grpc.insecure_channel(one, options)
        if credentials is None
        else grpc.secure_channel(one, credentials, options)
        for one in addresses_of(address)
    ]
    call = {"metadata": call_metadata(token), "wait_for_ready": wait_for_ready}
    return Client(channels, call, resume_options(resume))


class Client(Closing):
    """A connection; close it when done, or use it in a `with`. Use `maskstream.connect`."""

    def __init__(
        self, channels: list[grpc.Channel], call: dict[str, Any], resume: ResumeOptions | None
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
        """Sends a video and gives its frames; `options` are the fields of `VideoOptions`.

        `source` is what `maskstream.open` gives, or the path of a file. `timeout` is in seconds, of
        the whole stream. Prompts are taken until the loop has had every frame; with `keep_open` it
        goes on to wait for corrections of held frames until `stream.end()`. `on_notice` is called
        by a thread of the stream.
        """
        video = source if isinstance(source, Source) else open_source(source)
        settings = VideoOptions(**options)
        video.open()
        try:
            stream = VideoStream(
                stream_calls(self._stubs, self._call, self._resume, timeout),
                stream_config(settings, video),
                video,
                prompts,
                keep_open=keep_open,
                on_notice=on_notice,
            )
        except MaskstreamError:
            video.close()
            raise
        self._streams.add(stream)
        return stream

    def segment_image(
        self,
        image: Picture,
        prompts: Iterable[Prompt],
        *,
        pixel_format: str = "bgr24",
        timeout: float | None = None,
        **options: Any,
    ) -> ImageResult:
        """Segments one picture: a path, the bytes of a file, or uint8 [height, width, 3].

        `pixel_format` is that of an array, `bgr24` or `rgb24`; `options` are the fields of
        `MaskOptions`. A refused prompt fails the call.
        """
        settings = MaskOptions(**options)
        request = image_request(image, prompts, pixel_format=pixel_format, options=settings)
        return results.image_result(self._ask("SegmentImage", request, timeout))

    def list_models(self, *, timeout: float | None = None) -> list[Model]:
        """The server's models, the default one first."""
        response = self._ask("ListModels", model_pb2.ListModelsRequest(), timeout)
        return [results.model(message) for message in response.models]

    def ready(self, *, timeout: float | None = None) -> None:
        """Returns when a server can be reached; raises `deadline-exceeded`."""
        is_ready = threading.Event()
        waiting = [grpc.channel_ready_future(channel) for channel in self._channels]
        for future in waiting:
            future.add_done_callback(lambda _: is_ready.set())
        reached = is_ready.wait(timeout)
        for future in waiting:
            future.cancel()
        if not reached:
            raise MaskstreamError("deadline-exceeded", "no server was reached in time")

    def close(self) -> None:
        """Drops the streams that are under way and the connection."""
        for stream in list(self._streams):
            stream.close()
        for channel in self._channels:
            channel.close()

    def _ask(self, method: str, request: Any, timeout: float | None) -> Any:
        """One question and its answer, tried again where that may help."""
        deadline = Deadline(timeout)
        attempts = Attempts(len(self._stubs))
        while True:
            ask = getattr(self._stubs[attempts.server], method)
            try:
                return ask(request, timeout=deadline.left(), **self._call)
            except grpc.RpcError as error:
                pause = attempts.pause_after(call_end(error))
                if pause is None or deadline.is_over:
                    raise call_failed(error) from error
            time.sleep(deadline.within(pause))
