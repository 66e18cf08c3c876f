"""Every setting once, typed, from PRESSRUM_* variables.

The environment goes first, then the file `settings.env` in PRESSRUM_VAR, then the default. A
malformed setting stops the start and says which; so does a missing one that an installation with a
public address cannot do without. A test compares them with the table in docs/operating.md.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import sqlalchemy as sa

from app.core.db import normal_url

CHECKOUT = Path(__file__).resolve().parent.parent
PREFIX = "PRESSRUM_"
MayBeZero = int
BARE_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
JOBS_PACKAGE = "'redis>=8.1,<9'"  # the extra redis of pyproject.toml
STORAGE_PACKAGE = "'obstore>=0.12.1,<0.13'"  # the extra s3 of pyproject.toml
LOCAL_HOSTS = {"127.0.0.1", "localhost", "::1"}


class BadSetting(Exception):
    """A setting is missing or malformed; the text says which and what it should be."""


@dataclass(frozen=True)
class Settings:
    """One installation's settings. Names are those of the variables, without PRESSRUM_."""

    var: Path
    database_url: sa.URL
    secret_key: str
    old_secret_keys: str = ""
    base_url: str = "http://127.0.0.1:8000"
    mail_server: str = "127.0.0.1"
    mail_port: int = 8025
    mail_username: str = ""
    mail_password: str = ""
    mail_use_tls: bool = False
    mail_use_ssl: bool = False
    mail_ca_file: str = ""
    mail_verify: bool = True
    mail_from: str = "pressrum@localhost"
    dkim_key: str = ""
    dkim_selector: str = ""
    dkim_domain: str = ""
    dns_server: str = ""
    bounce_domain: str = ""
    bounce_mailbox: str = ""
    bounce_mailbox_password: str = ""
    lmtp_listen: str = ""
    hook_ses_topic: str = ""
    hook_secret_postmark: str = ""
    hook_secret_mailgun: str = ""
    hook_secret_sendgrid: str = ""
    hook_secret_brevo: str = ""
    metrics_token: str = ""
    lease_seconds: int = 120
    reply_timeout_seconds: int = 600
    connections: int = 8
    proxies: MayBeZero = 0
    outbox: str = ""
    storage_url: str = ""
    storage_key_id: str = ""
    storage_secret: str = ""
    jobs_url: str = ""
    web_processes: MayBeZero = 0
    kept_megabytes: MayBeZero = 64
    allow_loopback: bool = False

    @property
    def is_local(self) -> bool:
        """An installation nobody outside this machine can reach."""
        return urlsplit(self.base_url).hostname in LOCAL_HOSTS

    @property
    def sender_domain(self) -> str:
        return self.mail_from.rpartition("@")[2]


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in force. Raises BadSetting; writes a secret key for a local installation."""
    environ = os.environ if environ is None else environ
    var = Path(environ.get(PREFIX + "VAR") or CHECKOUT / "var").resolve()
    given = {**read_file(var / "settings.env"), **environ}
    known = {field.name: field for field in fields(Settings)}
    values: dict[str, object] = {"var": var}
    for name, field in known.items():
        text = given.get(PREFIX + name.upper(), "").strip()
        if text and name != "var":
            values[name] = parse(PREFIX + name.upper(), text, str(field.type))
    values.setdefault("database_url", normal_url(f"sqlite:///{var / 'pressrum.db'}"))
    base_url = str(values.get("base_url", Settings.base_url)).rstrip("/")
    values["base_url"] = base_url
    if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname:
        raise BadSetting(f"{PREFIX}BASE_URL must be an address such as https://press.example.org")
    if urlsplit(base_url).hostname in LOCAL_HOSTS:
        values.setdefault("secret_key", _own_key(var))
    for name in ("secret_key", "mail_server", "mail_from"):
        if urlsplit(base_url).hostname not in LOCAL_HOSTS and not values.get(name):
            raise BadSetting(f"{PREFIX}{name.upper()} is missing")
    if not BARE_ADDRESS.fullmatch(str(values.get("mail_from", Settings.mail_from))):
        raise BadSetting(f"{PREFIX}MAIL_FROM must be a bare address such as press@example.org")
    _check_sending(values)
    _check_returns(values)
    if storage := str(values.get("storage_url", "")):
        _check_storage(storage)
    if queue := str(values.get("jobs_url", "")):
        _check_queue(queue)
    if len(str(values["secret_key"])) < 16:
        raise BadSetting(f"{PREFIX}SECRET_KEY must have at least 16 characters")
    return Settings(**values)  # type: ignore[arg-type]


def parse(name: str, text: str, kind: str) -> object:
    """One setting from its text, by the type its field declares. Raises BadSetting."""
    if kind == "bool":
        return _parse_bool(name, text)
    if kind in ("int", "MayBeZero"):
        if not text.isascii() or not text.isdigit():
            raise BadSetting(f"{name} must be a whole number, not {text!r}")
        if kind == "int" and int(text) == 0:
            raise BadSetting(f"{name} must be above 0")
        return int(text)
    if kind == "sa.URL":
        try:
            url = normal_url(text)
        except sa.exc.ArgumentError:
            raise BadSetting(
                f"{name} must be a database address such as sqlite:////srv/x.db"
            ) from None
        if url.get_backend_name() not in ("sqlite", "postgresql"):
            raise BadSetting(f"{name} must be sqlite:///… or postgresql://…")
        return url
    return text


def _check_sending(values: dict[str, object]) -> None:
    """The sender's and signer's domains as DNS has them, and such that receivers see them agree."""
    local, _, domain = str(values.get("mail_from", Settings.mail_from)).rpartition("@")
    if not local.isascii():
        raise BadSetting(f"{PREFIX}MAIL_FROM must have plain letters before the @")
    values["mail_from"] = f"{local}@{_as_dns_has_it('MAIL_FROM', domain)}"
    for name in ("bounce_domain", "dkim_domain"):
        if given := str(values.get(name, "")):
            values[name] = _as_dns_has_it(name.upper(), given)
    sender = str(values["mail_from"]).rpartition("@")[2]
    signer = str(values.get("dkim_domain", sender))
    if sender != signer and not sender.endswith(f".{signer}") and not signer.endswith(f".{sender}"):
        raise BadSetting(f"{PREFIX}DKIM_DOMAIN must be {sender}, or above or below it")
    if values.get("dkim_key") and not values.get("dkim_selector"):
        raise BadSetting(f"{PREFIX}DKIM_SELECTOR is missing: the name under which DNS has the key")
    if server := str(values.get("dns_server", "")):
        host, _, port = server.rpartition(":") if server.count(":") == 1 else (server, "", "53")
        try:
            ipaddress.ip_address(host)
        except ValueError:
            host = ""
        if not host or not port.isdecimal():
            raise BadSetting(f"{PREFIX}DNS_SERVER must be an IP address, such as 192.0.2.53")


def _check_returns(values: dict[str, object]) -> None:
    """Where what comes back is read and heard."""
    mailbox = urlsplit(str(values.get("bounce_mailbox", "")))
    in_a_folder = mailbox.scheme == "maildir" and not mailbox.netloc and mailbox.path
    at_a_server = mailbox.scheme in ("imap", "imaps") and mailbox.hostname and mailbox.username
    if mailbox.geturl() and not in_a_folder and not at_a_server:
        raise BadSetting(
            f"{PREFIX}BOUNCE_MAILBOX must be maildir:///srv/bounces or imaps://user@host/INBOX"
        )
    listen = str(values.get("lmtp_listen", ""))
    host, _, port = listen.rpartition(":")
    if listen and not listen.startswith("unix:/") and not (host and port.isdecimal()):
        raise BadSetting(f"{PREFIX}LMTP_LISTEN must be 127.0.0.1:2424 or unix:/run/pressrum/lmtp")


def _as_dns_has_it(name: str, domain: str) -> str:
    """In lower case and A-labels (RFC 5890). Raises BadSetting."""
    try:
        return domain.lower().rstrip(".").encode("idna").decode()
    except UnicodeError:
        raise BadSetting(f"{PREFIX}{name} must name a domain, not {domain!r}") from None


def _check_storage(text: str) -> None:
    name = f"{PREFIX}STORAGE_URL"
    parts = urlsplit(text)
    said = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme != "s3" or not parts.hostname or set(said) - {"endpoint", "region"}:
        raise BadSetting(f"{name} must be s3://BUCKET/PREFIX?endpoint=https://…&region=…")
    endpoint = said.get("endpoint")
    if endpoint is not None and (
        urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).hostname
    ):
        raise BadSetting(f"{name}: the endpoint must be an address such as https://s3.example.org")
    if importlib.util.find_spec("obstore") is None:
        raise BadSetting(f"{name} needs a package: .venv/bin/pip install {STORAGE_PACKAGE}")


def _check_queue(text: str) -> None:
    name = f"{PREFIX}JOBS_URL"
    parts = urlsplit(text)
    if parts.scheme not in ("redis", "rediss", "unix") or not (parts.hostname or parts.path):
        raise BadSetting(f"{name} must be redis://HOST:PORT/NUMBER, rediss://… or unix://PATH")
    if importlib.util.find_spec("redis") is None:
        raise BadSetting(f"{name} needs a package: .venv/bin/pip install {JOBS_PACKAGE}")


def read_file(path: Path) -> dict[str, str]:
    """The NAME=value lines of a settings file; nothing when there is none."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def write_file(path: Path, changes: Mapping[str, str]) -> None:
    """Set lines in a settings file, keeping the others. Readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = {**read_file(path), **changes}
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.touch(mode=0o600)
    draft.write_text(
        "".join(f"{name}={value}\n" for name, value in lines.items()), encoding="utf-8"
    )
    draft.replace(path)


def _own_key(var: Path) -> str:
    """The key a local installation made for itself at its first start."""
    path = var / "settings.env"
    name = PREFIX + "SECRET_KEY"
    if name not in read_file(path):
        write_file(path, {name: secrets.token_urlsafe(48)})
    return read_file(path)[name]


def _parse_bool(name: str, text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise BadSetting(f"{name} must be true or false, not {text!r}")
    return words[text.lower()]
