"""The documented limits of a server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one server process accepts. Bytes, counts, seconds."""

    message_bytes: int = 256 * 1024
    metadata_bytes: int = 8 * 1024
    streams_per_connection: int = 64
    calls: int = 64
    calls_per_clinic: int = 16
    streams: int = 64
    streams_per_clinic: int = 8
    default_deadline_seconds: float = 5.0
    longest_deadline_seconds: float = 30.0
    ping_floor_seconds: float = 20.0
    connection_idle_seconds: float = 300.0
    connection_age_seconds: float = 600.0
    connection_grace_seconds: float = 30.0
