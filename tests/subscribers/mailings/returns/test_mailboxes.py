"""Emptying a Maildir, an IMAP folder and files: nothing lost, nothing counted twice."""

from __future__ import annotations

import io
import json
import smtplib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.alerts import Alert
from app.core.db import db
from app.serving import free_port
from subscribers.mailings.models import Bounce, Delivery, DeliveryState, InboundEvent, InboundKind
from subscribers.mailings.returns import applying, lmtp, mailboxes
from subscribers.mailings.returns.applying import Came, Taken
from subscribers.mailings.returns.mailboxes import Files, Imap, Maildir, Stream, Unreadable
from subscribers.return_commands import group
from tests.subscribers.mailings.returns import samples
from tests.subscribers.mailings.returns.cast import about, count, mailing, reader, report, sent
from tests.subscribers.mailings.returns.imap_server import ImapServer

pytestmark = pytest.mark.usefixtures("app")
HUMAN = b"From: bo@press.example\nTo: alva@press.example\nSubject: Lunch?\n\nTolv?\n"


@pytest.fixture
def maildir(tmp_path: Path) -> Maildir:
    for folder in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / folder).mkdir(parents=True)
    return Maildir(tmp_path / "Maildir")


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer() as server:
        yield server


def imap(server: ImapServer, **changes: object) -> Imap:
    given: dict[str, object] = {
        "host": "127.0.0.1",
        "port": server.port,
        "user": "bounces",
        "password": "secret",
        "implicit_tls": False,
    }
    return Imap(**{**given, **changes})  # type: ignore[arg-type]


def put(maildir: Maildir, name: str, raw: bytes, folder: str = "new") -> Path:
    path = maildir.path / folder / name
    path.write_bytes(raw)
    return path


def mails(number: int) -> list[Delivery]:
    under = mailing()
    return [sent(reader(f"r{n}@reader.example"), under) for n in range(number)]


def test_a_maildir_is_emptied_of_what_is_ours_and_keeps_the_rest(maildir: Maildir) -> None:
    one, two = mails(2)
    put(maildir, "1.a", report(one))
    put(maildir, "2.b:2,", report(two, "full"), "cur")
    put(maildir, "3.c", HUMAN)

    tally = mailboxes.empty(maildir)

    assert (tally.read, tally.applied, tally.left) == (3, 2, 1)
    assert [path.name for path in maildir.path.rglob("*") if path.is_file()] == ["3.c:2,S"]
    assert mailboxes.empty(maildir).read == 0


