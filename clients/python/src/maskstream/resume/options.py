"""Bounds of going on elsewhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ResumeOptions:
    """How a video stream goes on where its server dies or goes away."""

    max_kept_bytes: int = 8 * 1024 * 1024
    """Video that is kept: twenty seconds of 3 Mbit/s."""
    first_pause: float = 0.1
    """Seconds before an attempt, doubled with each one, drawn between half of it and all of it."""
    most_pause: float = 5.0
    """The longest pause, in seconds."""
    give_up_after: float = 60.0
    """Seconds without an answered frame after which the stream ends as its last call did."""


@dataclass(frozen=True)
class Resumed:
    """How a stream went on."""

    gap_frames: int | None
    """Frames that are never answered because their bytes were lost; None: not known."""
    away_s: float
    """Seconds between the end of one call and the first frame of the next."""
