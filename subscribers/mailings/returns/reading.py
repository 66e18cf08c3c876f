"""What a mail that came back says: who is meant, what became of them, whose marks it bears.

RFC 3464 and its relatives (6533, 3834, 5965) are read here. For what mail servers write in their
own words there are patterns, and flufl.bounce behind them. A report is told from an answering
machine by what it is, not by who it says it is from. Pure; never raises, whatever it is given.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes
from enum import StrEnum
from hashlib import sha256
from typing import Final

from subscribers.mailings.returns import mime
from subscribers.mailings.returns.mime import Part

MOST_TEXT: Final = 200_000
MOST_FATES: Final = 100
LONGEST_SAID: Final = 500
FLUFL_BYTES: Final = 100_000

# It logs each of its own failures with a page of traceback; to us they mean that it knows nothing.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)


class What(StrEnum):
    """What kind of mail it is, before anybody has looked whose."""

    REPORT = "report"  # what became of a mail
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"  # nobody has read it, or somebody is away
    OTHER = "other"  # a person's, or nothing we know
    UNPARSED = "unparsed"


@dataclass(frozen=True)
class Fate:
    """What became of one recipient. Addresses and status are empty where nothing was said.

    `mentioned` are addresses that stand somewhere in a report without fields, and may be meant.
    """

    recipients: tuple[str, ...] = ()
    action: str = ""
    status: str = ""
    said: str = ""
    mentioned: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """A mail as we understand it.

    `to` are the addresses it was sent to, as its own outer headers tell; `quoted` is all the text
    in which marks of the mail it is about may stand. `feedback` is the type of RFC 5965.
    """

    what: What
    to: tuple[str, ...] = ()
    fates: tuple[Fate, ...] = ()
    feedback: str = ""
    quoted: str = ""
    subject: str = ""
    key: bytes = b""


STATUS_KINDS: Final = {"message/delivery-status", "message/global-delivery-status"}
HEADER_KINDS: Final = {
    "text/rfc822-headers",
    "text/rfc822-header",
    "message/rfc822-headers",
    "message/global-headers",
}
RETURNED: Final = HEADER_KINDS | mime.CONTAINERS
SENT_TO: Final = (
    "to",
    "cc",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-forwarded-to",
    "x-delivered-to",
    "x-rcpt-to",
    "resent-to",
    "apparently-to",
)
SUBJECT_LINE: Final = re.compile(
    r"(?i)[ \t>*]*(?:(?:the )?subject(?: of the message is)?|ämne|betreff|objet|asunto|oggetto)"
    r"[ \t]*:"
)
# What MTAs put before the mail they return. Beyond it nothing is about its fate.
RETURNED_BELOW: Final = re.compile(
    r"(?im)^[ \t>*=_-]{0,80}(?:"
    r"below this line is a copy of the message|this is a copy of (?:the|your) message"
    r"|below (?:the next line )?is a copy of the"
    r"|(?:the )?original message(?! was (?:received|sent)| follows as)"
    r"(?: (?:text|headers?|follows?|below|attached))?|old message"
    r"|undelivered message|returned (?:message|mail)|unsent message|message header follows"
    r"|forwarded message|message (?:text|body) follows|message headers? follow"
    r"|the body of the message is|the header of the original message is following"
    r"|a copy of (?:the|your)(?: original)? message|message-copy"
    r"|(?:ursprungligt|ursprungliga) meddelande\w*|ursprüngliche nachricht|message d'origine"
    r"|original(?:nachricht| nachricht)|mensaje original|oorspronkelijk bericht"
    r"|original-nachricht|copy of (?:the )?message|the first \d+ lines of your"
    r"|included is a copy of the message header"
    r")\b"
)
DAEMON: Final = re.compile(
    r"(?i)mailer[-_ .]?daemon|post[-_ .]?master|mail (?:delivery|administrator)|delivery (?:system|"
    r"subsystem)|(?:^|[<\s])(?:bounces?|bounced|mailer|mdaemon|noreply-dsn)[@+]|mail system"
    r"|microsoft (?:outlook|exchange)|systemadministrat|internet mail delivery|mail-?daemon"
    r"|mail router|<>"
)
BOUNCE_SUBJECT: Final = re.compile(
    r"(?i)undeliver|non.?deliver|not delivered|could ?n[o']t be delivered|returned (?:mail"
    r"|to sender|message)|delivery (?:status|failure|problem|report|notification|error"
    r"|has failed|failed|unsuccessful|delayed|incomplete)|failure (?:notice|delivering)"
    r"|fail(?:ed|ure) (?:mail|to"
    r" deliver|delivery|notice)|mail (?:delivery )?(?:fail|error|undeliver|system error|not)"
    r"|message (?:status|delayed|could not|undeliver|delivery failure)|undelivered|unzustellbar"
    r"|nicht zugestellt|zustell|olevererbart|ej levererat|inte (?:levereras|leverera)|leveransfel"
    r"|kunde inte levereras|misslyckad leverans|kan ikke leveres|ikke leveret|ikke levert"
    r"|non remis|non remise|échec de|impossible de remettre|no se ha podido|no entregad|devuelto"
    r"|onbestelbaar|non recapitat|mancato recapito|niedostarcz|não entregue|недостав|配信不能"
    r"|toimitus|bounce|rejected mail|nondeliverable|user unknown|delivery to .* failed|warning: "
    r"(?:could not send|message)|mail could not|problem delivering|unable to deliver|DSN\b"
)
DELAYED: Final = re.compile(
    r"(?i)(?:has|have) (?:not yet been|been delayed|not been delivered yet)|will (?:be retried"
    r"|keep trying|continue to|try again|retry|be re-?attempted)|still being (?:retried|attempted)"
    r"|this is a warning message only|you do not need to resend|warning: (?:message|could not send)"
    r".{0,60}(?:delayed|past|still|hours)|no action is required on your part"
    r"|delivery attempts will continue|message is delayed"
    r"|delivery (?:is |has been |status )?delayed"
    r"|försenat|has been postponed|advisory.only|verzögert"
    r"|temporarily deferred|not able to deliver.{0,60}yet|delivery delayed"
)
GIVEN_UP: Final = re.compile(
    r"(?i)giv(?:en|ing) up|permanent(?:ly)? (?:fail|error|fatal)|(?<!non-)fatal error"
    r"|failed permanently|timed out|too old|message expired|expired|no further"
    r"|returned to sender|will not try|being returned|delivery (?:has )?failed"
    r"|time.?out|retry timeout"
)
# An answering machine, by its own headers.
ANSWERING_HEADERS: Final = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-autogenerated",
    "x-mail-autoreply",
    "x-vacation",
    "x-vacation-message",
    "x-ms-exchange-inbox-rules-loop",
    "auto-reply",
)
AWAY: Final = re.compile(
    r"(?i)^(?:(?:re|sv|aw|vs|antw|fwd?|r|svar|ang)\s*:\s*)*[\W_]*(?:auto\s*:"
    r"|auto(?:matic(?:ally)?)?[- ]?(?:matic )?"
    r"(?:re(?:ply|sponse|spond\w*)|answer|svar|responder|generated)"
    r"|out[- ]of[- ](?:the[- ])?office|ooo\b|on (?:vacation|holiday|leave|parental leave)|vacation"
    r"|away (?:from|until)"
    r"|i am (?:away|out|on)|autosvar|automatiskt? svar|frånvar(?:o|ande)"
    r"|jag är (?:borta|bortrest|ledig|på)"
    r"|semester|föräldraledig|tjänstledig|ej på plats|inte på (?:plats|kontoret)|sjukskriven"
    r"|abwesenheit|automatische antwort|abwesend|urlaub|nicht im (?:büro|haus)|réponse automatique"
    r"|absence|absent|en congé|respuesta automática|fuera de la oficina|ausencia"
    r"|risposta automatica|fuori ufficio|assente|assenza|automatisch antwoord|afwezig"
    r"|automatisk svar"
    r"|fravær|ferie"
    r"|poissaolo|automaattinen vastaus|lomalla|resposta automática|autoodpowiedź|автоответ"
    r"|automatická odpověď|automatikus válasz|otomatik yanıt|automaatvastus|automātiskā atbilde"
    r"|automatinis atsakymas|sjálfvirkt svar|răspuns automat|автоматична|αυτόματη απάντηση"
    r"|отсутств|不在|自動応答|自動返信|thank you for (?:your (?:e-?mail|message|mail)|contacting)"
    r"|tack för (?:ditt|er[ta]?) (?:mejl|mail|e-post|meddelande)|vi har (?:tagit emot|mottagit)"
    r"|your (?:message|e-?mail|request|ticket).{0,30}(?:received|registered)|ärende(?:t|nummer)?\b"
    r"|\[?(?:ticket|case|request)[ #:\]-]"
    r"|mitt? (?:nya )?(?:mejl|e-post)|jag har slutat|har slutat|no longer (?:with|work))"
)
CHALLENGE: Final = re.compile(
    r"(?i)please confirm (?:your|that)|confirm (?:your )?(?:message|email|delivery|that you)"
    r"|boxbe|spamarrest|spam arrest|tmda|challenge[ -]response"
    r"|verify (?:that )?(?:you|your message)"
    r"|has been (?:quarantined|held).{0,60}(?:verify|confirm|click)|sender verification|qconfirm"
    r"|mailblocks|sender.{0,10}approval|bluebottle|vanquish"
)
FAILING: Final = re.compile(
    r"(?i)undeliver|not (?:be )?deliver|delivery (?:has )?fail|failed (?:to deliver|recipient)"
    r"|unable to (?:deliver|send)|could ?n[o']t (?:be )?(?:deliver|send)|did not reach|rejected"
    r"|returned|bounced|inte (?:be )?lever|no such user|non.?delivery|refused|fatal errors?"
    r"|permanent|nicht zugestellt|kunde inte|zustell|remis|entreg|user unknown|unavailable"
)
NO_REASON: Final = r"|[45]\.(?:[0235]\.0|0\.\d+)\b.*"
ANSWERS: Final = re.compile(r"(?i)^\s*(?:re|sv|vs|antw|aw|rif|odp|ynt)\s*:")
MESSAGE_ID: Final = re.compile(r"(?im)^[ \t>]*message-id[ \t]*:\s*<?([^\s<>]{3,300})")
ADDRESS: Final = re.compile(r"[^\s<>()\[\]\"',;:@\\]{1,120}@[^\s<>()\[\]\"',;:@\\/]{1,200}")
FIELD_BLOCK: Final = re.compile(
    r"(?im)^[ \t>]*(?:final-recipient|original-recipient|reporting-mta|action)[ \t]*:"
)
FAILED_LINE: Final = re.compile(
    r"(?im)^[ \t>*\"'|-]{0,12}"
    r"(?:(?:recipient(?: address)?|to|address|failed recipient|user)[ \t:*]{1,4})?"
    r"<?((?![\w.+-]*mailer-daemon)[^\s<>()\[\]\"',;:@]{1,120}@[^\s<>()\[\]\"',;:@]{1,200}?)>?"
    r"(?:[ \t]{0,4}\([^)\n]{0,200}\))?[ \t]{0,4}[:;,.]?[ \t]{0,40}$"
)
TOLD_LINE: Final = re.compile(
    r"(?m)^[ \t]{0,8}<?([^\s<>()\[\]\"',;:@]{1,120}@[^\s<>()\[\]\"',;:@]{1,200})>?: \S"
)
CUT_REPLY: Final = re.compile(r"[45]\d\d-(?:(?![45]\d\d[- ]).)*")
TRANSCRIPT: Final = re.compile(r"(?m)^<<< ([45]\d\d[- ].{0,400}?)\s*$")
STAGE_LINE: Final = re.compile(
    r"(?i)(?:after|in reply to|response to|for) (?:the )?(?:end of )?(?:pipelined )?"
    r"(?:MAIL FROM|RCPT TO|DATA|EHLO|HELO|initial connection)\b.{0,200}:\s*$"
)
REPLY_LINE: Final = re.compile(
    r"(?im)^.*(?<![\w.:/+-])(?:[45]\d\d[ :;,.#-]|#?[45]\.\d{1,3}\.\d{1,3}\b).*$"
)


def read(raw: bytes) -> Reading:
    """What a mail says; UNPARSED for what is none, or what even we do not get through."""
    try:
        return _read(raw)
    except Exception:  # whatever somebody sends us: it is kept, and a person may look at it
        return Reading(What.UNPARSED, key=sha256(raw[: mime.MOST_BYTES]).digest())


def _read(raw: bytes) -> Reading:
    mail = mime.read(raw)
    to = tuple(value for name in SENT_TO for value in mail.all(name))
    found = Reading(
        What.OTHER,
        to=to,
        subject=" ".join(mail.get("subject").split())[:300],
        quoted=_quoted(mail),
        key=_key(mail),
    )
    if not mail.headers:
        return replace(found, what=What.UNPARSED)
    if feedback := _feedback(mail):
        return replace(found, what=What.COMPLAINT, feedback=feedback)
    if fates := _status_reports(mail):
        return replace(found, what=What.REPORT, fates=_with_words(fates, mail))
    text = _report_text(mail)
    if _is_receipt(mail) and not _rejected_by_a_rule(mail, text):
        return replace(found, what=What.AUTO_REPLY)
    if _is_bounce(mail, text, raw):
        return replace(found, what=What.REPORT, fates=_in_words(mail, text, raw))
    if _is_answering_machine(mail, text):
        return replace(found, what=What.AUTO_REPLY)
    return found


def _key(mail: Part) -> bytes:
    """The same for the same report, on whichever way it came: its own id and what it holds."""
    own = "\n".join(mail.get(name) for name in ("message-id", "subject", "date", "from"))
    trimmed = mail.body.strip()
    return sha256(own.encode("utf-8", "replace") + b"\0" + trimmed).digest()


def _quoted(mail: Part) -> str:
    """Everything in which our marks may stand: the references, every part's headers and text."""
    pieces = [mail.get("in-reply-to"), mail.get("references"), mail.get("x-original-message-id")]
    for part in mail.walk():
        if part.depth:
            pieces += [f"{name}: {value}" for name, value in part.headers]
        if not part.parts:
            pieces.append(part.text[:MOST_TEXT])
    return "\n".join(pieces)[:MOST_TEXT]


