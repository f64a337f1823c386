"""How to reach a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import grpc

from .errors import MaskstreamError
from .resume.options import ResumeOptions

# gRPC's own 4 MiB is less than a large PNG or the resume state of many objects.
DEFAULT_MAX_MESSAGE_BYTES = 32 * 1024 * 1024

# gRPC's own pause grows to two minutes: long after a server is back.
_MAX_RECONNECT_PAUSE_MS = 5_000
_FIRST_RECONNECT_PAUSE_MS = 200

Pem = bytes | str | PathLike[str]


@dataclass(frozen=True)
class Tls:
    """Encryption; each field is PEM or the path of a PEM file."""

    authorities: Pem | None = None
    """Whom to trust. Default: gRPC's own list."""
    certificate: Pem | None = None
    """For a server that asks for client certificates."""
    private_key: Pem | None = None


def addresses_of(address: str | Sequence[str]) -> list[str]:
    """One or several. Raises `invalid-config` for none."""
    addresses = [address] if isinstance(address, str) else list(address)
    if not addresses:
        raise MaskstreamError("invalid-config", "expected an address, got none")
    return addresses


def resume_options(resume: bool | ResumeOptions) -> ResumeOptions | None:
    """None: a stream ends with its first call."""
    if isinstance(resume, bool):
        return ResumeOptions() if resume else None
    return resume


def channel_options(max_message_bytes: int) -> list[tuple[str, int]]:
    """gRPC's settings of a connection."""
    return [
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        # gRPC would ask the DNS server for a TXT record of every host, localhost too.
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.initial_reconnect_backoff_ms", _FIRST_RECONNECT_PAUSE_MS),
        ("grpc.min_reconnect_backoff_ms", _FIRST_RECONNECT_PAUSE_MS),
        ("grpc.max_reconnect_backoff_ms", _MAX_RECONNECT_PAUSE_MS),
    ]


def channel_credentials(tls: Tls | bool) -> grpc.ChannelCredentials | None:
    """None: no encryption."""
    if tls is False:
        return None
    parts = Tls() if tls is True else tls
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(parts.authorities),
        private_key=_pem(parts.private_key),
        certificate_chain=_pem(parts.certificate),
    )


def call_metadata(token: str | None) -> list[tuple[str, str]]:
    """Headers of every call."""
    return [] if token is None else [("authorization", f"Bearer {token}")]


def _pem(value: Pem | None) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str) and value.lstrip().startswith("-----BEGIN"):
        return value.encode("ascii")
    return Path(value).read_bytes()
