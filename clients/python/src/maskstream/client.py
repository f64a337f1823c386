"""`maskstream.connect`: the client for programs without asyncio."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any

import grpc

from . import results
from .channel import (
    DEFAULT_MAX_MESSAGE_BYTES,
    Tls,
    call_metadata,
    channel_credentials,
    channel_options,
)
from .config import MaskOptions, VideoOptions, stream_config
from .errors import MaskstreamError, call_failed
from .image_request import Picture, image_request
from .opening import open as open_source
from .prompts import Prompt
from .results import ImageResult, Model, Notice
from .source import Source
from .stream import VideoStream
from .v1 import model_pb2
from .v1.segmentation_service_pb2_grpc import SegmentationServiceStub

if TYPE_CHECKING:
    from typing_extensions import Self


def connect(
    address: str,
    *,
    tls: Tls | bool = False,
    token: str | None = None,
    wait_for_ready: bool = False,
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
) -> Client:
    """A connection to `host:port`, opened by its first call.

    `tls`: True trusts gRPC's own authorities. `token`: sent as `authorization: Bearer …`.
    `wait_for_ready`: calls wait for a server that is not there yet, or no longer, up to their own
    `timeout`; else they fail at once with `unreachable`.
    """
    options = channel_options(max_message_bytes)
    credentials = channel_credentials(tls)
    if credentials is None:
        channel = grpc.insecure_channel(address, options)
    else:
        channel = grpc.secure_channel(address, credentials, options)
    return Client(channel, call_metadata(token), wait_for_ready=wait_for_ready)


class Client:
    """A connection; close it when done, or use it in a `with`. Use `maskstream.connect`."""

    def __init__(
        self, channel: grpc.Channel, metadata: list[tuple[str, str]], *, wait_for_ready: bool
    ) -> None:
        self._channel = channel
        self._stub = SegmentationServiceStub(channel)
        self._call = {"metadata": metadata, "wait_for_ready": wait_for_ready}
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
                lambda outbox: self._stub.SegmentVideo(outbox, timeout=timeout, **self._call),
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
        try:
            response = self._stub.SegmentImage(request, timeout=timeout, **self._call)
        except grpc.RpcError as error:
            raise call_failed(error) from error
        return results.image_result(response)

    def list_models(self, *, timeout: float | None = None) -> list[Model]:
        """The server's models, the default one first."""
        try:
            response = self._stub.ListModels(
                model_pb2.ListModelsRequest(), timeout=timeout, **self._call
            )
        except grpc.RpcError as error:
            raise call_failed(error) from error
        return [results.model(message) for message in response.models]

    def ready(self, *, timeout: float | None = None) -> None:
        """Returns when the server can be reached; raises `deadline-exceeded`."""
        try:
            grpc.channel_ready_future(self._channel).result(timeout)
        except grpc.FutureTimeoutError as error:
            raise MaskstreamError("deadline-exceeded", "no server was reached in time") from error

    def close(self) -> None:
        """Drops the streams that are under way and the connection."""
        for stream in list(self._streams):
            stream.close()
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
