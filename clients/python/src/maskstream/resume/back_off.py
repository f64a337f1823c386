"""Pauses between attempts."""

from __future__ import annotations


def pause_before(attempt: int, *, first_s: float, most_s: float, random: float) -> float:
    """Seconds to wait before an attempt (0: the first one), doubling up to `most_s`.

    Drawn between half of that and all of it by `random`, 0..1, so that clients which a dead server
    left do not all come back at one time.
    """
    whole_s = min(most_s, first_s * float(2 ** min(attempt, 30)))
    return whole_s * (0.5 + random / 2)
