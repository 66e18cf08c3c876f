# ruff: noqa: E501 - lines as long as servers write them
"""Reports as mail servers of many kinds write them, made out of what they are about.

Each builder writes what one kind of server sends, with the envelope address it goes to, the
recipient it speaks of and the Message-ID of the mail it returns. None is copied from anywhere.
"""

from __future__ import annotations

import base64
import quopri
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from subscribers.mailings.models import InboundKind

HARD, SOFT, POLICY = InboundKind.HARD, InboundKind.SOFT, InboundKind.POLICY
DELAYED, OTHER = InboundKind.DELAYED, InboundKind.OTHER


@dataclass(frozen=True)
class About:
    """What a report is about: where it goes, whom it names, which mail it returns."""

    to: str = "b+17.0123456789abcdef@bounce.press.example"
    recipient: str = "anna@reader.example"
    message_id: str = "17.00112233445566778899aabbccddeeff@press.example"
    leave: str = "https://press.example/unsubscribe/token"

    @property
    def returned(self) -> str:
        return (
            f"Received: from press.example (press.example [192.0.2.9])\n\tby mx.reader.example"
            f" with ESMTPS id 4XyZ for <{self.recipient}>;\n\tMon, 23 Nov 2026 09:00:01 +0100\n"
            f"From: =?utf-8?q?Pressrum?= <press@press.example>\nTo: <{self.recipient}>\n"
            f"Message-ID: <{self.message_id}>\n"
            f"List-Unsubscribe: <{self.leave}>\n"
            "Subject: Drygt 10 miljoner\nDate: Mon, 23 Nov 2026 09:00:00 +0100\n"
        )


class Reason(NamedTuple):
    status: str
    said: str
    kind: InboundKind
    enhanced: str


REASONS = {
    "unknown": Reason(
        "5.1.1", "550 5.1.1 <{r}>: Recipient address rejected: User unknown", HARD, "5.1.1"
    ),
    "null_mx": Reason("5.1.10", "556 5.1.10 Recipient address has null MX", HARD, "5.1.10"),
    "no_domain": Reason("5.1.2", "550 5.1.2 Bad destination host", HARD, "5.1.2"),
    "closed": Reason(
        "5.2.1", "550 5.2.1 The account that you tried to reach is inactive", HARD, "5.2.1"
    ),
    "full": Reason("5.2.2", "552 5.2.2 Mailbox full for {r}", SOFT, "5.2.2"),
    "too_big": Reason("5.3.4", "552 5.3.4 Message size exceeds fixed limit", SOFT, "5.3.4"),
    "expired": Reason("4.4.7", "4.4.7 Message expired in the queue", SOFT, "4.4.7"),
    "refused": Reason(
        "5.7.1", "554 5.7.1 Service unavailable; blocked using zen.spamhaus.org", POLICY, "5.7.1"
    ),
    "unsigned": Reason(
        "5.7.515",
        "550 5.7.515 Access denied, sending domain does not meet the required authentication level",
        POLICY,
        "5.7.515",
    ),
    "unrouted": Reason(
        "5.4.14", "554 5.4.14 Hop count exceeded - possible mail loop", POLICY, "5.4.14"
    ),
    "bare": Reason("5.0.0", "550 no such user here", HARD, "5.1.1"),
    "bare_full": Reason("5.0.0", "552 sorry, that recipient is over quota", SOFT, "5.0.0"),
}


def _mixed(about: About, head: str, *parts: str, boundary: str = "=_b0undary") -> bytes:
    body = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return (
        f"Return-Path: <>\nDelivered-To: {about.to}\n{head}\nTo: {about.to}\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type=delivery-status;\n\tboundary="{boundary}"\n'
        f"\n{body}--{boundary}--\n"
    ).encode()


def _text(text: str, charset: str = "us-ascii") -> str:
    return f"Content-Type: text/plain; charset={charset}\n\n{text}\n"


