"""How long a caller waits, over several calls."""

from __future__ import annotations

import time


class Deadline:
    """So many seconds from now; None: for ever."""

    def __init__(self, timeout: float | None) -> None:
        self._at = None if timeout is None else time.monotonic() + timeout

    def left(self) -> float | None:
        """Seconds until then, 0 at least: gRPC's `timeout`."""
        return None if self._at is None else max(0.0, self._at - time.monotonic())

    def within(self, seconds: float) -> float:
        """So many seconds, or as many as are left."""
        left = self.left()
        return seconds if left is None else min(seconds, left)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.left() == 0
