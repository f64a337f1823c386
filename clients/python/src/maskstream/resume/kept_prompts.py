"""The updates whose effect has not reached the caller."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from ..v1 import video_request_pb2, video_response_pb2
from .kept_searches import KeptSearches

PromptUpdate = video_request_pb2.PromptUpdate


@dataclass
class _KeptPrompt:
    update: PromptUpdate
    applied_at: int | None = None
    """The frame it was applied on; None before its acknowledgement."""
    seen_from: float = inf
    """Once a frame from here on is answered, the effect has reached the caller."""
    found: int = 0
    """Ids that a phrase found at once."""


class KeptPrompts:
    """Updates in the order in which they were sent: another server has to be told of them again.

    An acknowledgement alone is not enough: the masks come after.
    """

    def __init__(self, resume: video_request_pb2.ResumeState, *, keeps_all: bool) -> None:
        """`resume`: what the stream itself went on from, where it did.

        `keeps_all`: also updates that took effect are kept, as the whole video is worked on again.
        """
        self._waiting: dict[int, _KeptPrompt] = {}
        self._keeps_all = keeps_all
        # Every update that was applied, for a video that is sent again from its start.
        self._applied: list[PromptUpdate] = []
        # In the order in which they went.
        self._removed = dict.fromkeys(resume.removed_object_ids)
        self._searches = KeptSearches(resume.searches)

    @property
    def removed_object_ids(self) -> list[int]:
        """Ids that were removed."""
        return list(self._removed)

    @property
    def searches(self) -> list[video_request_pb2.ResumeSearch]:
        """Phrases that are still looked for."""
        return self._searches.open

    def add(self, update: PromptUpdate) -> None:
        """Notes an update that is sent."""
        self._waiting[update.request_id] = _KeptPrompt(update)

    def acknowledge(self, ack: video_response_pb2.PromptAck, newest: int) -> bool:
        """Notes an acknowledgement in the caller's count; False where the caller has had it.

        `newest` is the newest frame that was answered.
        """
        kept = self._waiting.get(ack.request_id)
        # Of an update that took effect before the call broke.
        if kept is None:
            return False
        is_first = kept.applied_at is None
        if ack.HasField("error"):
            del self._waiting[ack.request_id]
        else:
            kept.applied_at = ack.frame_index if ack.HasField("frame_index") else newest + 1
            kept.seen_from = max(kept.applied_at, newest)
            kept.found = len(ack.object_ids)
        return is_first

    def seen(self, frame_index: int, object_ids: Iterable[int]) -> None:
        """Notes that a frame was answered, with all that was acknowledged before."""
        self._searches.found(object_ids)
        for request_id, kept in list(self._waiting.items()):
            if kept.applied_at is None or frame_index < kept.seen_from:
                continue
            del self._waiting[request_id]
            update = kept.update
            if update.action == video_request_pb2.PROMPT_ACTION_REMOVE:
                self._remove(update.object_id)
            self._searches.begin(update, kept.found)
            if self._keeps_all:
                self._applied.append(_at_frame(update, kept.applied_at))

    def waiting(self) -> list[PromptUpdate]:
        """What to tell another server that goes on behind the newest answered frame."""
        return [
            kept.update if kept.applied_at is None else _at_frame(kept.update, kept.applied_at)
            for kept in self._waiting.values()
        ]

    def all(self, newest: int) -> list[PromptUpdate]:
        """What to tell one that sees the whole video again, of which `newest` was answered."""
        waiting = [
            _at_frame(update, newest + 1)
            if newest >= 0 and update.WhichOneof("at") is None
            else update
            for update in self.waiting()
        ]
        return [*self._applied, *waiting]

    def _remove(self, object_id: int) -> None:
        """An id that a search only held is free again; an object's never is."""
        if not self._searches.end(object_id):
            self._removed[object_id] = None


def _at_frame(update: PromptUpdate, frame_index: int) -> PromptUpdate:
    moved = PromptUpdate()
    moved.CopyFrom(update)
    moved.frame_index = frame_index
    return moved