def postfix(about: About, reason: Reason, action: str = "failed") -> bytes:
    said = reason.said.format(r=about.recipient)
    return _mixed(
        about,
        "From: MAILER-DAEMON@mx.relay.example (Mail Delivery System)\n"
        "Subject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\n"
        "Message-Id: <20261123090002.4D1@mx.relay.example>\nDate: Mon, 23 Nov 2026 09:00:02 +0100",
        "Content-Description: Notification\n"
        + _text(
            "This is the mail system at host mx.relay.example.\n\nI'm sorry to have to inform you "
            "that your message could not\nbe delivered to one or more recipients.\n\n"
            f"<{about.recipient}>: host mx.reader.example[198.51.100.7] said: {said}\n"
            "    (in reply to RCPT TO command)"
        ),
        "Content-Description: Delivery report\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mx.relay.example\nX-Postfix-Queue-ID: 4D1\n"
        f"X-Postfix-Sender: rfc822; {about.to}\nArrival-Date: Mon, 23 Nov 2026 09:00:01 +0100\n\n"
        f"Final-Recipient: rfc822; {about.recipient}\n"
        f"Original-Recipient: rfc822;{about.recipient}\nAction: {action}\n"
        f"Status: {reason.status}\nRemote-MTA: dns; mx.reader.example\n"
        f"Diagnostic-Code: smtp; {said}\n",
        f"Content-Description: Undelivered Message\nContent-Type: message/rfc822\n\n{about.returned}\nHej\n",
    )


def exim(about: About, reason: Reason, action: str = "failed") -> bytes:
    said = reason.said.format(r=about.recipient)
    return _mixed(
        about,
        f"X-Failed-Recipients: {about.recipient}\nAuto-Submitted: auto-replied\n"
        "From: Mail Delivery System <Mailer-Daemon@mx.relay.example>\n"
        "Subject: Mail delivery failed: returning message to sender\n"
        "Message-Id: <E1t-0000-1@mx.relay.example>",
        _text(
            "This message was created automatically by mail delivery software.\n\nA message that "
            "you sent could not be delivered to one or more of its\nrecipients. This is a permanent"
            f" error. The following address(es) failed:\n\n  {about.recipient}\n"
            f"    SMTP error from remote mail server after RCPT TO:<{about.recipient}>:\n    {said}"
        ),
        "Content-type: message/delivery-status\n\nReporting-MTA: dns; mx.relay.example\n\n"
        f"Action: {action}\nFinal-Recipient: rfc822;{about.recipient}\nStatus: {reason.status}\n"
        f"Remote-MTA: dns; mx.reader.example\nDiagnostic-Code: smtp; {said}\n",
        f"Content-type: text/rfc822-headers\n\nReturn-path: <{about.to}>\n{about.returned}",
        boundary="1732348802-eximdsn-1",
    )


def sendmail(about: About, reason: Reason, action: str = "failed") -> bytes:
    said = reason.said.format(r=about.recipient)
    return _mixed(
        about,
        "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.relay.example>\n"
        "Subject: Returned mail: see transcript for details\n"
        "Auto-Submitted: auto-generated (failure)\nMessage-Id: <2026.09@mx.relay.example>",
        "\nThe original message was received at Mon, 23 Nov 2026 09:00:01 +0100\n\n"
        "   ----- The following addresses had permanent fatal errors -----\n"
        f"<{about.recipient}>\n    (reason: {said})\n\n"
        "   ----- Transcript of session follows -----\n... while talking to mx.reader.example.:\n"
        f">>> RCPT To:<{about.recipient}>\n<<< {said}\n",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.relay.example\n"
        "Received-From-MTA: DNS; press.example\nArrival-Date: Mon, 23 Nov 2026 09:00:01 +0100\n\n"
        f"Final-Recipient: RFC822; {about.recipient}\nAction: {action}\nStatus: {reason.status}\n"
        f"Remote-MTA: DNS; mx.reader.example\nDiagnostic-Code: SMTP; {said}\n"
        "Last-Attempt-Date: Mon, 23 Nov 2026 09:00:02 +0100\n",
        f"Content-Type: message/rfc822\n\nReturn-Path: <{about.to}>\n{about.returned}\nHej\n",
    )


