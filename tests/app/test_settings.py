"""Settings: what is taken from where, what stops the start, and that each one is documented."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from app import create_app
from app.settings import CHECKOUT, PREFIX, BadSetting, Settings, load, write_file

PUBLIC = {
    "PRESSRUM_BASE_URL": "https://press.example.org",
    "PRESSRUM_SECRET_KEY": "long enough to be a key",
    "PRESSRUM_MAIL_SERVER": "smtp.example.org",
    "PRESSRUM_MAIL_FROM": "press@example.org",
}


def environment(var: Path, **more: str) -> dict[str, str]:
    return {"PRESSRUM_VAR": str(var), **{PREFIX + name.upper(): more[name] for name in more}}


def documented() -> dict[str, str]:
    """The operating guide's table: variable → default, as written there."""
    text = (CHECKOUT / "docs" / "operating.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(PRESSRUM_[A-Z_]+)`(?: \*)? \| ([^|]*) \|", text, re.MULTILINE)
    return {name: default.strip().strip("`") for name, default in rows}


def test_every_setting_is_documented_and_no_other() -> None:
    assert set(documented()) == {PREFIX + field.name.upper() for field in fields(Settings)}


def said(default: object) -> str:
    """A default as the table writes it."""
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) or "–"


def test_the_documented_defaults_are_those_in_force() -> None:
    texts = documented()

    for field in fields(Settings):
        if field.default is not MISSING:
            default = said(field.default)
            assert texts[PREFIX + field.name.upper()] == default, field.name


def test_a_checkout_needs_no_settings_at_all(tmp_path: Path) -> None:
    settings = load(environment(tmp_path))

    assert settings.database_url.database == str(tmp_path / "pressrum.db")
    assert settings.is_local


def test_a_local_installation_keeps_the_key_it_made(tmp_path: Path) -> None:
    first = load(environment(tmp_path)).secret_key

    assert load(environment(tmp_path)).secret_key == first
    assert len(first) >= 48
    assert (tmp_path / "settings.env").stat().st_mode & 0o777 == 0o600


def test_the_environment_goes_before_the_file_before_the_default(tmp_path: Path) -> None:
    write_file(tmp_path / "settings.env", {"PRESSRUM_CONNECTIONS": "7", "PRESSRUM_MAIL_PORT": "26"})

    settings = load(environment(tmp_path, mail_port="27"))

    assert (settings.connections, settings.mail_port, settings.lease_seconds) == (7, 27, 120)


def test_writing_a_setting_keeps_the_others(tmp_path: Path) -> None:
    write_file(tmp_path / "settings.env", {"PRESSRUM_CONNECTIONS": "7"})
    write_file(tmp_path / "settings.env", {"PRESSRUM_LEASE_SECONDS": "60"})

    settings = load(environment(tmp_path))

    assert (settings.connections, settings.lease_seconds) == (7, 60)


def test_a_blank_variable_is_none(tmp_path: Path) -> None:
    assert load(environment(tmp_path, mail_port=" ")).mail_port == 8025


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mail_port", "smtp"),
        ("mail_port", "-25"),
        ("mail_port", "0"),
        ("connections", "4.5"),
        ("lease_seconds", "²"),
        ("mail_use_tls", "maybe"),
        ("database_url", "not an address"),
        ("database_url", "mysql://localhost/press"),
        ("base_url", "press.example.org"),
        ("base_url", "ftp://press.example.org"),
        ("secret_key", "short"),
        ("storage_url", "https://s3.example.org/press"),
        ("storage_url", "s3://"),
        ("storage_url", "s3://press?endpoint=s3.example.org"),
        ("storage_url", "s3://press?public=yes"),
    ],
)
def test_a_malformed_setting_stops_the_start_and_is_named(
    tmp_path: Path, name: str, text: str
) -> None:
    with pytest.raises(BadSetting, match=PREFIX + name.upper()):
        load(environment(tmp_path, **{name: text}))


@pytest.mark.parametrize("missing", [name for name in PUBLIC if name != "PRESSRUM_BASE_URL"])
def test_a_public_installation_must_say_what_it_cannot_do_without(
    tmp_path: Path, missing: str
) -> None:
    given = {name: text for name, text in PUBLIC.items() if name != missing}

    with pytest.raises(BadSetting, match=f"{missing} is missing"):
        load({"PRESSRUM_VAR": str(tmp_path), **given})


def test_a_public_installation_makes_no_key_of_its_own(tmp_path: Path) -> None:
    load({"PRESSRUM_VAR": str(tmp_path), **PUBLIC})

    assert not (tmp_path / "settings.env").exists()


@pytest.mark.parametrize("text", ["postgres://press@db/press", "postgresql://press@db/press"])
def test_postgresql_is_spoken_to_through_one_driver(tmp_path: Path, text: str) -> None:
    settings = load(environment(tmp_path, database_url=text))

    assert settings.database_url.drivername == "postgresql+psycopg"


def test_domains_of_mail_are_kept_as_dns_has_them(tmp_path: Path) -> None:
    given = {"mail_from": "press@Exämple.se", "bounce_domain": "Studs.exämple.se."}

    settings = load(environment(tmp_path, **given))

    assert settings.mail_from == "press@xn--exmple-cua.se"
    assert settings.bounce_domain == "studs.xn--exmple-cua.se"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mail_from": "pråss@example.se"}, "MAIL_FROM must have plain letters"),
        (
            {"mail_from": "p@example.se", "dkim_domain": "other.se"},
            "DKIM_DOMAIN must be example.se",
        ),
        ({"dkim_key": "key.pem"}, "DKIM_SELECTOR is missing"),
        ({"dns_server": "dns.example.se"}, "DNS_SERVER must be an IP address"),
        ({"dns_server": "192.0.2.53:dns"}, "DNS_SERVER must be an IP address"),
    ],
)
def test_what_would_make_mail_be_refused_stops_the_start(
    tmp_path: Path, given: dict[str, str], said: str
) -> None:
    with pytest.raises(BadSetting, match=said):
        load(environment(tmp_path, **given))


@pytest.mark.parametrize("domain", ["example.se", "mail.example.se"])
def test_the_signer_may_be_above_or_below_the_sender(tmp_path: Path, domain: str) -> None:
    given = {"mail_from": "press@press.example.se", "dkim_domain": domain}
    if domain.startswith("mail"):
        given["mail_from"] = "press@example.se"

    assert load(environment(tmp_path, **given)).dkim_domain == domain


def test_a_key_that_cannot_sign_stops_the_start(tmp_path: Path) -> None:
    settings = load(environment(tmp_path, dkim_key="/no/such.pem", dkim_selector="press1"))

    with pytest.raises(BadSetting, match=r"DKIM_KEY: /no/such\.pem cannot be read"):
        create_app(settings)


def test_a_bucket_without_the_package_for_it_stops_the_start_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = environment(tmp_path, storage_url="s3://press/files?endpoint=https://s3.example.org")
    assert load(given).storage_url.startswith("s3://press")

    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(BadSetting, match=r"PRESSRUM_STORAGE_URL .*pip install 'obstore>="):
        load(given)
