"""Settings that both services share: environment variables `MYOPLAN_…` and, for secrets, files of the same names."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from structlog.typing import FilteringBoundLogger

from services.runtime.server import TlsFiles

PREFIX = "MYOPLAN_"
SECRETS_FOLDER = f"{PREFIX}SECRETS_FOLDER"
LEAST_SEAL_KEY_BYTES = 32
MOST_PORT = 65_535
ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})")
ACCEPTED_LOSS = re.compile(r"[a-z0-9-]+@\d+-[0-9a-f]{0,8}")
STORE_ADDRESS = re.compile(r"(redis|rediss|unix)://.+")


class SettingsInvalid(Exception):
    """The settings cannot be used; `problems` holds every reason, each with the name of its variable, no value."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class SealKey:
    """The key that seals records; `key_id` is the first eight hexadecimal digits of its SHA-256."""

    key_id: str
    key: bytes = field(repr=False)


def _readable(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(f"the file cannot be opened ({error.strerror})") from None


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("is not a folder")
    return path


ReadableFolder = Annotated[Path, AfterValidator(_folder)]
ReadableFile = Annotated[Path, AfterValidator(_readable)]


def _host_and_port(value: str) -> str:
    match = ADDRESS.fullmatch(value)
    if match is None or int(match[2]) > MOST_PORT:
        raise ValueError("is not HOST:PORT")
    return value


Address = Annotated[str, AfterValidator(_host_and_port)]
"""`HOST:PORT`."""
Settings = TypeVar("Settings", bound=BaseSettings)


class RuntimeSettings(BaseSettings):
    """What every service needs to know at start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True, extra="ignore"
    )

    address: Address = "127.0.0.1:0"
    """Where to serve, `HOST:PORT`; port 0 takes a free one."""
    redis_url: SecretStr
    """The store: `unix:///PATH`, `redis://` or `rediss://`; it may hold a password."""
    key_set: str
    """Path or https address of the JSON Web Key Set that tokens are verified with."""
    issuer: str
    """The `iss` of accepted tokens."""
    seal_key_file: ReadableFile
    """A file of at least 32 bytes that seals the records; never kept in the store."""
    anchor_file: Path | None = None
    """Where to keep the anchor, outside the store; without it an older store that is put back is not noticed."""
    anchor_accept: str = ""
    """Losses that the operator accepts: the words that the log names with each, with commas between them."""
    throwaway_store: bool = False
    """Accepts a store that may lose what it acknowledged. For tests only."""
    knowledge_overlay: ReadableFolder | None = None
    """A clinic's own folder over the curated knowledge; give both services the same."""
    reflection: bool = False
    """Lets callers with a token ask which methods there are."""
    tls_certificate: ReadableFile | None = None
    """The server's certificate chain (PEM); without it there is no TLS."""
    tls_key: ReadableFile | None = Field(default=None, validate_default=True)
    """The key of the certificate (PEM)."""
    tls_client_ca: ReadableFile | None = None
    """The authority of clients' certificates (PEM); with it a client has to show one."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least level of lines that are logged."""

    @field_validator("redis_url")
    @classmethod
    def _is_store_address(cls, value: SecretStr) -> SecretStr:
        if not STORE_ADDRESS.fullmatch(value.get_secret_value()):
            raise ValueError("does not begin with unix://, redis:// or rediss://")
        return value

    @field_validator("seal_key_file")
    @classmethod
    def _is_long_enough(cls, value: Path) -> Path:
        if value.stat().st_size < LEAST_SEAL_KEY_BYTES:
            raise ValueError(f"holds fewer than {LEAST_SEAL_KEY_BYTES} bytes")
        return value

    @field_validator("anchor_file")
    @classmethod
    def _can_be_written(cls, value: Path | None) -> Path | None:
        if value is not None and not (value.parent.is_dir() and os.access(value.parent, os.W_OK)):
            raise ValueError("is not in a folder that can be written")
        return value

    @field_validator("anchor_accept")
    @classmethod
    def _are_losses(cls, value: str) -> str:
        if wrong := [word for word in value.split(",") if value and not ACCEPTED_LOSS.fullmatch(word)]:
            raise ValueError(f"holds {len(wrong)} that are not CLINIC@SEQ-SEAL, as the log names a loss")
        return value

    # Half of a TLS setting must stop the start: serving in the clear instead would go unnoticed.
    @field_validator("tls_key", "tls_client_ca")
    @classmethod
    def _goes_with_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        certificate = info.data.get("tls_certificate", value)  # absent when it is a problem of its own
        if value is not None and certificate is None:
            raise ValueError("needs MYOPLAN_TLS_CERTIFICATE beside it")
        if value is None and certificate is not None and info.field_name == "tls_key":
            raise ValueError("is needed beside MYOPLAN_TLS_CERTIFICATE")
        return value

    def tls(self) -> TlsFiles | None:
        """Returns the TLS files, None for a server without."""
        if self.tls_certificate is None or self.tls_key is None:
            return None
        return TlsFiles(certificate=self.tls_certificate, key=self.tls_key, client_authority=self.tls_client_ca)

    def anchor(self, logger: FilteringBoundLogger) -> Path | None:
        """Returns where the anchor is kept; warns if there is none."""
        if self.anchor_file is None:
            logger.warning("no anchor: if an older store is put back, nobody will notice")
        return self.anchor_file

    def accepted_losses(self) -> frozenset[str]:
        """Returns the losses that the operator accepts."""
        return frozenset(word for word in self.anchor_accept.split(",") if word)

    def seal_key(self) -> SealKey:
        """Reads the key that seals records."""
        key = self.seal_key_file.read_bytes()
        return SealKey(key_id=hashlib.sha256(key).hexdigest()[:8], key=key)


def load_settings(kind: type[Settings]) -> Settings:
    """Reads the settings of `kind` from the environment; SettingsInvalid names every problem at once.

    What the environment leaves out is looked for in the folder that MYOPLAN_SECRETS_FOLDER names, in a file of the same
    name: an environment is shown to more eyes than a file.
    """
    folder = os.environ.get(SECRETS_FOLDER) or None
    if folder is not None and not Path(folder).is_dir():
        raise SettingsInvalid([f"{SECRETS_FOLDER}: is not a folder"])
    try:
        return kind(_secrets_dir=folder)
    except OSError as error:
        raise SettingsInvalid([f"{SECRETS_FOLDER}: a file in it cannot be opened ({error.strerror})"]) from None
    except ValidationError as error:
        raise SettingsInvalid(
            f"{PREFIX}{'_'.join(str(part) for part in problem['loc']).upper()}: "
            + problem["msg"].removeprefix("Value error, ")
            for problem in error.errors(include_input=False, include_url=False, include_context=False)
        ) from None