def microsoft365(about: About, reason: Reason, action: str = "failed") -> bytes:
    said = reason.said.format(r=about.recipient)
    words = quopri.encodestring(
        f"Ditt meddelande till {about.recipient} kunde inte levereras.\n\n"
        f"Fel som rapporterades: {said}\n".encode()
    ).decode()
    page = base64.encodebytes(
        f"<html><head><style>p {{}}</style></head><body><p>{about.recipient}</p></body></html>".encode()
    ).decode()
    return _mixed(
        about,
        "From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@reader.example>\n"
        f"Subject: =?utf-8?B?{base64.b64encode(b'Kunde inte levereras: Drygt').decode()}?=\n"
        f"X-MS-Exchange-Message-Is-Ndr:\nIn-Reply-To: <{about.message_id}>\n"
        f"References: <{about.message_id}>\nAuto-Submitted: auto-replied\n"
        "Message-ID: <7e1f@AM0PR.eurprd.prod.outlook.com>",
        'Content-Type: multipart/alternative; differences=Content-Type;\n\tboundary="inner"\n\n'
        f'--inner\nContent-Type: text/plain; charset="utf-8"\n'
        f"Content-Transfer-Encoding: quoted-printable\n\n{words}\n--inner\n"
        f'Content-Type: text/html; charset="utf-8"\nContent-Transfer-Encoding: base64\n\n{page}\n'
        "--inner--\n",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns;AM0PR.eurprd.prod.outlook.com\n"
        "Received-From-MTA: dns;press.example\nArrival-Date: Mon, 23 Nov 2026 08:00:01 +0000\n\n"
        f"Final-Recipient: rfc822;{about.recipient}\nAction: {action}\nStatus: {reason.status}\n"
        f"Diagnostic-Code: smtp;{said}\n X-Display-Name: Anna\n",
        f"Content-Type: message/rfc822\n\n{about.returned}\nHej\n",
    )


def gmail(about: About, reason: Reason, action: str = "failed") -> bytes:
    said = reason.said.format(r=about.recipient)
    related = (
        'Content-Type: multipart/related; boundary="rel"\n\n--rel\n'
        'Content-Type: multipart/alternative; boundary="alt"\n\n--alt\n'
        'Content-Type: text/plain; charset="UTF-8"\n\n\n** Address not found **\n\nYour message '
        f"wasn't delivered to {about.recipient}.\n\nThe response was:\n{said}\n\n--alt\n"
        'Content-Type: text/html; charset="UTF-8"\n\n<html><body>hej</body></html>\n--alt--\n'
        '--rel\nContent-Type: image/png; name="icon.png"\nContent-Transfer-Encoding: base64\n\n'
        "iVBORw0KGgo=\n--rel--\n"
    )
    return _mixed(
        about,
        f"X-Failed-Recipients: {about.recipient}\n"
        "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nAuto-Submitted: auto-replied\n"
        f"Subject: Delivery Status Notification (Failure)\nReferences: <{about.message_id}>\n"
        f"In-Reply-To: <{about.message_id}>\nMessage-ID: <65.1@mx.google.com>",
        related,
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; googlemail.com\n"
        f"Received-From-MTA: dns; {about.to}\nArrival-Date: Mon, 23 Nov 2026 00:00:01 -0800 (PST)\n"
        f"X-Original-Message-ID: <{about.message_id}>\n\n"
        f"Final-Recipient: rfc822; {about.recipient}\nAction: {action}\nStatus: {reason.status}\n"
        "Remote-MTA: dns; mx.reader.example. (198.51.100.7, the server for the domain)\n"
        f"Diagnostic-Code: smtp; {said}\nLast-Attempt-Date: Mon, 23 Nov 2026 00:00:02 -0800 (PST)\n",
        f"Content-Type: message/rfc822\n\n{about.returned}\nHej\n",
        boundary="000000000000a1",
    )


