"""Where video comes from: a file as it is, or a camera, a URL or pictures through PyAV."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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


class Source(ABC):
    """One video. Opened by its first use, closed by the stream that it was given to."""

    container: Container
    """Known once it is open."""
    is_live = False
    """Whether it goes on when nobody reads: then the newest frame wins."""
    frame_rate: float | None = None
    """Frames a second where they have to be said."""

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class FileSource(Source):
    """A file, sent as it is."""

    def __init__(
        self, path: Path, *, container: Container | None, frame_rate: float | None
    ) -> None:
        self.path = path
        self.frame_rate = frame_rate
        self._declared = container
        self._file: Any = None

    def open(self) -> None:
        """Reads the first bytes. Raises `unreadable-file` or `undecodable-video`."""
        if self._file is not None:
            return
        try:
            with self.path.open("rb") as file:
                head = file.read(DETECTION_BYTES)
            self._file = self.path.open("rb")
        except OSError as error:
            raise MaskstreamError("unreadable-file", f"{self.path}: {error.strerror}") from error
        container = self._declared or detect_container(head)
        if container is None:
            self._file.close()
            message = f"{self.path}: expected a video, got bytes {head[:8].hex()}"
            raise MaskstreamError("undecodable-video", message)
        self.container = container

    def chunks(self) -> Iterator[Chunk]:
        """The file's bytes."""
        self.open()
        file = self._file
        while not file.closed and (data := file.read(_CHUNK_BYTES)):
            yield Chunk(data)

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