# --- RFC 3464 -------------------------------------------------------------------------------------


def _status_reports(mail: Part) -> tuple[Fate, ...]:
    """The recipients' fields, from the part that is there for them or from where they are."""
    for part in mail.walk():
        if part.kind in STATUS_KINDS and (fates := _fates(_status_text(part))):
            return fates
    for part in mail.walk():  # misdeclared, or in a mail whose boundaries are broken
        if not part.parts and part.kind.startswith("text/") and part.kind not in HEADER_KINDS:
            text = part.text[:MOST_TEXT]
            if _looks_like_fields(text) and (fates := _fates(text)):
                return fates
    return ()


def _with_words(fates: tuple[Fate, ...], mail: Part) -> tuple[Fate, ...]:
    """With what the fields of a report leave out, from its words: who is meant, and why."""
    text = _report_text(mail, but=STATUS_KINDS)
    fates = tuple(_completed(fate, text) for fate in fates)
    if len(fates) == 1:
        (fate,) = fates
        if not fate.recipients:
            fate = replace(fate, recipients=tuple(_named(mail, text)))
        return (replace(fate, said=_reason(text, fate.recipients)) if _is_silent(fate) else fate,)
    if not any(_is_silent(fate) for fate in fates):
        return fates
    told = _told_of_each([name for fate in fates for name in fate.recipients], text)
    return tuple(
        replace(fate, said=next((told[name] for name in fate.recipients if name in told), ""))
        if _is_silent(fate)
        else fate
        for fate in fates
    )