def domino(about: About, reason: Reason, action: str = "failed") -> bytes:
    said = reason.said.format(r=about.recipient)
    return _mixed(
        about,
        "From: postmaster@reader.example\nSubject: DELIVERY FAILURE: Drygt 10 miljoner\n"
        "X-Mailer: Lotus Domino Release 9.0.1\nMessage-ID: <OF1.00@reader.example>",
        _text(
            f"Your message\n\n  Subject: Drygt 10 miljoner\n\nwas not delivered to:\n\n"
            f"  {about.recipient}\n\nbecause:\n\n  {said}"
        ),
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns;domino.reader.example\n\n"
        f"Final-Recipient: rfc822;{about.recipient}\nAction: {action}\nStatus: {reason.status}\n"
        f"Diagnostic-Code: X-Notes; {said}\n",
        f"Content-Type: text/rfc822-headers\n\n{about.returned}",
    )


def unicode_report(about: About, reason: Reason, action: str = "failed") -> bytes:
    """RFC 6533: everything may be UTF-8."""
    said = reason.said.format(r=about.recipient)
    return _mixed(
        about,
        "From: MAILER-DAEMON@mx.relay.example\nSubject: Ej levererat: Välkommen\n"
        "Message-ID: <u6533@mx.relay.example>",
        _text("Ditt brev till läsaren kom inte fram.", "utf-8"),
        "Content-Type: message/global-delivery-status\nContent-Transfer-Encoding: 8bit\n\n"
        "Reporting-MTA: dns; mx.relay.example\n\n"
        f"Original-Recipient: utf-8; {about.recipient}\nFinal-Recipient: utf-8; {about.recipient}\n"
        f"Action: {action}\nStatus: {reason.status}\nDiagnostic-Code: smtp; {said}\n",
        f"Content-Type: message/global-headers\n\n{about.returned}",
    )


def opensmtpd(about: About, reason: Reason, action: str = "failed") -> bytes:
    said = reason.said.format(r=about.recipient)
    return _mixed(
        about,
        "From: Mailer Daemon <MAILER-DAEMON@mx.relay.example>\n"
        "Subject: Delivery status notification: error\nMessage-Id: <o1@mx.relay.example>",
        _text(
            "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    An "
            "error has occurred while attempting to deliver a message for\n    the following list "
            f"of recipients:\n\n{about.recipient}: {said}"
        ),
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.relay.example\n\n"
        f"Final-Recipient: rfc822; {about.recipient}\nAction: {action}\nStatus: {reason.status}\n"
        f"Diagnostic-Code: smtp; {said}\n",
        f"Content-Type: text/rfc822-headers\n\n{about.returned}",
    )


def courier(about: About, reason: Reason, action: str = "failed") -> bytes:
    """Fields in another order, folded, and line ends of another age."""
    said = reason.said.format(r=about.recipient)
    return _mixed(
        about,
        'From: "Courier mail server at mx" <@>\nSubject: NOTICE: mail delivery status.\n'
        "Message-ID: <courier.1@mx.relay.example>",
        _text(
            f"This is a delivery status notification from mx.\n\n<{about.recipient}>:\n <<< {said}"
        ),
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\nArrival-Date: now\n\n"
        f"Action:\n {action}\nStatus: {reason.status} (said so)\nDiagnostic-Code: smtp;\n\t{said}\n"
        f"Final-Recipient: rfc822;\n {about.recipient}\n",
        f"Content-Type: text/rfc822-headers; charset=us-ascii\n\n{about.returned}",
    ).replace(b"\n", b"\r\n")


def mac_lines(about: About, reason: Reason, action: str = "failed") -> bytes:
    return postfix(about, reason, action).replace(b"\n", b"\r")


REPORTERS: dict[str, Callable[..., bytes]] = {
    "postfix": postfix,
    "exim": exim,
    "sendmail": sendmail,
    "microsoft365": microsoft365,
    "gmail": gmail,
    "domino": domino,
    "unicode": unicode_report,
    "opensmtpd": opensmtpd,
    "courier": courier,
    "mac_lines": mac_lines,
}


