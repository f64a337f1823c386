"""Which server is asked next, after which pause, and for how long."""

from __future__ import annotations

from collections.abc import Callable

from .back_off import pause_before
from .options import ResumeOptions


class ServerTurns:
    """The turns of the servers, and the patience of a stream without an answer."""

    def __init__(
        self,
        servers: int,
        options: ResumeOptions,
        *,
        now: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self._servers = servers
        self._options = options
        self._now = now
        self._draw = draw
        self._turn = 0
        # Calls that broke since the last answered frame.
        self._attempt = 0
        # Of each server that said so: when it may be asked again.
        self._not_before: dict[int, float] = {}
        self._broke_at = now()
        self.is_resuming = False
        """No frame has come since the last interruption."""

    @property
    def current(self) -> int:
        """Number of the server whose turn it is."""
        return self._turn % self._servers

    def may_go_on(self, *, has_begun: bool) -> bool:
        """Whether another call is worth while.

        One that never began is not waited for: each server is asked once.
        """
        if not has_begun:
            return self._attempt + 1 < self._servers
        return not (self.is_resuming and self._away >= self._options.give_up_after)

    def next(self, *, has_begun: bool, retry_after: float | None) -> float:
        """The call broke, or its server is going away: it is the next one's turn.

        `retry_after`: what the server said of the next time, in seconds. Returns the seconds to
        wait before the next one is asked.
        """
        if not self.is_resuming:
            self._broke_at = self._now()
        self.is_resuming = True
        if retry_after is not None:
            self._not_before[self.current] = self._now() + retry_after
        self._turn += 1
        hinted = self._not_before.get(self.current, 0.0) - self._now()
        pause = 0.0
        if has_begun:
            first_s, most_s = self._options.first_pause, self._options.most_pause
            draw = self._draw()
            pause = pause_before(self._attempt, first_s=first_s, most_s=most_s, random=draw)
        self._attempt += 1
        # Behind the hint, so that those who got the same one do not come back at one time.
        return max(0.0, hinted) + pause

    def answered(self) -> float:
        """A new frame came. Returns for how many seconds none did."""
        self.is_resuming = False
        self._attempt = 0
        return self._away

    @property
    def _away(self) -> float:
        return self._now() - self._broke_at