def _is_silent(fate: Fate) -> bool:
    """Whether the fields say nothing but that it failed."""
    return not fate.said and bool(re.fullmatch(NO_REASON, fate.status.strip()))


def _completed(fate: Fate, text: str) -> Fate:
    """Sendmail gives a reply's first line only; the others stand in its transcript."""
    if not CUT_REPLY.fullmatch(fate.said):
        return fate
    heard = TRANSCRIPT.findall(text)
    return replace(fate, said=_said(" ".join(heard))) if fate.said in heard else fate


def _status_text(part: Part) -> str:
    return part.text if not part.parts else "\n\n".join(one.text for one in part.walk())


def _looks_like_fields(text: str) -> bool:
    names = {match[0].strip(" \t>:").lower() for match in FIELD_BLOCK.finditer(text)}
    return bool(names & {"final-recipient", "original-recipient"}) and "action" in names


def _fates(text: str) -> tuple[Fate, ...]:
    fates: list[Fate] = []
    nobodys = Fate()  # what is said before anybody is named holds for all
    for block in re.split(r"\n[ \t]*\n+", text[:MOST_TEXT]):
        named = mime.fields(block.strip("\n"))
        fields: dict[str, str] = {}
        for name, value in named:
            if name in fields and name == "final-recipient":  # blocks run into each other
                fates.append(_fate(fields))
                fields.clear()
            fields.setdefault(name, value)
        if "final-recipient" in fields or "original-recipient" in fields:
            fates.append(_fate(fields))
        elif fates:  # an empty line in the middle
            fates[-1] = _filled(fates[-1], _fate(fields))
        else:
            nobodys = _filled(nobodys, _fate(fields))
        if len(fates) >= MOST_FATES:
            break
    whole = [_filled(fate, Fate(action=nobodys.action)) for fate in fates] or [nobodys]
    return tuple(fate for fate in whole if fate.action or fate.status or fate.said)