class Sample(NamedTuple):
    name: str
    raw: bytes
    kind: InboundKind
    enhanced: str


def reports(about: About) -> Iterator[Sample]:
    """Every reporter with every reason: RFC 3464 as it is really written."""
    for server, write in REPORTERS.items():
        for name, reason in REASONS.items():
            yield Sample(f"{server}-{name}", write(about, reason), reason.kind, reason.enhanced)
        for action in ("delayed", "relayed", "expanded", "delivered"):
            kind = DELAYED if action == "delayed" else OTHER
            status = "4.4.1" if action == "delayed" else "2.0.0"
            reason = Reason(status, "250 2.0.0 all is well", kind, "")
            yield Sample(f"{server}-{action}", write(about, reason, action), kind, "")


def plain(about: About, head: str, text: str, charset: str = "utf-8") -> bytes:
    """A mail of one part, addressed to the envelope sender."""
    return (
        f"Return-Path: <>\nDelivered-To: {about.to}\nTo: <{about.to}>\n{head}\n"
        f"MIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\n"
        f"Content-Transfer-Encoding: 8bit\n\n{text}\n"
    ).encode(charset)


def in_words(about: About) -> Iterator[Sample]:
    """Servers that use their own words."""
    r = about.recipient

    def sample(
        name: str, head: str, text: str, kind: InboundKind, enhanced: str, charset: str = "utf-8"
    ) -> Sample:
        whole = f"{text.format(r=r)}\n\n{{cut}}\n\n{about.returned}\nHej\n"
        return Sample(name, plain(about, head, whole, charset), kind, enhanced)

    def cut(found: Sample, line: str) -> Sample:
        return found._replace(raw=found.raw.replace(b"{cut}", line.encode()))

    qmail = "From: MAILER-DAEMON@mx.relay.example\nSubject: failure notice"
    hi = "Hi. This is the qmail-send program at mx.relay.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<{r}>:\n"
    below = "--- Below this line is a copy of the message."
    for name, said, kind, enhanced in (
        ("unknown", "Sorry, no mailbox here by that name. (#5.1.1)", HARD, "5.1.1"),
        ("vpopmail", "Sorry, no mailbox here by that name. vpopmail (#5.1.1)", HARD, "5.1.1"),
        (
            "remote",
            "198.51.100.7 does not like recipient.\nRemote host said: 550 5.1.1 User unknown\nGiving up on 198.51.100.7.",
            HARD,
            "5.1.1",
        ),
        ("domain", "Sorry, I couldn't find any host named reader.example. (#5.1.2)", HARD, "5.1.2"),
        ("quota", "user is over quota; 552 mailbox full. (#5.2.2)", SOFT, "5.2.2"),
        (
            "too_long",
            "I'm not going to try again; this message has been in the queue too long. (#4.4.7)",
            SOFT,
            "4.4.7",
        ),
        (
            "blocked",
            "198.51.100.7 failed after I sent the message.\nRemote host said: 554 5.7.1 Blocked by Spamhaus",
            POLICY,
            "5.7.1",
        ),
        ("closed", "This account has been disabled or discontinued [#102].", HARD, "5.2.1"),
    ):
        yield cut(sample(f"qmail-{name}", qmail, hi + said, kind, enhanced), below)
    exim_head = f"X-Failed-Recipients: {r}\nAuto-Submitted: auto-replied\nFrom: Mail Delivery System <Mailer-Daemon@mx.relay.example>\nSubject: Mail delivery failed: returning message to sender"
    exim_text = "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  {r}\n"
    copy = "------ This is a copy of the message, including all the headers. ------"
    for name, said, kind, enhanced in (
        ("unrouteable", "    Unrouteable address", HARD, "5.1.1"),
        ("unknown", "    550 5.1.1 <{r}> User unknown", HARD, "5.1.1"),
        ("quota", "    mailbox is full: retry timeout exceeded", SOFT, "5.2.2"),
        (
            "dmarc",
            "    550-5.7.26 This mail has been blocked because the sender is unauthenticated.",
            POLICY,
            "5.7.26",
        ),
        ("no_code", "    recipient rejected your address as spam", POLICY, ""),
    ):
        yield cut(sample(f"exim-words-{name}", exim_head, exim_text + said, kind, enhanced), copy)
    yield cut(
        sample(
            "exim-warning",
            "Auto-Submitted: auto-replied\nFrom: Mail Delivery System <Mailer-Daemon@mx>\nSubject: Warning: message 1tX delayed 24 hours",
            "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue.\n\n  {r}\n\nNo action is required on your part. Delivery attempts will continue for some time.",
            DELAYED,
            "",
        ),
        copy,
    )
    yield cut(
        sample(
            "gmail-words",
            f"X-Failed-Recipients: {r}\nFrom: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nSubject: Delivery Status Notification (Failure)",
            "Delivery to the following recipient failed permanently:\n\n     {r}\n\nTechnical details of permanent failure:\nGoogle tried to deliver your message, but it was rejected by the server. The error was:\n550 550 5.1.1 user unknown (state 14).",
            HARD,
            "5.1.1",
        ),
        "----- Original message -----",
    )
    yield cut(
        sample(
            "yahoo",
            "From: MAILER-DAEMON@yahoo.example\nSubject: Failure Notice",
            "Sorry, we were unable to deliver your message to the following address.\n\n<{r}>:\n554: delivery error: dd This user doesn't have a reader.example account ({r}) [0] - mta1",
            HARD,
            "5.1.1",
        ),
        "--- Below this line is a copy of the message.",
    )
    yield cut(
        sample(
            "exchange-sv",
            "From: Systemadministratör <postmaster@reader.example>\nSubject: Olevererbart: Drygt 10 miljoner",
            "Det gick inte att leverera till följande mottagare:\n\n{r}\nMottagarens e-postadress kunde inte hittas i mottagarens e-postsystem.\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##",
            HARD,
            "5.1.1",
        ),
        "Ursprungliga meddelandehuvuden:",
    )
    yield cut(
        sample(
            "swedish-words",
            "From: Postmaster <postmaster@reader.example>\nSubject: Det gick inte att leverera ditt mejl",
            "Hej!\n\nMejlet till {r} kunde inte levereras. Brevlådan är full.",
            SOFT,
            "5.2.2",
        ),
        "----- Ursprungligt meddelande -----",
    )
    yield cut(
        sample(
            "swedish-unknown",
            "From: Mail Delivery System <MAILER-DAEMON@reader.example>\nSubject: Leveransfel",
            "Mejlet kunde inte lämnas.\n\n{r}\n\nMottagaren finns inte.",
            HARD,
            "5.1.1",
        ),
        "----- Ursprungligt meddelande -----",
    )
    yield cut(
        sample(
            "german",
            "From: Mailer-Daemon@reader.example\nSubject: Unzustellbar: Drygt",
            "Ihre Nachricht konnte nicht zugestellt werden:\n\n{r}\n\nDer Empfänger existiert nicht.",
            HARD,
            "5.1.1",
            "iso-8859-1",
        ),
        "-----Original-Nachricht-----",
    )
    yield cut(
        sample(
            "french",
            "From: postmaster@reader.example\nSubject: Message non remis",
            "Votre message n'a pas pu être remis à :\n\n{r}\n\nUtilisateur inconnu.",
            HARD,
            "5.1.1",
        ),
        "----- Message d'origine -----",
    )
    yield cut(
        sample(
            "lotus",
            "From: postmaster@reader.example\nSubject: Undeliverable message",
            "------- Failure Reasons  --------\n\nUser anna (anna@reader.example) not listed in Domino Directory\n{r}",
            HARD,
            "5.1.1",
        ),
        "------- Returned Message --------",
    )
    yield cut(
        sample(
            "mdaemon",
            "From: MDaemon@reader.example\nSubject: MDaemon Warning - virtual delivery failure: permanent fatal error",
            "The attached message had PERMANENT fatal delivery errors!\n\n> <{r}>\n> 550 <{r}>, Recipient unknown",
            HARD,
            "5.1.1",
        ),
        "--- Message header follows ---",
    )


