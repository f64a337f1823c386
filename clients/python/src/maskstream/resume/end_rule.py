"""Which ends of a call are final."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

OK: int = grpc.StatusCode.OK.value[0]
_DEADLINE_EXCEEDED: int = grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
_RESOURCE_EXHAUSTED: int = grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]

# Codes of a server that says: come again, or go elsewhere.
COME_AGAIN = frozenset({"shutting-down", "loading", "inference-unavailable"})
# Codes of a server that has no room: another one may have.
NO_ROOM = frozenset({"too-many-streams", "no-capacity", "server-exhausted"})


@dataclass(frozen=True)
class CallEnd:
    """How a call ended."""

    code: int
    """gRPC status code; 0 is OK."""
    message: str
    error_code: str | None
    """The server's own code (docs/errors.md); None where the end did not come from the server."""
    cause: Exception | None = None
    """gRPC's own error."""
    retry_after: float | None = None
    """Seconds after which the server says that it is worth while to try again."""


def is_final(end: CallEnd, *, is_resuming: bool) -> bool:
    """Whether a call's end is the stream's.

    The server's own codes are, since the same would come again; so is the deadline, which the
    caller set, and a message that is too large for the transport. Every other end without a code
    came from what lies between, or from a server that died.
    """
    if end.code in (OK, _DEADLINE_EXCEEDED):
        return True
    if end.error_code is None:
        return end.code == _RESOURCE_EXHAUSTED
    if end.error_code in COME_AGAIN:
        return False
    return not (is_resuming and end.error_code in NO_ROOM)