def _filled(fate: Fate, other: Fate) -> Fate:
    return replace(
        fate,
        action=fate.action or other.action,
        status=fate.status or other.status,
        said=fate.said or other.said,
    )


def _fate(fields: dict[str, str]) -> Fate:
    names = ("original-recipient", "final-recipient", "x-actual-recipient", "x-original-recipient")
    recipients = (_recipient(fields[name]) for name in names if name in fields)
    action = re.match(r"[a-z]+", fields.get("action", "").strip().lower())
    said = fields.get("diagnostic-code", "") or fields.get("x-notes-failure-reason", "")
    if "x-supplementary-info" in fields:
        said = f"{said} {fields['x-supplementary-info']}"
    return Fate(
        recipients=tuple(dict.fromkeys(one for one in recipients if one)),
        action=action[0] if action else "",
        status=fields.get("status", "")[:100],
        said=_said(said),
    )


def _recipient(value: str) -> str:
    """`rfc822; <anna@x.se>` or `utf-8; \\x{E5}sa@x.se` as the address alone."""
    kind, semicolon, address = value.partition(";")
    if not semicolon:
        kind, address = "", value
    address = address.strip().strip("<>").removeprefix("mailto:")
    if kind.strip().lower() in ("utf-8", "utf-8-addr", "utf-8-addr-xtext", "utf-8-addr-unitext"):
        address = re.sub(r"\\x\{([0-9A-Fa-f]{1,6})\}", _unescaped, address)
    elif re.search(r"\+[0-9A-F]{2}", address):  # xtext of RFC 3461: a plus is +2B
        address = re.sub(r"\+(2B|3D)", lambda hit: chr(int(hit[1], 16)), address)
    found = ADDRESS.search(address)
    return found[0].strip(".") if found else ""