AWAY_SUBJECTS = (
    "Autosvar: Drygt 10 miljoner",
    "Automatiskt svar: Drygt 10 miljoner",
    "Frånvaro: jag är tillbaka den 7 december",
    "Jag är ledig till den 1 december",
    "Semester",
    "Föräldraledig till augusti",
    "Automatic reply: Drygt 10 miljoner",
    "Auto: Out of office",
    "Out of Office: Drygt",
    "Out-of-office reply",
    "Re: Drygt 10 miljoner (auto-reply)",
    "I am away until Monday",
    "On vacation",
    "Abwesenheitsnotiz",
    "Automatische Antwort: Drygt",
    "Réponse automatique : Drygt",
    "Respuesta automática: Drygt",
    "Risposta automatica: Drygt",
    "Automatisk svar: Drygt",
    "Poissaolo: Drygt",
    "Automaattinen vastaus: Drygt",
    "自動応答: Drygt",
    "Tack för ditt mejl!",
    "Vi har tagit emot ditt meddelande",
    "Jag har slutat på Läsaren AB",
    "Your message has been received [#4711]",
    "Please confirm your message to Anna",
)


def answering_machines(about: About) -> Iterator[tuple[str, bytes]]:
    """By their headers, and by their subject alone."""
    words = "Jag är inte på plats. Min brevlåda är full och adressen finns inte längre."
    for number, subject in enumerate(AWAY_SUBJECTS):
        head = f"From: Anna <{about.recipient}>\nSubject: {subject}"
        yield f"subject-{number}", plain(about, head, words)
    for number, header in enumerate(
        (
            "Auto-Submitted: auto-replied",
            "Auto-Submitted: auto-replied (vacation)",
            "Auto-Submitted: auto-generated",
            "X-Autoreply: yes",
            "X-Autorespond: Drygt",
            "Precedence: auto_reply",
            "Precedence: junk",
            "X-POST-MessageClass: 9; Autoresponder",
        )
    ):
        head = f"From: Anna <{about.recipient}>\nSubject: Sv: Drygt 10 miljoner\n{header}"
        yield f"header-{number}", plain(about, head, words)
    yield (
        "empty-sender",
        plain(about, f"From: Anna <{about.recipient}>\nSubject: Sv: Drygt", "Jag är på resa."),
    )
    yield (
        "read-receipt",
        (
            f"To: {about.to}\nFrom: Anna <{about.recipient}>\nSubject: Read: Drygt\n"
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=x\n\n"
            "--x\nContent-Type: text/plain\n\nYour message was read.\n--x\n"
            "Content-Type: message/disposition-notification\n\n"
            f"Final-Recipient: rfc822;{about.recipient}\nDisposition: manual-action; displayed\n--x--\n"
        ).encode(),
    )


