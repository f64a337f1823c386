"""Where video comes from: a file as it is, or a camera, a URL or pictures through PyAV."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .closing import Closing
from .containers import DETECTION_BYTES, Container, detect_container
from .errors import MaskstreamError
from .results import Frame

if TYPE_CHECKING:
    from typing_extensions import Self

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Chunk:
    """The next encoded bytes. The fields beside `data` are for a chunk that is one access unit."""

    data: bytes
    random_access: bool = False
    """Decoding can begin here."""
    capture_timestamp_us: int | None = None
    """The source's clock at capture; comes back with the frame."""
    ends_access_unit: bool = False
    """Nothing that follows belongs to this unit: its frame is answered a frame earlier."""


class Source(Closing):
    """One video. Opened by its first use, closed by the stream that it was given to."""

    container: Container
    """Known once it is open."""
    is_live = False
    """Whether it goes on when nobody reads: then the newest frame wins."""
    frame_rate: float | None = None
    """Frames a second where they have to be said."""
    rewinds = False
    """Whether `chunks` gives the same video again, from its start, each time it is called."""

    @abstractmethod
    def open(self) -> None:
        """Finds out what it is; may wait for a camera. Calling it again does nothing."""

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """The encoded video from here on; ends where the video ends."""

    def picture(self, frame: Frame) -> NDArray[np.uint8] | None:
        """The picture of an answered frame, where the source keeps pictures."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Lets go of files and devices; `chunks` ends soon. May be called from any thread."""

    def __enter__(self) -> Self:
        self.open()
        return self


class FileSource(Source):
    """A file, sent as it is."""

    def __init__(
        self, path: Path, *, container: Container | None, frame_rate: float | None
    ) -> None:
        self.path = path
        self.frame_rate = frame_rate
        self._declared = container
        # Of what cannot be read twice, such as a pipe: what was read to know it, and the rest.
        self._head = b""
        self._rest: BinaryIO | None = None
        self._opened = False
        self._closed = False

    def open(self) -> None:
        """Reads the first bytes. Raises `unreadable-file` or `undecodable-video`."""
        if self._opened:
            return
        file = self._open_file()
        head = file.read(DETECTION_BYTES)
        container = self._declared or detect_container(head)
        self.rewinds = self.path.is_file()
        if self.rewinds or container is None:
            file.close()
        else:
            self._head, self._rest = head, file
        if container is None:
            message = f"{self.path}: expected a video, got bytes {head[:8].hex()}"
            raise MaskstreamError("undecodable-video", message)
        self.container = container
        self._opened = True

    def chunks(self) -> Iterator[Chunk]:
        """The file's bytes."""
        self.open()
        if self._head:
            yield Chunk(self._head)
        with self._rest or self._open_file() as file:
            while not self._closed and (data := file.read(_CHUNK_BYTES)):
                yield Chunk(data)

    def close(self) -> None:
        """Reads no more."""
        self._closed = True
        if self._rest is not None:
            self._rest.close()

    def _open_file(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise MaskstreamError("unreadable-file", f"{self.path}: {error.strerror}") from error