def _unescaped(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def _said(value: str) -> str:
    value = re.sub(r"(?i)^\s*(?:x-)?[a-z0-9.-]{1,20}\s*;\s*", "", value)
    clean = "".join(char if char.isprintable() else " " for char in value)
    return " ".join(clean.split())[:LONGEST_SAID]


# --- RFC 5965 and those who report spam in their own way ------------------------------------------


def _feedback(mail: Part) -> str:
    """The type of a feedback report in lower case; empty when it is none."""
    for part in mail.walk():
        if part.kind == "message/feedback-report":
            return _feedback_type(_status_text(part)) or "unknown"
    if mail.parameter("report-type").lower() == "feedback-report":
        return _feedback_type("\n".join(part.text for part in mail.walk())) or "unknown"
    # Microsoft's JMRP: the mail itself, with the address it was reported from beside it.
    returned = [part for part in mail.walk() if part.depth]
    if any(part.all("x-hmxmroriginalrecipient") for part in returned):
        return "abuse"
    return ""


def _feedback_type(text: str) -> str:
    found = re.search(r"(?im)^[ \t]*feedback-type[ \t]*:[ \t]*([\w-]{1,40})", text[:MOST_TEXT])
    return found[1].lower() if found else ""


# --- what servers write in their own words --------------------------------------------------------


def _report_text(mail: Part, *, but: Collection[str] = ()) -> str:
    """What a report says before it quotes the mail it is about, in parts of other kinds."""
    pieces: list[str] = []

    def gather(part: Part) -> None:
        if part.depth and (part.kind in RETURNED or part.kind in but):
            return
        if part.parts:
            for one in part.parts:
                gather(one)
        elif part.kind.startswith(("text/", "message/")) or not part.depth:
            pieces.append(part.text[:MOST_TEXT])

    gather(mail)
    text = mime.tidy("\n".join(pieces)[:MOST_TEXT])
    cut = RETURNED_BELOW.search(text, 1)
    return text[: cut.start()] if cut and cut.start() > 20 else text


def _is_bounce(mail: Part, text: str, raw: bytes) -> bool:
    """Whether a mail server speaks, and of a mail that did not arrive."""
    if mail.all("x-failed-recipients") or mail.all("x-ms-exchange-message-is-ndr"):
        return True
    if "This is the qmail-send program" in text or "This is the Postfix program" in text:
        return True
    subject, sender = mail.get("subject"), mail.get("from") + " " + mail.get("return-path")
    if AWAY.search(subject):
        return False
    speaks_of_failure = bool(BOUNCE_SUBJECT.search(subject))
    if not speaks_of_failure and _is_a_persons(mail):
        return False
    is_daemon = bool(DAEMON.search(sender)) or not mail.get("from").strip()
    if mail.parameter("report-type").lower() == "delivery-status":
        return is_daemon or speaks_of_failure
    if is_daemon and speaks_of_failure:
        return True
    if is_daemon or speaks_of_failure:
        return bool(FAILING.search(text) or REPLY_LINE.search(text) or _by_flufl(mail, raw))
    return _rejected_by_a_rule(mail, text)


def _is_a_persons(mail: Part) -> bool:
    """Sent for somebody who is away: it answers, from an address that is no mail server's.

    An empty return path is what both have.
    """
    sender = mail.get("from")
    if not ADDRESS.search(sender) or DAEMON.search(sender):
        return False
    automatic = mail.get("auto-submitted").strip().lower()
    return automatic.startswith("auto-replied") or bool(ANSWERS.search(mail.get("subject")))


def _in_words(mail: Part, text: str, raw: bytes) -> tuple[Fate, ...]:
    """A report without fields: whom it names, and the line in which the server says why."""
    recipients = _named(mail, text) or _by_flufl(mail, raw)
    action = "failed"
    if DELAYED.search(text + "\n" + mail.get("subject")) and not GIVEN_UP.search(text):
        action = "delayed"
    told = _told_of_each(recipients, text) if len(recipients) > 1 else {}
    mentioned = tuple(_without_ours(ADDRESS.findall(text), mail))
    if told and len(told) == len(recipients):
        others = tuple(one for one in mentioned if one not in recipients)
        return tuple(Fate((one,), action, said=told[one], mentioned=others) for one in recipients)
    said = _reason(text, recipients or mentioned)
    return (Fate(tuple(recipients), action, "", said, mentioned=mentioned),)


def _reason(text: str, recipients: Sequence[str]) -> str:
    """Why, as the server says it: its reply, and the words around it where that tells little."""
    replies = [reply for _, reply in _replies(text)]
    said = _said(" ".join(replies[:3]))
    return said if _is_telling(said) else _said(f"{said} {_around_failure(text, recipients)}")


def _replies(text: str) -> list[tuple[int, str]]:
    """The lines in which a server answered, each with its number and what belongs to it.

    What is indented below goes on; the line before it may tell to which command, and goes last.
    """
    lines = text.split("\n")
    found: list[tuple[int, str]] = []
    at = 0
    while at < len(lines):
        first, at = at, at + 1
        if not REPLY_LINE.match(lines[first]):
            continue
        reply = [lines[first]]
        while at < len(lines) and len(reply) < 6 and _goes_on(lines[at]):
            reply.append(lines[at])
            at += 1
        if first and STAGE_LINE.search(lines[first - 1]):
            reply.append(lines[first - 1])
        found.append((first, " ".join(one.strip() for one in reply)))
    return found


def _goes_on(line: str) -> bool:
    is_indented = line[:1] in (" ", "\t") and bool(line.strip())
    return is_indented and not (REPLY_LINE.match(line) or FAILED_LINE.match(line))


def _told_of_each(recipients: Sequence[str], text: str) -> dict[str, str]:
    """What the server says of each of several, where it says it apart.

    In a reply that names one alone, or in one below a line that does.
    """
    lines = text.split("\n")
    marks = [(one, re.compile(rf"(?i)(?<![\w.+-]){re.escape(one)}(?![\w-])")) for one in recipients]
    told: dict[str, list[str]] = {}
    about, at = "", 0
    for number, reply in _replies(text):
        for line in (*lines[at:number], reply):
            named = [one for one, mark in marks if mark.search(line)]
            about = named[0] if len(named) == 1 else "" if named else about
        at = number + 1
        if about:
            told.setdefault(about, []).append(reply)
    return {one: _said(" ".join(replies[:3])) for one, replies in told.items()}


def _is_telling(said: str) -> bool:
    return bool(re.search(r"[45]\.(?!5\.0\b)[1-9]\d{0,2}\.\d", said)) or len(said) > 60


def _around_failure(text: str, recipients: Sequence[str]) -> str:
    """The words about the first recipient that is named, where the reason usually stands.

    Without the subject of the mail it is about: those are our words, not the server's.
    """
    lines = (line for line in text.split("\n") if line.strip() and not SUBJECT_LINE.match(line))
    flat = " ".join(" ".join(lines).split())
    if len(flat) <= LONGEST_SAID:
        return flat
    named = (flat.find(one) for one in recipients)
    at = min((one for one in named if one >= 0), default=len(flat))
    start = max(0, min(at - LONGEST_SAID // 3, len(flat) - LONGEST_SAID))
    return flat[flat.find(" ", start) + 1 if start else 0 :][:LONGEST_SAID]


def _named(mail: Part, text: str) -> list[str]:
    """The recipients that a report without fields speaks of."""
    found: list[str] = []
    for value in mail.all("x-failed-recipients"):
        found += ADDRESS.findall(value)
    if not found:
        found = [match[1] for match in FAILED_LINE.finditer(text)]
    if not found:
        found = [match[1] for match in TOLD_LINE.finditer(text)]
    return _without_ours(found, mail)


def _by_flufl(mail: Part, raw: bytes) -> list[str]:
    """What flufl.bounce finds. It parses anew, so only what is small is shown to it."""
    from flufl.bounce import all_failures

    if len(raw) > FLUFL_BYTES or raw.count(b"multipart/") > 20:
        return []
    tidied = mime.tidy(raw.replace(b"\r\n", b"\n").decode("latin-1")).encode("latin-1")
    try:
        temporary, permanent = all_failures(message_from_bytes(tidied))
    except Exception:  # its detectors take for granted what not every mail has
        return []
    found = sorted(one.decode("utf-8", "replace") for one in (*permanent, *temporary))
    return _without_ours(found, mail) or found[:MOST_FATES]


def _without_ours(found: Iterable[str], mail: Part) -> list[str]:
    """Not the addresses that the report itself came from and went to, and no mail's own id."""
    own = " ".join(
        value.lower() for name in ("from", "return-path", *SENT_TO) for value in mail.all(name)
    )
    kept = dict.fromkeys(one.strip(".") for one in found)
    if not kept:
        return []
    ids = {one.lower() for one in MESSAGE_ID.findall(_quoted(mail))}
    return [one for one in kept if one.lower() not in own and one.lower() not in ids][:MOST_FATES]


# --- answering machines ---------------------------------------------------------------------------


def _is_receipt(mail: Part) -> bool:
    """A disposition notification (RFC 8098): read, or deleted unread."""
    kinds = {part.kind for part in mail.walk()}
    return (
        mail.parameter("report-type").lower() == "disposition-notification"
        or "message/disposition-notification" in kinds
    )


def _rejected_by_a_rule(mail: Part, text: str) -> bool:
    """Dovecot's Sieve says in a receipt that it did not take a mail (RFC 5429)."""
    subject = mail.get("subject").lower()
    return "rejected mail" in subject and "was automatically rejected" in text


def _is_answering_machine(mail: Part, text: str) -> bool:
    """RFC 3834, those who came before it, and those who say so in their subject only."""
    automatic = mail.get("auto-submitted").strip().lower()
    if automatic and not automatic.startswith("no"):
        return True
    if any(mail.all(name) for name in ANSWERING_HEADERS):
        return True
    precedence = mail.get("precedence").strip().lower()
    if precedence in ("auto_reply", "auto-reply", "junk"):
        return True
    if "autoresponder" in mail.get("x-post-messageclass").lower():
        return True
    subject = mail.get("subject")
    if AWAY.search(subject) or CHALLENGE.search(subject) or CHALLENGE.search(text[:3000]):
        return True
    return mail.get("return-path").strip() == "<>"
