"""The access units of a video by their capture times, those that were sent last."""

from __future__ import annotations

from dataclasses import dataclass

# Units that are remembered: nine minutes at 30 a second.
_MAX_UNITS = 16_384
# As many before the newest answered one: no codec puts more out of order.
_MAX_REORDERED = 32


@dataclass(frozen=True)
class UnitPlace:
    """Where an access unit stands in its stream."""

    sent: int
    """Its number in the order in which units are sent, from 0."""
    shown: int
    """Its number in the order in which frames are shown: B-frames come behind what they need."""
    is_shared: bool
    """Other units carry its capture time; it is the first of them."""


class SentUnits:
    """Tells units by their capture times."""

    def __init__(self) -> None:
        # Group and capture time of each.
        self._units: list[tuple[int, int]] = []
        # So many came before the first of them.
        self._before = 0
        self._group = 0

    def __len__(self) -> int:
        """Units that were sent."""
        return self._before + len(self._units)

    def add(self, capture_us: int, *, starts_group: bool) -> None:
        """Notes the next one; `starts_group`: no unit before it is shown after it."""
        self._group += starts_group
        self._units.append((self._group, capture_us))
        if len(self._units) > _MAX_UNITS:
            self._forget_before(self._before + 1)

    def answered(self, unit: UnitPlace) -> None:
        """A frame was answered: those asked for from now on are shown after it."""
        self._forget_before(unit.sent - _MAX_REORDERED)

    def find(self, capture_us: int) -> UnitPlace | None:
        """The first unit with this capture time; None where none is known."""
        places = [at for at, (_, us) in enumerate(self._units) if us == capture_us]
        if not places:
            return None
        found = self._units[places[0]]
        # Groups are shown one after the other, the units of one in the order of their times.
        earlier = sum(unit < found for unit in self._units)
        return UnitPlace(self._before + places[0], self._before + earlier, len(places) > 1)

    def _forget_before(self, sent: int) -> None:
        if sent > self._before:
            del self._units[: sent - self._before]
            self._before = sent
