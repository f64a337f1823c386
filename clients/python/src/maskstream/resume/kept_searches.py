"""The phrases of a stream that are looked for until their ids are taken."""

from __future__ import annotations

from collections.abc import Iterable

from ..v1 import video_request_pb2 as wire


class KeptSearches:
    """Those of them whose ids are not all taken."""

    def __init__(self, searches: Iterable[wire.ResumeSearch]) -> None:
        self._searches: dict[int, wire.ResumeSearch] = {}
        for search in searches:
            if search.HasField("text"):
                self._put(_copy(search))

    @property
    def open(self) -> list[wire.ResumeSearch]:
        """What another server has to go on looking for."""
        return list(self._searches.values())

    def begin(self, update: wire.PromptUpdate, taken: int) -> None:
        """An update took effect; where it is a phrase, so many ids were taken at once."""
        if not update.HasField("text") or update.text.this_frame_only:
            return
        label = update.label if update.HasField("label") else None
        search = wire.ResumeSearch(text=update.text, label=label, taken=taken)
        search.text.first_object_id = update.text.first_object_id or update.object_id
        search.text.max_objects = update.text.max_objects or 1
        self._put(search)

    def found(self, object_ids: Iterable[int]) -> None:
        """Objects of a frame: ids of a range are taken in order."""
        if not self._searches:
            return
        ids = list(object_ids)
        for search in list(self._searches.values()):
            first, most = search.text.first_object_id, search.text.max_objects
            places = (object_id - first + 1 for object_id in ids)
            taken = max([search.taken, *(place for place in places if place <= most)])
            if taken > search.taken:
                grown = _copy(search)
                grown.taken = taken
                self._put(grown)

    def end(self, object_id: int) -> bool:
        """Ends the search that an id belongs to; True where no object had it."""
        for first, search in self._searches.items():
            if first <= object_id < first + search.text.max_objects:
                del self._searches[first]
                return object_id >= first + search.taken
        return False

    def _put(self, search: wire.ResumeSearch) -> None:
        first = search.text.first_object_id
        if search.taken < search.text.max_objects:
            self._searches[first] = search
        else:
            self._searches.pop(first, None)


def _copy(search: wire.ResumeSearch) -> wire.ResumeSearch:
    copied = wire.ResumeSearch()
    copied.CopyFrom(search)
    return copied
