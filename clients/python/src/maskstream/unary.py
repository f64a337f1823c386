"""When a call of one question and one answer is asked again, and whom. It does not wait itself."""

from __future__ import annotations

import random
from collections.abc import Callable

import grpc

from .resume.back_off import pause_before
from .resume.end_rule import COME_AGAIN, NO_ROOM, CallEnd

_MOST_ATTEMPTS = 3
_FIRST_PAUSE_S = 0.1
_MOST_PAUSE_S = 5.0

# Without a code of the server's own: the call was cut off.
_CUT_OFF = {
    status.value[0]
    for status in (
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
    )
}
# A fault there: the same input may bring it again.
_TRY_ONCE = frozenset({"internal", "worker-died", "model-failed", "decoder-failed"})


class Attempts:
    """Three at most, or one for each server: each is asked at once, then in turns with pauses."""

    def __init__(self, servers: int, *, draw: Callable[[], float] = random.random) -> None:
        self._servers = servers
        self._draw = draw
        self._attempt = 0
        self._faults = 0
        # Of each server that said so: seconds from its refusal after which it is worth asking.
        self._hints: dict[int, float] = {}

    @property
    def server(self) -> int:
        """Number of the server to ask."""
        return self._attempt % self._servers

    def pause_after(self, end: CallEnd) -> float | None:
        """Seconds to wait before `server` is asked; None: the failure is the answer."""
        if end.retry_after is not None:
            self._hints[self.server] = end.retry_after
        self._attempt += 1
        if self._attempt >= max(_MOST_ATTEMPTS, self._servers) or not self._may_help(end):
            return None
        repeated = self._attempt - self._servers
        if repeated < 0:
            return 0.0
        pause = pause_before(
            repeated, first_s=_FIRST_PAUSE_S, most_s=_MOST_PAUSE_S, random=self._draw()
        )
        return self._hints.pop(self.server, 0.0) + pause

    def _may_help(self, end: CallEnd) -> bool:
        if end.error_code is None:
            return end.code in _CUT_OFF
        if end.error_code in _TRY_ONCE:
            self._faults += 1
            return self._faults == 1
        return end.error_code in COME_AGAIN or end.error_code in NO_ROOM
