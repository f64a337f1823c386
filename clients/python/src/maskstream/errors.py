"""Every error of this library has a `code`, one of docs/errors.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from .resume.end_rule import OK, CallEnd

if TYPE_CHECKING:
    from .results import Summary

# Set by the server, so that nobody parses messages.
_ERROR_CODE_TRAILER = "maskstream-error-code"

# The code of a call that ended without one of the server's. Proxies turn a server that died into
# INTERNAL, UNKNOWN or CANCELLED, which a client must not take for the server's word.
_CODE_WITHOUT_SERVER = {
    "CANCELLED": "connection-lost",
    "UNKNOWN": "connection-lost",
    "INVALID_ARGUMENT": "not-maskstream",
    "DEADLINE_EXCEEDED": "deadline-exceeded",
    "NOT_FOUND": "not-maskstream",
    "ALREADY_EXISTS": "not-maskstream",
    "PERMISSION_DENIED": "not-maskstream",
    "RESOURCE_EXHAUSTED": "message-too-large",
    "FAILED_PRECONDITION": "not-maskstream",
    "ABORTED": "connection-lost",
    "OUT_OF_RANGE": "not-maskstream",
    "UNIMPLEMENTED": "not-maskstream",
    "INTERNAL": "connection-lost",
    "UNAVAILABLE": "unreachable",
    "DATA_LOSS": "connection-lost",
    "UNAUTHENTICATED": "not-maskstream",
}


class MaskstreamError(Exception):
    """Anything that this library says went wrong."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """One of docs/errors.md, such as `unreachable`."""

    def __str__(self) -> str:
        return f"{self.code}: {super().__str__()}"


class CallFailed(MaskstreamError):
    """A call that ended with a status other than OK."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: str,
        summary: Summary | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        """gRPC status, such as `INVALID_ARGUMENT`."""
        self.summary = summary
        """What a video stream had done until then; None where the server could not say."""
        self.retry_after = retry_after
        """Seconds after which the server says that it is worth while to try again, if it does."""


class PromptRejected(MaskstreamError):
    """A prompt that was refused; its stream goes on."""

    def __init__(self, code: str, message: str, *, request_id: int) -> None:
        super().__init__(code, message)
        self.request_id = request_id
        """Number of the prompt within its stream."""


def sent_error_code(error: grpc.RpcError) -> str | None:
    """The server's own code in a call's trailers; None where it said nothing."""
    failed: Any = error
    trailers: dict[str, str | bytes] = dict(failed.trailing_metadata() or ())
    sent = trailers.get(_ERROR_CODE_TRAILER)
    return sent if isinstance(sent, str) else None


def sent_retry_after(error: grpc.RpcError) -> float | None:
    """Seconds of the `google.rpc.RetryInfo` in a call's trailers; None where there is none."""
    failed: Any = error
    trailers: dict[str, str | bytes] = dict(failed.trailing_metadata() or ())
    sent = trailers.get("grpc-status-details-bin")
    if not isinstance(sent, bytes):
        return None
    retry = error_details_pb2.RetryInfo()
    try:
        for detail in status_pb2.Status.FromString(sent).details:
            if detail.Unpack(retry):
                return float(retry.retry_delay.ToNanoseconds()) / 1e9
    except DecodeError:  # a hint that cannot be read is no failure of its own
        pass
    return None


def call_failed(
    error: grpc.RpcError, *, summary: Summary | None = None, cancelled: bool = False
) -> CallFailed:
    """The error of a call that gRPC says has failed.

    `cancelled`: the caller cancelled it.
    """
    # Both kinds of gRPC error (blocking and asyncio) have these three, which no base class names.
    failed: Any = error
    status: str = failed.code().name
    own = "cancelled" if cancelled and status == "CANCELLED" else _CODE_WITHOUT_SERVER[status]
    code = sent_error_code(error) or own
    return CallFailed(
        code,
        failed.details() or status,
        status=status,
        summary=summary,
        retry_after=sent_retry_after(error),
    )


def call_end(failure: grpc.RpcError | None) -> CallEnd:
    """The end of a call, as the state machine takes it."""
    if failure is None:
        return CallEnd(OK, "", None)
    failed: Any = failure
    code: int = failed.code().value[0]
    return CallEnd(
        code,
        failed.details() or "",
        sent_error_code(failure),
        failure,
        retry_after=sent_retry_after(failure),
    )
