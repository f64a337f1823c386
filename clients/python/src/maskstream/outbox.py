"""What waits to be sent on one call."""

from __future__ import annotations

from collections import deque

from .v1 import video_request_pb2 as wire

# Chunks that may wait for the connection: prompts pass them.
_MAX_WAITING_CHUNKS = 4


class Outbox:
    """Config and prompts first, then chunks and the end of the video. It does not wait itself."""

    def __init__(self) -> None:
        self._urgent: deque[wire.SegmentVideoRequest] = deque()
        self._in_turn: deque[wire.SegmentVideoRequest] = deque()
        self._ended = False

    @property
    def has_room(self) -> bool:
        """Whether whoever may wait should send now."""
        return self._ended or len(self._in_turn) < _MAX_WAITING_CHUNKS

    @property
    def is_ready(self) -> bool:
        """Whether `take` has an answer."""
        return self._ended or bool(self._urgent or self._in_turn)

    def put(self, request: wire.SegmentVideoRequest) -> None:
        """Sends it, or nothing once it has ended."""
        if self._ended:
            return
        is_urgent = request.WhichOneof("message") in ("config", "prompt")
        (self._urgent if is_urgent else self._in_turn).append(request)

    def take(self) -> wire.SegmentVideoRequest | None:
        """What goes next; None: nothing more."""
        waiting = self._urgent or self._in_turn
        return waiting.popleft() if waiting else None

    def end(self, *, drop: bool = False) -> None:
        """Half-closes after what waits, or at once."""
        self._ended = True
        if drop:
            self._urgent.clear()
            self._in_turn.clear()