class Crash(BaseException):
    """The machine is gone."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_case_30_a_crash_around_the_storing_of_a_mail_leaves_it_there_and_one_event(
    maildir: Maildir, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    put(maildir, "1.a", report(mails(1)[0]))
    commit = db.session.commit

    def crash() -> None:
        if when == "after":
            commit()
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(db.session, "commit", crash)
        with pytest.raises(Crash):
            mailboxes.empty(maildir)
    db.session.rollback()
    assert len(list((maildir.path / "new").iterdir())) == 1
    assert count(InboundEvent) == (1 if when == "after" else 0)

    mailboxes.empty(maildir)

    assert (count(InboundEvent), count(Bounce)) == (1, 1)
    assert not list((maildir.path / "new").iterdir())


@pytest.mark.parametrize("when", ["before", "after"])
def test_case_30_the_same_with_imap(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    server.put(report(mails(1)[0]))
    commit = db.session.commit

    def crash() -> None:
        if when == "after":
            commit()
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(db.session, "commit", crash)
        with pytest.raises(Crash):
            mailboxes.empty(imap(server))
    db.session.rollback()
    assert [mail.flags for mail in server.mails] == [set()]

    mailboxes.empty(imap(server))

    assert (count(InboundEvent), count(Bounce), server.mails) == (1, 1, [])


def test_a_mail_that_cannot_be_stored_stays_and_the_others_are_read(
    maildir: Maildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = mails(2)
    put(maildir, "1.a", report(one))
    put(maildir, "2.b", report(two))
    take_in = applying.take_in

    def stumble(mails: Sequence[Came], **more: object) -> list[Taken]:
        if any(mail.raw == report(one) for mail in mails):
            raise sa.exc.OperationalError("insert", {}, Exception("disk full"))
        return take_in(mails, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(applying, "take_in", stumble)

    tally = mailboxes.empty(maildir)

    assert (tally.read, tally.failed) == (1, 1)
    assert [path.name for path in (maildir.path / "new").iterdir()] == ["1.a"]


def test_imap_reads_what_is_unseen_removes_what_is_ours_and_marks_the_rest(
    server: ImapServer,
) -> None:
    one, two = mails(2)
    server.put(report(one), HUMAN)
    server.put(report(two), flags=r"\Seen")
    server.put(HUMAN, flags=r"\Deleted")  # somebody else's business

    tally = mailboxes.empty(imap(server))

    assert (tally.read, tally.applied, tally.left) == (2, 1, 1)
    assert [(mail.uid, mail.flags) for mail in server.mails] == [
        (2, {r"\Seen"}),
        (3, {r"\Seen"}),
        (4, {r"\Deleted"}),
    ]


def test_without_uidplus_nothing_is_removed_only_marked() -> None:
    with ImapServer(uidplus=False) as server:
        server.put(report(mails(1)[0]))

        mailboxes.empty(imap(server))

        assert [mail.flags for mail in server.mails] == [{r"\Seen", r"\Deleted"}]
        assert mailboxes.empty(imap(server)).read == 0


def test_no_more_of_a_long_mail_is_fetched_than_is_read(server: ImapServer) -> None:
    raw = report(mails(1)[0]) + b"A" * 3_000_000
    server.put(raw)

    assert mailboxes.empty(imap(server)).applied == 1
    assert "<0.1048576>" in server.fetched[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "wrong"},
        {"folder": "Nowhere"},
        {"port": 9},
        {"implicit_tls": True},
        {"host": "localhost.localdomain.invalid"},
    ],
    ids=str,
)
def test_a_mailbox_that_cannot_be_opened_says_so(
    server: ImapServer, changes: dict[str, object]
) -> None:
    with pytest.raises(Unreadable):
        mailboxes.empty(imap(server, **changes))


def test_a_connection_that_breaks_in_the_middle_loses_nothing(server: ImapServer) -> None:
    server.put(*[report(mail) for mail in mails(3)])
    server.hangs_up_on = "UID STORE 2"
    with pytest.raises(Unreadable):
        mailboxes.empty(imap(server))

    server.hangs_up_on = ""
    mailboxes.empty(imap(server))

    assert (count(InboundEvent), count(Bounce)) == (3, 3)


def test_the_job_tells_the_operator_of_an_unreadable_mailbox_and_of_its_end(
    app: Flask, maildir: Maildir
) -> None:
    app.config["BOUNCE_MAILBOX"] = f"maildir://{maildir.path}/nowhere"
    mailboxes.read_bounces()
    assert db.session.scalars(sa.select(Alert.code)).all() == ["mailbox_unreadable"]

    (maildir.path / "nowhere" / "new").mkdir(parents=True)
    (maildir.path / "nowhere" / "cur").mkdir()
    mailboxes.read_bounces()

    assert count(Alert, Alert.cleared_at.is_(None)) == 0


def test_no_password_stands_in_an_alert() -> None:
    shown = mailboxes.without_password("imaps://user:secret@host/INBOX")

    assert shown == "imaps://user@host/INBOX"


def test_the_job_does_nothing_where_no_mailbox_is_set() -> None:
    mailboxes.read_bounces()

    assert count(Alert) == 0


def test_a_file_may_be_one_message_a_mbox_or_a_folder(tmp_path: Path) -> None:
    one, two, three = mails(3)
    mbox = tmp_path / "mbox"
    mbox.write_bytes(
        b"".join(
            b"From MAILER-DAEMON Mon Nov 23 09:00:02 2026\n" + report(m) + b"\n" for m in (one, two)
        )
    )
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.eml").write_bytes(report(three))

    assert mailboxes.empty(Files(mbox)).applied == 2
    assert mailboxes.empty(Files(folder)).applied == 1
    assert mailboxes.empty(Files(folder / "a.eml")).new == 0
    assert mbox.exists()


def test_from_at_the_beginning_of_a_line_of_a_single_message_is_no_new_one() -> None:
    raw = report(mails(1)[0]).replace(b"Hej\n", b"\nFrom now on all is well\n")

    assert [*mailboxes.messages(io.BytesIO(raw))] == [raw]
    assert mailboxes.empty(Stream(io.BytesIO(raw))).applied == 1


def test_lmtp_answers_for_each_recipient_once_it_is_stored(app: Flask) -> None:
    one, two = mails(2)
    letters = [(about(m).to, report(m).replace(b"\n", b"\r\n")) for m in (one, two, one)]
    db.session.rollback()
    port = free_port(0)
    app.config["LMTP_LISTEN"] = f"127.0.0.1:{port}"
    box = lmtp.listening(app)
    assert box is not None
    try:
        with smtplib.LMTP("127.0.0.1", port) as carrier:
            for to, raw in letters:
                carrier.sendmail("", [to], raw)
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                carrier.sendmail("", ["alva@elsewhere.example"], HUMAN.replace(b"\n", b"\r\n"))
    finally:
        box.stop()

    db.session.expire_all()
    assert (count(InboundEvent), count(Bounce)) == (2, 2)
    assert one.state is DeliveryState.FAILED
    assert db.session.scalars(sa.select(InboundEvent.source).distinct()).one() == "lmtp"


def test_lmtp_keeps_a_mail_out_that_it_cannot_store(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = mails(1)[0]

    def full(*_: object, **__: object) -> list[Taken]:
        raise OSError("disk full")

    monkeypatch.setattr(applying, "take_in", full)
    port = free_port(0)
    app.config["LMTP_LISTEN"] = f"127.0.0.1:{port}"
    box = lmtp.listening(app)
    assert box is not None
    try:
        with smtplib.LMTP("127.0.0.1", port) as carrier, pytest.raises(smtplib.SMTPDataError) as no:
            carrier.sendmail("", [about(mail).to], report(mail).replace(b"\n", b"\r\n"))
    finally:
        box.stop()

    assert no.value.smtp_code == 451


def test_the_command_reads_a_pipe_and_says_what_it_did(app: Flask) -> None:
    mail = mails(1)[0]

    result = app.test_cli_runner().invoke(group, ["read", "-", "--json"], input=report(mail))

    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["read"], told["applied"], told["kinds"]) == (1, 1, {"hard": 1})
    assert told["mails"][0]["delivery"] == mail.id
    assert "@" not in result.stdout


def test_the_command_refuses_what_is_no_maildir_with_a_sentence(app: Flask, tmp_path: Path) -> None:
    result = app.test_cli_runner().invoke(group, ["read", "--maildir", str(tmp_path / "x")])

    assert result.exit_code == 1
    assert "Går inte att läsa" in result.stderr


def test_reading_without_saying_what_is_wrong_usage(app: Flask) -> None:
    assert app.test_cli_runner().invoke(group, ["read"]).exit_code == 2


def test_an_unknown_kind_of_mail_is_told_too(maildir: Maildir) -> None:
    put(maildir, "1.a", samples.feedback(samples.About()))

    tally = mailboxes.empty(maildir)

    assert (tally.kinds, tally.unmatched) == ({InboundKind.COMPLAINT.value: 1}, 1)
    assert tally.left == 1  # somebody may want to look at it where it lies