def feedback(about: About, kind: str = "abuse", *, headers_only: bool = False) -> bytes:
    """RFC 5965, with the reader's address taken out as providers do."""
    returned = about.returned.replace(about.recipient, "redacted@example.invalid")
    part = "text/rfc822-headers" if headers_only else "message/rfc822"
    body = returned if headers_only else f"{returned}\nHej\n"
    return (
        "From: <feedbackloop@provider.example>\nTo: complaints@bounce.press.example\n"
        "Subject: FW: Drygt 10 miljoner\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="arf"\n\n--arf\n'
        "Content-Type: text/plain; charset=us-ascii\n\nThis is an email abuse report.\n\n--arf\n"
        "Content-Type: message/feedback-report\n\n"
        f"Feedback-Type: {kind}\nUser-Agent: Provider-FBL/1.0\nVersion: 1\nSource-IP: 192.0.2.9\n\n"
        f"--arf\nContent-Type: {part}\nContent-Disposition: inline\n\n{body}\n--arf--\n"
    ).encode()


def hotmail_complaint(about: About) -> bytes:
    """Microsoft's JMRP: the mail itself and no report."""
    return (
        "From: staff@hotmail.example\nTo: complaints@bounce.press.example\n"
        "Subject: complaint about message from 192.0.2.9\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="jmrp"\n\n--jmrp\nContent-Type: message/rfc822\n'
        "Content-Disposition: inline\n\nX-HmXmrOriginalRecipient: redacted\n"
        f"{about.returned}\nHej\n--jmrp--\n"
    ).encode()


