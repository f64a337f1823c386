"""Sources that need PyAV (`pip install maskstream[video]`): URLs, cameras and numpy pictures."""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import MaskstreamError
from .results import Frame
from .source import Chunk, Source

# Pictures that may wait for their answer: more would only be old.
_MAX_PICTURES = 64
_DEFAULT_FRAME_RATE = 30.0
_COPIED = {"h264": "h264-annex-b", "hevc": "hevc-annex-b", "mjpeg": "mjpeg"}
_ANNEX_B = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
# A camera that says nothing for ten seconds (FFmpeg counts in microseconds) is gone.
_RTSP_OPTIONS = {"rtsp_transport": "tcp", "timeout": "10000000"}


def load_av() -> Any:
    """PyAV. Raises `usage` that says how to get it."""
    try:
        import av
    except ImportError as error:
        message = "cameras, URLs and pictures need PyAV: pip install 'maskstream[video]'"
        raise MaskstreamError("usage", message) from error
    return av


class KeptPictures:
    """Pictures on their way, by capture time. Bounded: the oldest go, or the sender waits."""

    def __init__(self, *, waits: bool) -> None:
        self._waits = waits
        self._kept: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, time_us: int, picture: NDArray[np.uint8]) -> None:
        """Keeps a picture; waits for room where nothing may be lost."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or not self._waits or len(self._kept) < _MAX_PICTURES
            )
            self._kept[time_us] = picture
            while len(self._kept) > _MAX_PICTURES:
                self._kept.popitem(last=False)

    def take(self, time_us: int | None) -> NDArray[np.uint8] | None:
        """The picture of this time; older ones are forgotten."""
        with self._changed:
            if time_us not in self._kept:
                return None
            while True:
                key, picture = self._kept.popitem(last=False)
                if key == time_us:
                    self._changed.notify_all()
                    return picture

    def close(self) -> None:
        """Nobody waits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Encoder:
    """Pictures to H.264 without delay, one access unit a picture."""

    def __init__(self, width: int, height: int, frame_rate: float) -> None:
        av = load_av()
        self._av = av
        rate = Fraction(frame_rate).limit_denominator(1001)
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height = width, height
        # Half-size colour planes need even sides.
        is_even = width % 2 == 0 and height % 2 == 0
        context.pix_fmt = "yuv420p" if is_even else "yuv444p"
        context.framerate, context.time_base = rate, 1 / rate
        context.gop_size = max(1, round(frame_rate))
        context.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "20"}
        self._context = context
        self._count = 0

    def encode(self, frame: Any) -> tuple[bytes, bool]:
        """One picture's access unit, and whether decoding can begin there."""
        frame = frame.reformat(format=self._context.pix_fmt)
        frame.pts, frame.time_base = self._count, self._context.time_base
        frame.pict_type = 0
        self._count += 1
        packets = self._context.encode(frame)
        return b"".join(map(bytes, packets)), any(packet.is_keyframe for packet in packets)


class PictureKeepingSource(Source):
    """A source that hands out pictures beside the video, where they are asked for."""

    def __init__(self, *, images: bool, live: bool) -> None:
        self.is_live = live
        self._kept = KeptPictures(waits=not live) if images else None
        self._closed = False

    def picture(self, frame: Frame) -> NDArray[np.uint8] | None:
        """The picture of an answered frame, as it was given or decoded here."""
        return None if self._kept is None else self._kept.take(frame.capture_timestamp_us)

    def close(self) -> None:
        """Takes no more pictures; a device is let go when the packet under way has come."""
        self._closed = True
        if self._kept is not None:
            self._kept.close()


class PictureSource(PictureKeepingSource):
    """Numpy pictures [height, width, 3], encoded here."""

    container = "h264-annex-b"

    def __init__(
        self,
        pictures: Iterable[NDArray[np.uint8]],
        *,
        frame_rate: float | None,
        pixel_format: str,
        live: bool,
        images: bool,
    ) -> None:
        super().__init__(images=images, live=live)
        self.frame_rate = frame_rate or _DEFAULT_FRAME_RATE
        self._pictures = iter(pictures)
        self._pixel_format = pixel_format
        self._encoder: Encoder | None = None
        self._size = (0, 0)

    def open(self) -> None:
        """Takes the first picture, whose size is that of all. Raises `empty-stream`."""
        if self._encoder is not None:
            return
        first = next(self._pictures, None)
        if first is None:
            raise MaskstreamError("empty-stream", "expected pictures, got none")
        height, width = first.shape[:2]
        self._size = (height, width)
        self._encoder = Encoder(width, height, self.frame_rate or _DEFAULT_FRAME_RATE)
        self._pictures = chain([first], self._pictures)

    def chunks(self) -> Iterator[Chunk]:
        """One chunk a picture. Times are the clock's if live, else those of the frame rate."""
        self.open()
        av, encoder = load_av(), self._encoder
        assert encoder is not None and self.frame_rate
        for index, picture in enumerate(self._pictures):
            if self._closed:
                return
            if picture.shape[:2] != self._size:
                expected = f"{self._size[1]} x {self._size[0]}"
                got = f"{picture.shape[1]} x {picture.shape[0]}"
                raise MaskstreamError(
                    "size-mismatch", f"expected pictures of {expected}, got {got}"
                )
            time_us = _clock_us() if self.is_live else round(index * 1e6 / self.frame_rate)
            if self._kept is not None:
                self._kept.put(time_us, picture)
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(picture), format=self._pixel_format
            )
            data, is_key = encoder.encode(frame)
            yield Chunk(data, is_key, time_us, ends_access_unit=True)


