"""`pressrum doctor` says what is wrong, in words, and nothing else is disturbed by it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from app import trust_commands
from app.cli import cli
from app.core import jobs
from app.core.accounts import User
from app.core.alerts import open_alerts
from app.core.db import db
from app.core.fetching import REASONS, Answer, Unfetchable
from app.core.mail import mail
from app.core.organisation import Organisation
from app.core.words import LANGUAGES, catalogue
from app.doctor import examine, relay, web
from app.doctor.findings import Finding, Level, Record
from app.doctor.names import Names
from app.doctor.signature import look_at_signing
from subscribers.mailings.models import Delivery
from subscribers.mailings.writing import keys, signing
from tests.certificates import make_certificates
from tests.nameserver import NameServer
from tests.postoffice import PostOffice
from tests.scripted_smtp import ScriptedSMTP


def found(findings: list[Finding]) -> dict[str, list[str]]:
    """The keys of what was found, by name."""
    return {one.name: [it.key for it in findings if it.name == one.name] for one in findings}


def test_a_sound_installation_passes_every_check(app: Flask, post: PostOffice, admin: User) -> None:
    db.session.add(Organisation(name_sv="Centret", name_en="The Centre", short_name="C"))
    db.session.commit()

    findings = examine()

    assert [finding.name for finding in findings if not finding.ok] == []
    assert {"folder", "files", "database", "schema", "people", "mail server"} <= set(
        found(findings)
    )


def test_an_empty_installation_is_told_what_to_do(app: Flask) -> None:
    findings = {finding.name: finding for finding in examine()}

    assert findings["schema"].ok
    assert not findings["people"].ok
    assert "user add" in findings["people"].todo
    assert not findings["mail server"].ok


def test_nothing_is_asked_of_the_world_for_an_office_that_only_this_machine_sees(
    app: Flask, post: PostOffice
) -> None:
    assert found(examine(only_mail=True)).keys() == {"mail server", "tls", "offers", "mail"}


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with NameServer() as server:
        yield server


def test_an_office_in_the_open_has_every_matter_looked_at(
    app: Flask, post: PostOffice, dns: NameServer
) -> None:
    app.config.update(BASE_URL="http://press.example.org", DNS_SERVER=dns.address)

    matters = found(examine(only_mail=True))

    assert matters["spf"] == ["spf.none"]
    assert matters["dmarc"] == ["dmarc.none"]
    assert matters["returns"] == ["mx.none", "returns.unread"]
    assert matters["one-click"] == ["web.no_https"]
    assert matters["dkim"] == ["dkim.relay"]
    assert matters["ptr"] == ["ptr.elsewhere"]


def test_a_resolver_that_is_silent_makes_nothing_wrong(
    app: Flask, post: PostOffice, dns: NameServer
) -> None:
    app.config.update(BASE_URL="https://press.example.org", DNS_SERVER=dns.address)
    dns.silent |= {"bounce.press.example", "press.example", "_dmarc.press.example", "127.0.0.1"}

    matters = {one.name: one for one in examine(only_mail=True)}

    assert matters["spf"].level is Level.UNKNOWN
    assert matters["dmarc"].level is Level.UNKNOWN


def test_what_takes_too_long_costs_a_line_and_not_the_answer(
    app: Flask, dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config.update(BASE_URL="https://press.example.org", DNS_SERVER=dns.address)
    monkeypatch.setattr(relay, "look_at_server", lambda: time.sleep(6))
    monkeypatch.setattr(web, "look_at_one_click", lambda: time.sleep(6))
    began = time.monotonic()

    matters = {one.name: one for one in examine(seconds=2.0, only_mail=True)}

    assert matters["mail server"].key == "relay.slow"
    assert matters["mail server"].level is Level.WRONG
    assert matters["one-click"].level is Level.UNKNOWN
    assert matters["spf"].key == "spf.none"
    assert time.monotonic() - began < 5.5


# The mail server


def server_findings(app: Flask, **config: object) -> list[str]:
    app.config.update(config)
    mail.init_app(app)
    return [finding.key for finding in relay.look_at_server()]


def test_case_55_a_relay_with_a_self_signed_certificate_is_wrong(
    app: Flask, tmp_path: Path
) -> None:
    with ScriptedSMTP(certificates=make_certificates(tmp_path / "tls")) as relay_server:
        keys = server_findings(app, MAIL_PORT=relay_server.port, MAIL_USE_TLS=True)

    assert keys == ["relay.certificate"]
    assert relay_server.taken == 0


@pytest.mark.parametrize(
    ("days", "expected"), [(30, "tls.ok"), (5, "tls.ends_soon"), (-1, "relay.certificate")]
)
def test_what_the_doctor_says_of_a_certificate(
    app: Flask, tmp_path: Path, days: int, expected: str
) -> None:
    made = make_certificates(tmp_path / "tls", days=days)
    with ScriptedSMTP(certificates=made, utf8=True) as relay_server:
        keys = server_findings(
            app, MAIL_PORT=relay_server.port, MAIL_USE_TLS=True, MAIL_CA_FILE=str(made.authority)
        )

    assert expected in keys


def test_a_certificate_that_nobody_checks_is_wrong(app: Flask, tmp_path: Path) -> None:
    with ScriptedSMTP(certificates=make_certificates(tmp_path / "tls")) as relay_server:
        keys = server_findings(
            app, MAIL_PORT=relay_server.port, MAIL_USE_TLS=True, MAIL_VERIFY=False
        )

    assert "tls.unverified" in keys


def test_a_password_that_the_server_does_not_take_is_wrong(app: Flask, tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "tls")
    with ScriptedSMTP(certificates=made, login=("press", "right")) as relay_server:
        keys = server_findings(
            app,
            MAIL_PORT=relay_server.port,
            MAIL_USE_TLS=True,
            MAIL_CA_FILE=str(made.authority),
            MAIL_USERNAME="press",
            MAIL_PASSWORD="wrong",
        )

    assert keys == ["relay.password"]


@pytest.mark.parametrize(
    ("peer", "config", "offers_tls", "expected"),
    [
        ("127.0.0.1", {}, True, "tls.same_machine"),
        ("192.0.2.1", {"MAIL_USERNAME": "press"}, False, "tls.password_in_the_open"),
        ("192.0.2.1", {}, True, "tls.not_used"),
        ("192.0.2.1", {}, False, "tls.none"),
    ],
)
def test_what_the_doctor_says_of_a_plain_connection(
    app: Flask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    peer: str,
    config: dict[str, str],
    offers_tls: bool,
    expected: str,
) -> None:
    monkeypatch.setattr(relay, "is_loopback", lambda _address: peer == "127.0.0.1")
    made = make_certificates(tmp_path / "tls") if offers_tls else None
    with ScriptedSMTP(certificates=made) as relay_server:
        keys = server_findings(app, MAIL_PORT=relay_server.port, **config)

    assert expected in keys


def test_a_relay_that_is_not_there_is_wrong(app: Flask) -> None:
    assert server_findings(app, MAIL_PORT=9) == ["relay.unreachable"]


def test_a_relay_that_offers_no_encryption_when_it_is_asked_for_is_wrong(
    app: Flask, post: PostOffice
) -> None:
    assert server_findings(app, MAIL_PORT=post.port, MAIL_USE_TLS=True) == ["relay.no_tls"]


# One click


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, "https://x.example"), "web.ok"),
        (Answer(302, "https://x.example"), "web.refused"),
        (Answer(403, "https://x.example"), "web.refused"),
        (Unfetchable("not_public"), "web.unseen"),
        (Unfetchable("certificate"), "web.unreachable"),
    ],
)
def test_leaving_in_one_click_is_tried_from_outside(
    app: Flask, monkeypatch: pytest.MonkeyPatch, answer: Answer | Unfetchable, expected: str
) -> None:
    def fetch(url: str, **asked: object) -> Answer:
        assert asked["method"] == "POST"
        assert asked["body"] == b"List-Unsubscribe=One-Click"
        assert url.startswith("https://press.example.org/unsubscribe/")
        if isinstance(answer, Unfetchable):
            raise answer
        return answer

    monkeypatch.setattr(web, "fetch", fetch)
    app.config["BASE_URL"] = "https://press.example.org"

    assert [finding.key for finding in web.look_at_one_click()] == [expected]


def test_why_an_address_did_not_answer_is_said_in_words(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["BASE_URL"] = "https://press.example.org"
    for reason in set(REASONS) - set(web.CANNOT_SAY):
        monkeypatch.setattr(web, "fetch", raising(Unfetchable(reason)))
        (finding,) = web.look_at_one_click()

        assert reason not in finding.text
        assert finding.text.startswith("https://press.example.org svarar inte")


def raising(error: Exception) -> Callable[..., Answer]:
    def fetch(url: str, **_: object) -> Answer:
        raise error

    return fetch


def test_the_link_that_is_tried_is_one_that_our_own_pages_answer(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["BASE_URL"] = "https://press.example.org"
    asked: list[str] = []
    monkeypatch.setattr(web, "fetch", lambda url, **_: asked.append(url) or Answer(200, url))
    list(web.look_at_one_click())

    answer = app.test_client().post(
        asked[0].removeprefix("https://press.example.org"),
        data=web.BODY,
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.status_code == 200


# The signature


@pytest.fixture
def signs(app: Flask, tmp_path: Path) -> keys.Key:
    (tmp_path / "key.pem").write_bytes(keys.new_key("ed25519"))
    app.config.update(
        DKIM_KEY=str(tmp_path / "key.pem"), DKIM_SELECTOR="s1", DKIM_DOMAIN="press.example"
    )
    signing.init_app(app)
    return signing.keys_in_force()[0]


def alerts() -> list[tuple[str, str]]:
    return [(alert.code, alert.subject) for alert in open_alerts()]


def test_a_key_that_dns_contradicts_is_told_of_once_and_taken_back_when_it_is_mended(
    app: Flask, dns: NameServer, signs: keys.Key
) -> None:
    look_at_signing(Names(dns.address))
    look_at_signing(Names(dns.address))
    told = alerts()
    dns.say(signs.name, "TXT", signs.record)
    look_at_signing(Names(dns.address))

    assert told == [("dkim_broken", "s1._domainkey.press.example")]
    assert alerts() == []


def test_a_resolver_that_is_silent_raises_no_alert(
    app: Flask, dns: NameServer, signs: keys.Key
) -> None:
    dns.silent.add(signs.name)

    look_at_signing(Names(dns.address))

    assert alerts() == []


def test_the_job_looks_once_an_hour(app: Flask, dns: NameServer, signs: keys.Key) -> None:
    app.config["DNS_SERVER"] = dns.address

    jobs.run("check_signing")
    jobs.run("check_signing")

    assert len(dns.asked) == 1
    assert alerts() == [("dkim_broken", signs.name)]


# The commands


def run(app: Flask, *words: str) -> Result:
    environment = {"PRESSRUM_VAR": str(app.config["VAR"]), "PRESSRUM_MAIL_FROM": "p@press.example"}
    for group in (trust_commands.dkim, trust_commands.mail):
        cli.add_command(group)
    result: Result = app.test_cli_runner(env=environment).invoke(cli, list(words))
    return result


def test_the_command_says_what_to_do_and_ends_with_1_when_something_is_wrong(app: Flask) -> None:
    result = run(app, "doctor")

    assert result.exit_code == 1
    assert "user add" in result.output


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_is_found_has_words_and_says_what_to_do(language: str) -> None:
    words = catalogue(language)
    source = "".join(
        path.read_text(encoding="utf-8") for path in Path(relay.__file__).parent.glob("*.py")
    )

    calls = re.findall(r'\b(ok|advice|unknown|wrong)\(\s*(?:"[^"]*"|name),\s*"([^"]+)"', source)
    assert len(calls) > 60
    for level, key in calls:
        assert f"trust.{key}.what" in words, key
        if level != "ok" and key not in {"late", "failed", "local"}:
            assert f"trust.{key}.todo" in words, key


def test_a_key_is_made_for_its_owner_alone_and_never_over_another(app: Flask) -> None:
    first = run(app, "dkim", "new", "--selector", "press1")
    again = run(app, "dkim", "new", "--selector", "press1")

    path = app.config["VAR"] / "dkim-press1.pem"
    key = keys.read_key(path, selector="press1", domain="press.example")
    assert first.exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(Record(key.name, "TXT", key.record)) in first.stdout
    assert again.exit_code == 1
    assert str(path) in again.stderr


def test_a_key_with_a_selector_that_is_none_is_not_made(app: Flask) -> None:
    result = run(app, "dkim", "new", "--selector", "Press 1")

    assert result.exit_code == 1
    assert not list(app.config["VAR"].glob("dkim-*"))


def test_the_records_of_the_keys_in_use_can_be_shown(app: Flask, signs: keys.Key) -> None:
    result = run(app, "dkim", "show", "--json")

    assert json.loads(result.stdout) == [{"name": signs.name, "type": "TXT", "value": signs.record}]


def test_a_test_mail_goes_the_way_of_the_mailings(
    app: Flask, post: PostOffice, signs: keys.Key
) -> None:
    result = run(app, "mail", "test", "reader@news.example")

    assert result.exit_code == 0, result.output
    (letter,) = post.letters
    assert letter.to == "reader@news.example"
    assert letter.sender.startswith("b+0.")
    assert letter.raw.startswith(b"DKIM-Signature:")
    assert letter.message["Auto-Submitted"] == "auto-generated"
    assert "@press.example>" in letter.message["Message-ID"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 0


def test_a_test_mail_that_is_refused_says_what_the_server_said(
    app: Flask, post: PostOffice
) -> None:
    post.at_rcpt = lambda address: "550 5.7.1 not for you"

    result = run(app, "mail", "test", "reader@news.example")

    assert result.exit_code == 1
    assert "550 5.7.1 not for you" in result.output
