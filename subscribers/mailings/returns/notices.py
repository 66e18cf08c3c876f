"""What providers tell by themselves: Amazon SES, Postmark, Mailgun, SendGrid and Brevo.

For an office whose relay is one of them: bounces then come as JSON and not as mail. Reading is pure
and only what its sender has proved to be theirs is read at all (`verifying`). A notice that bears
one of our marks is matched by it; the others by the address and the newest mail that went to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from subscribers.mailings.models import InboundKind
from subscribers.mailings.returns import scoring

Told = Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """One thing a provider says of one recipient. `quoted` is where our marks may stand."""

    kind: InboundKind
    id: str
    recipient: str
    quoted: str = ""
    enhanced: str = ""
    code: int | None = None
    said: str = ""
    raw: str = ""


def read(provider: str, body: bytes) -> list[Event]:
    """What a notice says; nothing for what has no effect. Raises ValueError for what is none."""
    told = json.loads(body)
    return list(READERS[provider](told))


def _amazon(told: Any) -> Iterator[Event]:
    message = json.loads(_text(_map(told).get("Message")) or "{}")
    message = _map(message)
    what = _text(message.get("notificationType") or message.get("eventType"))
    mail = _map(message.get("mail"))
    quoted = json.dumps([mail.get("source"), mail.get("headers"), mail.get("commonHeaders")])
    raw = json.dumps(message)
    if what == "Bounce":
        bounce = _map(message.get("bounce"))
        sort, detail = _text(bounce.get("bounceType")), _text(bounce.get("bounceSubType"))
        for one in _maps(bounce.get("bouncedRecipients")):
            status, said = _text(one.get("status")), _text(one.get("diagnosticCode"))
            # Undetermined, and transient without a word: an answering machine.
            if sort == "Undetermined" or (sort == "Transient" and not status and not said):
                continue
            if not said and detail in ("NoEmail", "Suppressed", "OnAccountSuppressionList"):
                status = "5.1.1"
            if not said and detail == "MailboxFull":
                status = "5.2.2"
            yield _judged(
                bounce.get("feedbackId"), one.get("emailAddress"), quoted, status, said, raw
            )
    elif what == "Complaint":
        complaint = _map(message.get("complaint"))
        is_abuse = _text(complaint.get("complaintFeedbackType")) in ("", "abuse")
        for one in _maps(complaint.get("complainedRecipients")):
            kind = InboundKind.COMPLAINT if is_abuse else InboundKind.OTHER
            yield _event(kind, complaint.get("feedbackId"), one.get("emailAddress"), quoted, raw)


POSTMARK: Final = {
    "HardBounce": "5.1.1",
    "BadEmailAddress": "5.1.1",
    "SoftBounce": "5.2.2",
    "Blocked": "5.7.1",
    "SpamNotification": "5.7.1",
    "VirusNotification": "5.7.1",
    "DMARCPolicy": "5.7.1",
    "DnsError": "5.1.2",
}


def _postmark(told: Any) -> Iterator[Event]:
    told = _map(told)
    what, sort = _text(told.get("RecordType")), _text(told.get("Type"))
    quoted = json.dumps([told.get("Content"), told.get("Metadata")])
    raw = json.dumps(told)
    if what == "SpamComplaint" or sort == "SpamComplaint":
        yield _event(InboundKind.COMPLAINT, told.get("ID"), told.get("Email"), quoted, raw)
    elif what == "Bounce" and sort in POSTMARK:
        said = _text(told.get("Details"))
        status = "" if scoring.STATUS.search(said) else POSTMARK[sort]
        yield _judged(told.get("ID"), told.get("Email"), quoted, status, said, raw)


def _mailgun(told: Any) -> Iterator[Event]:
    event = _map(_map(told).get("event-data"))
    what, quoted = (
        _text(event.get("event")),
        json.dumps([event.get("message"), event.get("envelope")]),
    )
    raw = json.dumps(event)
    if what == "complained":
        yield _event(InboundKind.COMPLAINT, event.get("id"), event.get("recipient"), quoted, raw)
    elif what == "failed" and _text(event.get("severity")) == "permanent":
        status = _map(event.get("delivery-status"))
        words = [_text(status.get(name)) for name in ("code", "message", "description")]
        yield _judged(
            event.get("id"),
            event.get("recipient"),
            quoted,
            _text(status.get("enhanced-code")),
            " ".join(word for word in words if word),
            raw,
        )


def _sendgrid(told: Any) -> Iterator[Event]:
    for event in _maps(told):
        what, quoted, raw = _text(event.get("event")), json.dumps(event), json.dumps(event)
        own = event.get("sg_event_id")
        if what == "spamreport":
            yield _event(InboundKind.COMPLAINT, own, event.get("email"), quoted, raw)
        elif what == "bounce":
            status, said = _text(event.get("status")), _text(event.get("reason"))
            if event.get("type") == "blocked":
                status, said = "5.7.1", said
            yield _judged(own, event.get("email"), quoted, status, said, raw)


BREVO: Final = {"hard_bounce": "5.1.1", "invalid_email": "5.1.1", "soft_bounce": "5.2.2"}


def _brevo(told: Any) -> Iterator[Event]:
    for event in _maps(told if isinstance(told, list) else [told]):
        what, quoted, raw = _text(event.get("event")), json.dumps(event), json.dumps(event)
        own = f"{event.get('id')}:{event.get('ts_event')}:{event.get('message-id')}:{what}"
        if what in ("spam", "complaint"):
            yield _event(InboundKind.COMPLAINT, own, event.get("email"), quoted, raw)
        elif what in BREVO:
            said = _text(event.get("reason"))
            status = "" if scoring.STATUS.search(said) else BREVO[what]
            yield _judged(own, event.get("email"), quoted, status, said, raw)
        elif what == "blocked":
            yield _judged(own, event.get("email"), quoted, "5.7.1", _text(event.get("reason")), raw)


READERS: Final[Mapping[str, Callable[[Any], Iterator[Event]]]] = {
    "ses": _amazon,
    "postmark": _postmark,
    "mailgun": _mailgun,
    "sendgrid": _sendgrid,
    "brevo": _brevo,
}


def _judged(own: Any, recipient: Any, quoted: str, status: str, said: str, raw: str) -> Event:
    verdict = scoring.judge("failed", status, said)
    return Event(
        verdict.kind,
        _text(own),
        _text(recipient),
        quoted,
        verdict.enhanced,
        verdict.code,
        said[:500],
        raw,
    )


def _event(kind: InboundKind, own: Any, recipient: Any, quoted: str, raw: str) -> Event:
    return Event(kind, _text(own), _text(recipient), quoted, raw=raw)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _map(value: Any) -> Told:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[Told]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