class UrlSource(PictureKeepingSource):
    """A URL or device that FFmpeg reads.

    H.264, H.265 and MJPEG go out as they come; other codecs are encoded here.
    """

    def __init__(
        self,
        url: str,
        *,
        format: str | None,
        options: Mapping[str, str],
        frame_rate: float | None,
        pixel_format: str,
        images: bool,
        live: bool = True,
    ) -> None:
        super().__init__(images=images, live=live)
        self.url = url
        self.frame_rate = frame_rate
        self._format = format
        self._options = {**(_RTSP_OPTIONS if url.startswith("rtsp") else {}), **options}
        self._pixel_format = pixel_format
        self._input: Any = None
        self._stream: Any = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Connects. Raises `unreachable` or `undecodable-video`."""
        with self._lock:
            if self._input is not None:
                return
            av = load_av()
            try:
                self._input = av.open(self.url, format=self._format, options=self._options)
            except (av.FFmpegError, OSError) as error:
                raise MaskstreamError("unreachable", f"{self.url}: {error.strerror}") from error
            if not self._input.streams.video:
                raise MaskstreamError("undecodable-video", f"{self.url}: there is no video in it")
            self._stream = self._input.streams.video[0]
            self._is_copied = self._stream.codec_context.name in _COPIED
            codec = self._stream.codec_context.name if self._is_copied else "h264"
            self.container = _COPIED[codec]  # type: ignore[assignment]
            self.frame_rate = self.frame_rate or _said_rate(self._stream)

    def chunks(self) -> Iterator[Chunk]:
        """One chunk an access unit, from the first at which decoding can begin."""
        self.open()
        av = load_av()
        try:
            yield from self._copied(av) if self._is_copied else self._encoded()
        except av.FFmpegError as error:
            # A device or connection that goes away is the end of the video, unless we closed it.
            if not self._closed:
                raise MaskstreamError("connection-lost", f"{self.url}: {error.strerror}") from error
        finally:
            self._input.close()

    def _copied(self, av: Any) -> Iterator[Chunk]:
        name = _ANNEX_B.get(self._stream.codec_context.name)
        filter_ = None if name is None else av.BitStreamFilterContext(name, self._stream)
        clock = _PacketClock(self._stream.time_base)
        began = False
        headers = _parameter_sets(self._stream)
        for packet in self._input.demux(self._stream):
            if self._closed:
                return
            if packet.dts is None and packet.pts is None and packet.size == 0:
                continue
            began = began or packet.is_keyframe
            if not began:
                continue
            time_us = clock.time_us(packet.dts if packet.pts is None else packet.pts)
            if self._kept is not None:
                for frame in packet.decode():
                    self._keep(time_us if frame.pts is None else clock.time_us(frame.pts), frame)
            is_key = packet.is_keyframe
            units = [packet] if filter_ is None else filter_.filter(packet)
            data = b"".join(map(bytes, units))
            # Some cameras state their parameter sets in the SDP only.
            if is_key and headers and headers not in data:
                data = headers + data
            yield Chunk(data, is_key, time_us, ends_access_unit=True)

    def _encoded(self) -> Iterator[Chunk]:
        encoder: Encoder | None = None
        clock = _PacketClock(self._stream.time_base)
        for frame in self._input.decode(self._stream):
            if self._closed:
                return
            if encoder is None:
                assert self.frame_rate
                encoder = Encoder(frame.width, frame.height, self.frame_rate)
            time_us = clock.time_us(frame.pts)
            self._keep(time_us, frame)
            data, is_key = encoder.encode(frame)
            yield Chunk(data, is_key, time_us, ends_access_unit=True)

    def _keep(self, time_us: int, frame: Any) -> None:
        if self._kept is not None:
            self._kept.put(time_us, frame.to_ndarray(format=self._pixel_format))


class _PacketClock:
    """The time of a packet on this machine's clock: that of the first, and what it says since."""

    def __init__(self, time_base: Fraction) -> None:
        self._time_base = time_base
        self._first: int | None = None
        self._start_us = _clock_us()

    def time_us(self, pts: int | None) -> int:
        """Microseconds since 1970; now, where the packet does not say."""
        if pts is None:
            return _clock_us()
        if self._first is None:
            self._first, self._start_us = pts, _clock_us()
        return self._start_us + round((pts - self._first) * self._time_base * 1_000_000)


def _said_rate(stream: Any) -> float:
    """Frames a second; some cameras say the rate of their clock in its place."""
    said = float(stream.guessed_rate or stream.average_rate or 0)
    return said if 1 <= said <= 240 else _DEFAULT_FRAME_RATE


def _parameter_sets(stream: Any) -> bytes:
    """The headers of raw H.264 or HEVC that the stream states beside its packets."""
    extradata = bytes(stream.codec_context.extradata or b"")
    return extradata if extradata.startswith((b"\0\0\1", b"\0\0\0\1")) else b""


def camera_url(number: int) -> tuple[str, str]:
    """Device and FFmpeg's input format of a camera number."""
    if sys.platform == "linux":
        return f"/dev/video{number}", "v4l2"
    if sys.platform == "darwin":
        return str(number), "avfoundation"
    message = "camera numbers are for Linux and macOS; give the pictures of cv2.VideoCapture"
    raise MaskstreamError("usage", message)


def _clock_us() -> int:
    return time.time_ns() // 1000
