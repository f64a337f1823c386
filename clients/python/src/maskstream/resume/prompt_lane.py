"""The way of updates to one call, in its count of frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..v1 import video_request_pb2, video_response_pb2
from .frame_alignment import FrameAlignment

# Updates that are sent again at once; servers let 256 wait for their frame.
_PROMPTS_AT_ONCE = 128


class PromptLane:
    """Holds back updates that cannot be named yet, and those that would be too many at once."""

    def __init__(
        self,
        alignment: FrameAlignment,
        send: Callable[[video_request_pb2.PromptUpdate], None],
        refuse: Callable[[video_response_pb2.PromptAck], None],
    ) -> None:
        """`refuse` answers an update whose frame went down with the server that held it."""
        self._alignment = alignment
        self._send = send
        self._refuse = refuse
        # Updates that wait until their frame can be named.
        self._unnamed: list[video_request_pb2.PromptUpdate] = []
        # Updates of before that wait until others are acknowledged.
        self._repeated: deque[video_request_pb2.PromptUpdate] = deque()

    def repeat(self, updates: list[video_request_pb2.PromptUpdate]) -> None:
        """Sends updates of an earlier call again, in order."""
        for update in updates[:_PROMPTS_AT_ONCE]:
            self.send(update)
        self._repeated.extend(updates[_PROMPTS_AT_ONCE:])

    def send(self, update: video_request_pb2.PromptUpdate) -> None:
        """Sends it as the call counts, now or when that is known."""
        if not self._alignment.can_send(update):
            self._unnamed.append(update)
            return
        mapped = self._alignment.prompt(update)
        if mapped is not None:
            self._send(mapped)
        else:
            self._refuse(_not_held(update, self._alignment.offset or 0))

    def acknowledged(self) -> None:
        """The call acknowledged an update: there is room for another one."""
        if self._repeated:
            self.send(self._repeated.popleft())

    def aligned(self) -> None:
        """The frames of the call are aligned now."""
        waiting, self._unnamed = self._unnamed, []
        for update in waiting:
            self.send(update)


def _not_held(update: video_request_pb2.PromptUpdate, offset: int) -> video_response_pb2.PromptAck:
    named = update.WhichOneof("at") == "frame_index"
    wanted = update.frame_index if named else "an earlier one"
    message = f"frames from {offset + 1} on are held, got {wanted}"
    error = video_response_pb2.PromptError(code="frame-not-held", message=message)
    return video_response_pb2.PromptAck(request_id=update.request_id, error=error)
