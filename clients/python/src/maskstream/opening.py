"""`maskstream.open`: one door for files, URLs, cameras and pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from .av_source import PictureSource, UrlSource, camera_url
from .containers import Container
from .errors import MaskstreamError
from .source import FileSource, Source

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def open(
    source: str | PathLike[str] | int | Iterable[Any],
    *,
    container: Container | None = None,
    frame_rate: float | None = None,
    pixel_format: str = "bgr24",
    images: bool | None = None,
    live: bool | None = None,
    format: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Source:
    """Takes a path, a URL such as `rtsp://…`, a camera number, or numpy pictures.

    A file is sent as it is, and its form is told from its first bytes unless `container` says it.
    Everything else needs PyAV (`pip install maskstream[video]`): a URL or camera of H.264, H.265 or
    MJPEG is sent as it is, the rest and numpy pictures [height, width, 3] are encoded as H.264.

    `frame_rate`: frames a second, for pictures and raw video (default: what the source says, 30).
    `pixel_format`: of numpy pictures, given and got, as FFmpeg spells it; OpenCV's is `bgr24`.
    `images`: whether frames have their picture in `Frame.image`. Default: for cameras and pictures.
    `live`: whether it goes on when nobody reads. Default: for cameras and URLs.
    `format`, `options`: FFmpeg's input format and options, for a device or URL.
    """
    rest: dict[str, Any] = {"frame_rate": frame_rate, "pixel_format": pixel_format}
    if isinstance(source, int):
        url, camera_format = camera_url(source)
        return UrlSource(
            url,
            format=format or camera_format,
            options=options or {},
            images=images is not False,
            live=live is not False,
            **rest,
        )
    if isinstance(source, str | PathLike):
        name = str(source)
        if _URL.match(name) or format is not None:
            return UrlSource(
                name,
                format=format,
                options=options or {},
                images=images is True,
                live=live is not False,
                **rest,
            )
        if images:
            # Decoded here beside the server, so that each frame has its picture.
            return UrlSource(
                name,
                format=None,
                options=options or {},
                images=True,
                live=live is True,
                **rest,
            )
        return FileSource(Path(name), container=container, frame_rate=frame_rate)
    if isinstance(source, Iterable):
        pictures: Any = source
        return PictureSource(pictures, live=live is True, images=images is not False, **rest)
    message = f"expected a path, URL, camera number or pictures, got {type(source).__name__}"
    raise MaskstreamError("usage", message)