def hostile(about: About) -> Iterator[tuple[str, bytes]]:
    """What nobody writes by accident, and some that somebody did."""
    good = postfix(about, REASONS["unknown"])
    yield "empty", b""
    yield "newlines", b"\n" * 10_000
    yield "zeros", b"\0" * 100_000
    yield "no_headers", b"just words, nothing else\nand more of them\n"
    yield "one_long_line", b"x" * 5_000_000
    yield "header_bomb", b"".join(b"X-%d: y\n" % n for n in range(200_000)) + b"\nend\n"
    yield "long_header", b"Subject: " + b"a" * 2_000_000 + b"\n\nbody\n"
    yield "folded_bomb", b"Subject: a\n" + b" b\n" * 300_000 + b"\n"
    nested = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(5_000)
    )
    yield "nested_multiparts", b"Subject: x\n" + nested + b"\nend"
    yield (
        "nested_messages",
        b"Subject: x\n" + b"Content-Type: message/rfc822\n\n" * 5_000 + b"Subject: y\n\nend",
    )
    yield (
        "many_parts",
        b'Subject: x\nContent-Type: multipart/mixed; boundary="a"\n\n' + b"--a\n\npart\n" * 50_000,
    )
    yield "cut_off", good[: len(good) // 2]
    yield "cut_in_headers", good[:120]
    yield "no_boundary", good.replace(b'boundary="=_b0undary"', b"")
    yield "wrong_boundary", good.replace(b'boundary="=_b0undary"', b'boundary="nowhere"')
    yield "odd_charset", good.replace(b"us-ascii", b"x-klingon")
    yield "costly_charset", good.replace(b"us-ascii", b"punycode").replace(b"I'm", b"a-" * 20_000)
    yield (
        "bad_base64",
        good.replace(b"text/plain", b"text/plain\nContent-Transfer-Encoding: base64"),
    )
    yield "bad_words", b"Subject: =?utf-8?b?!!!!?= =?nope?q?=ZZ?=\nFrom: <>\n\n=?=?=?\n"
    yield "surrogates", "Subject: \udcff\udc00\n\nx".encode("utf-8", "surrogatepass")
    yield "escapes", good.replace(b"rfc822; ", b"utf-8; \\x{110000}\\x{D800}\\x{0}")
    yield (
        "many_recipients",
        good.replace(
            b"Action: failed\n",
            b"Action: failed\n\n" + b"Final-Recipient: rfc822; a@b.example\n\n" * 20_000,
        ),
    )
    yield "twenty_megabytes", good + b"A" * 76 + b"\n" * 20 + (b"B" * 75 + b"\n") * 270_000
    words = plain(about, "From: MAILER-DAEMON@x.example\nSubject: failure notice", "{here}")
    yield "spaces", words.replace(b"{here}", b"<a@b.example>" + b" " * 50_000 + b"x")
    yield "empty_lines", words.replace(b"{here}", b"> \n" * 50_000)
    yield "addresses", words.replace(b"{here}", b"a@" * 50_000)
    yield "parentheses", words.replace(b"MAILER", b"(" * 5_000)
    page = words.replace(b"text/plain", b"text/html")
    yield "unclosed_styles", page.replace(b"{here}", b"<style>" * 50_000)
    yield "angles", page.replace(b"{here}", b"<" * 200_000)
    yield "nul_in_words", good.replace(b"User unknown", b"User \0 unknown")
