"""Settings of the console, from environment variables `MYOPLAN_…`; docs/deploying.md lists them."""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime.config import PREFIX, Address, ReadableFile, ReadableFolder


class ConsoleSettings(BaseSettings):
    """What the console needs to know at start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True, extra="ignore"
    )

    address: Address = "127.0.0.1:0"
    """Where to serve, `HOST:PORT`; port 0 takes a free one."""
    origin: str = ""
    """The address people type, `https://console.example.org`; empty: `http://` and the address served on."""
    assessment_address: Address
    """The assessment service, `HOST:PORT`."""
    planner_address: Address
    """The planner service, `HOST:PORT`."""
    services_ca: ReadableFile | None = None
    """The authority of the services' certificates (PEM); without it there is no TLS towards them."""
    issuer: str
    """The `iss` of tokens: this console's own for local accounts, or that of the identity provider."""
    accounts: ReadableFile | None = None
    """The file of local accounts; without it people sign in by the identity provider."""
    signing_key_file: ReadableFile | None = Field(default=None, validate_default=True)
    """The Ed25519 key (PEM) that signs the tokens of local accounts."""
    client_id: str = Field(default="", validate_default=True)
    """How this console is known to the identity provider."""
    client_secret: SecretStr = SecretStr("")
    """The secret shared with the identity provider; empty: a public client."""
    sent_token: Literal["access_token", "id_token"] = "access_token"  # noqa: S105 - the name of a token
    """Which token of the identity provider the services get."""
    offline_access: bool = False
    """Whether to ask the identity provider for the scope offline_access; many give a refresh token without it."""
    idle_minutes: float = Field(default=10, gt=0, le=240)
    """Minutes without use until a session is locked."""
    session_hours: float = Field(default=12, gt=0, le=24)
    """Hours until a session ends, used or not."""
    time_zone: str = ""
    """The time zone of the clinic, `Europe/Vienna`; empty: that of the machine."""
    knowledge_overlay: ReadableFolder | None = None
    """A clinic's own folder over the curated knowledge; the same as for both services."""
    tls_certificate: ReadableFile | None = None
    """The console's certificate chain (PEM); without it there is no TLS."""
    tls_key: ReadableFile | None = Field(default=None, validate_default=True)
    """The key of the certificate (PEM)."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least level of lines that are logged."""

    @field_validator("origin")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query):
            raise ValueError("is not https://HOST or https://HOST:PORT")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError("must be https: over http anybody on the way could take over a session")
        return value

    @field_validator("signing_key_file")
    @classmethod
    def _goes_with_accounts(cls, value: object, info: ValidationInfo) -> object:
        if info.data.get("accounts") is not None and value is None:
            raise ValueError("is needed beside MYOPLAN_ACCOUNTS")
        return value

    @field_validator("client_id")
    @classmethod
    def _somebody_can_sign_in(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.data.get("accounts") is None:
            raise ValueError("or MYOPLAN_ACCOUNTS is needed: without either nobody can sign in")
        return value

    @field_validator("tls_key")
    @classmethod
    def _goes_with_certificate(cls, value: object, info: ValidationInfo) -> object:
        if (value is None) != (info.data.get("tls_certificate") is None):
            raise ValueError("goes with MYOPLAN_TLS_CERTIFICATE: both or neither")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_time_zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key if value else value
        except (OSError, ValueError, KeyError):
            raise ValueError("is not a time zone such as Europe/Vienna") from None


def is_loopback(host: str) -> bool:
    """Says whether a host name or address is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
