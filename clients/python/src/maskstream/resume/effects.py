"""What a resuming call asks its owner to do, in order."""

from __future__ import annotations

from dataclasses import dataclass

from ..v1 import video_request_pb2, video_response_pb2
from .end_rule import CallEnd
from .options import Resumed

Request = video_request_pb2.SegmentVideoRequest
Response = video_response_pb2.SegmentVideoResponse


@dataclass(frozen=True)
class Open:
    """Open a call to the server with this number, the newest call from now on."""

    server: int


@dataclass(frozen=True)
class Send:
    """Send this on the newest call."""

    request: Request


@dataclass(frozen=True)
class HalfClose:
    """Send no more on the newest call."""


@dataclass(frozen=True)
class Cancel:
    """Drop the newest call; what still comes of it is nobody's."""


@dataclass(frozen=True)
class Deliver:
    """Hand this to the caller."""

    response: Response


@dataclass(frozen=True)
class Interrupted:
    """The call broke, or its server is going away: another one is looked for."""

    why: CallEnd | video_response_pb2.Notice


@dataclass(frozen=True)
class Pause:
    """Call `wake` so many seconds from now."""

    seconds: float


@dataclass(frozen=True)
class Rewind:
    """Send the video again from its start; what of it has not been sent is not sent."""


@dataclass(frozen=True)
class Ended:
    """The stream is over."""

    end: CallEnd


Effect = Open | Send | HalfClose | Cancel | Deliver | Interrupted | Resumed | Pause | Rewind | Ended
