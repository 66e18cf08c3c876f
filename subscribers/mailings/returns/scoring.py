"""What a refusal says about a mailbox, and when enough has been said.

The status code of RFC 3463 goes first, the remote server's own before the reporting one's; then the
SMTP code and the words. A wrong *hard* silences a reader, so whatever sounds like a refusal of
ourselves is never one. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from subscribers.mailings.models import InboundKind

POINTS: Final = 5
MAILINGS: Final = 3
SPAN: Final = timedelta(days=7)
CLEAN_AFTER: Final = timedelta(days=7)  # a mail of which nothing came back that long arrived
AT_ONCE: Final = {"5.1.1", "5.1.10"}  # no such mailbox; no mail for that domain at all
TWICE: Final = {"5.1.2", "5.2.1"}  # no such domain; mailbox closed: on two different days

# An outage or a block looks as if everybody had left at once.
OUTAGE_AT_LEAST: Final = 10
OUTAGE_SHARE: Final = 0.2
OUTAGE_WITHIN: Final = timedelta(hours=1)

STATUS: Final = re.compile(
    r"(?:(?<![\w.:/-])|(?<=[245]\d\d-))([245])\.(\d{1,3})\.(\d{1,3})(?![\w.:/-]*\d)"
)
CODE: Final = re.compile(r"(?<![\w.:/+-])([45][0-7]\d)(?=[ :;,.#<-]|$)(?!\.\d)")

NO_SUCH_MAILBOX: Final = re.compile(
    r"user(?:name)?s? (?:is |was )?(?:unknown|not (?:found|known|exist)|doesn'?t exist|invalid)"
    r"|(?:unknown|invalid|no such|nonexistent|non-existent|bad|illegal|unrouteable|undeliverable)"
    r"(?: or \w+)? (?:e-?mail |mail |local |virtual |alias: )?"
    r"(?:user|recipient|mailbox|mail box|address|account|alias|local.?part|person|name|username)"
    r"|(?:user|recipient|mailbox|address|account|alias|person|name|inbox|addressee)"
    r"\b[^.;\n]{0,80}?"
    r"(?:does ?n[o']?t exist|does not exist|not exist|could(?: not|n't) be found|can ?not be found"
    r"|cannot be located|was ?n[o']t found|not (?:been )?found|not known|unknown|not listed in"
    r"|is not valid|no longer (?:valid|exists|available|active|on server|in use)|is invalid"
    r"|has been (?:deleted|removed)|not present in|not a valid|not a known|isn't a known)"
    r"|no (?:mailbox|mail box|account|user|one) (?:here )?(?:by that name|at this address|with)"
    r"|no mailbox (?:here|found)|mailbox (?:not found|unavailable|unknown|invalid)"
    r"|(?:this user )?does ?n[o']?t have an? [\w.]+ account|not (?:one of )?our (?:customer|user)"
    r"|is not a (?:valid|known) (?:mailbox|user|recipient)|not a (?:mailbox|local address)"
    r"|not listed in (?:the )?(?:domino|public name)|RecipNotFound|RESOLVER\.ADR\.(?:Ex)?Recip"
    r"|badrcptto|address (?:you entered )?(?:rejected|invalid)\b(?! due)|no such person"
    r"|recipient (?:unknown|invalid|not found|is not local)|account (?:unavailable|inactive)"
    r"|wasn't found at|couldn't be delivered.*wasn't found|the email account that you tried"
    r"|kunde inte hittas|hittades inte|finns inte|existerar inte|okänd (?:mottagare|användare)"
    r"|ok[äa]nd adress|nicht gefunden|existiert nicht|unbekannte[rn]? (?:empf|benutzer|adress)"
    r"|utilisateur inconnu|adresse (?:\w+ )?(?:inconnue|invalide)|n'existe pas|introuvable"
    r"|usuario desconocido|no existe|utente sconosciuto|non esiste|bestaat niet|onbekend"
    r"|findes ikke|finnes ikke|ukendt|ukjent|ei löydy|tuntematon|не существует|не найден"
    r"|неизвестн|ユーザー?は存在|見つかりません|リストにありません",
    re.IGNORECASE,
)
NO_SUCH_DOMAIN: Final = re.compile(
    r"(?:domain|host)(?: name)?(?: or host)?\b[^.;\n]{0,60}?"
    r"(?:not found|unknown|does ?n[o']?t exist|does not exist|no such|lookup fail|is invalid)"
    r"|name service error|couldn'?t find any host|no such (?:domain|host)|unknown (?:domain|host)"
    r"|unrouteable (?:mail )?domain|NXDOMAIN|bad destination (?:host|system)|null mx"
    r"|could not be found.{0,20}domain|domän(?:en)? (?:hittades inte|finns inte)"
    r"|\bdomain [\w.-]{1,253} does not exist|unable to look ?up host|name or service not known",
    re.IGNORECASE,
)
# Nothing else can be meant by these, whatever status stands before them.
SURELY_NO_MAILBOX: Final = re.compile(
    r"(?:no such|unknown|nonexistent|non-existent) (?:user|recipient|mailbox)\b|badrcptto"
    r"|\b(?:user|recipient|mailbox|account) (?:is )?(?:unknown|not found|does ?n[o']t exist"
    r"|does not exist)",
    re.IGNORECASE,
)
CLOSED: Final = re.compile(
    r"(?:mailbox|account|user|address|recipient|utente|konto)\b[^.;\n]{0,40}?"
    r"(?:disabled|suspended|discontinued|deactivated|inactive|locked|closed|expired|blocked for "
    r"inactivity|not active|avstängt|inaktiv|gesperrt|deaktiviert)"
    r"|(?:disabled|suspended|inactive|deactivated) (?:mailbox|account|user|recipient)"
    r"|no longer accept(?:s|ing) mail",
    re.IGNORECASE,
)
FULL: Final = re.compile(
    r"over ?.?quota|quota ?(?:has been )?(?:exceed|exceeded|full|reached|limit)"
    r"|exceed\w* .{0,30}quota"
    r"|(?:mailbox|mail box|inbox|mail ?folder|maildir)\b[^.;\n]{0,40}?(?:is |was )?(?:full"
    r"|too large|exceeded|over|size limit)|full mailbox|out of (?:storage|space)"
    r"|insufficient (?:system )?(?:storage|space)|not enough (?:space|storage)|disk (?:quota"
    r"|full)|storage (?:limit|exceeded)"
    r"|exceeded (?:its |the |their )?(?:storage|space|mailbox|disk)|account is full"
    r"|brevlåda\w*\b.{0,20}full|inkorg\w*\b.{0,20}full|utrymme\w* .{0,20}slut|postfach.{0,20}voll"
    r"|boîte.{0,30}pleine|buz[oó]n.{0,20}lleno|casella.{0,20}piena|postvak.{0,20}vol",
    re.IGNORECASE,
)
# Said of us: our name, our rate, our signature, our words.
REFUSED_US: Final = re.compile(
    r"spamhaus|spamcop|barracuda|sorbs|uceprotect|blacklist|blocklist|block list|black list"
    r"|blackhole|\brbl\b|dnsbl|(?<!not )listed (?:at|by|in|on)|reputation|\bspam\b"
    r"|spam(?:my)? (?:content|"
    r"message)|unsolicited|bulk mail|junk mail|\bvirus\b|malware|phishing|content (?:rejected|"
    r"filter|denied)|message (?:content )?(?:rejected|refused|blocked)(?: due| by| because| as)"
    r"|(?:ip|host|sender|server|connection|mail)\b[^.;\n]{0,60}?\b(?:blocked|banned|denied access)"
    r"|blocked (?:by|due(?! to inactiv)|because|using|for(?! inactiv)|-)|[ :]blocked\)"
    r"|envelope blocked|administrative prohibition|service refused, please|\bOFR_?\d"
    r"|banned|polic(?:y|ies)|dmarc|\bdkim\b|\bspf\b|reverse dns"
    r"|ptr record|rdns|not authenticated|unauthenticated|authentication (?:required|failed|checks)"
    r"|relay(?:ing)? (?:access )?(?:denied|not (?:permitted|allowed)|prohibited)|too many"
    r"|rate limit|throttl|sender (?:address )?(?:rejected|denied|refused|unknown|verify)"
    r"|not (?:authori[sz]ed|permitted|allowed) to (?:send|relay)|NotAuthorized|access denied",
    re.IGNORECASE,
)
CERTAIN_OF_US: Final = re.compile(
    r"spamhaus|spamcop|blacklist|blocklist|block list|dnsbl|\brbl\b|reputation|dmarc|\bdkim\b"
    r"|\bspf\b|unsolicited|(?<!not )listed (?:at|by|in|on)|relay(?:ing)? (?:access )?denied"
    r"|blocked (?:by|due(?! to inactiv)|because|using)|too many|rate limit|\bspam\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Verdict:
    """What a report says: its kind, with the status and the code it was judged by."""

    kind: InboundKind
    enhanced: str = ""
    code: int | None = None


@dataclass(frozen=True)
class Mark:
    """One mark against an address that still counts."""

    at: datetime
    mailing_id: int
    hard: bool
    enhanced: str = ""


def judge(action: str, status: str, said: str) -> Verdict:
    """What one recipient's report means. `action` is RFC 3464's, `said` the server's own words."""
    action = action.strip().lower()
    if action in ("delayed", "delay"):
        return Verdict(InboundKind.DELAYED, _status(status, said), _code(said))
    if action in ("relayed", "expanded", "delivered"):
        return Verdict(InboundKind.OTHER, _status(status, said), _code(said))
    enhanced, code = _status(status, said), _code(said)
    if not action and (enhanced.startswith("2.") or (not enhanced and code is None and not said)):
        return Verdict(InboundKind.OTHER, enhanced, code)
    kind, enhanced = _refusal(enhanced, code, said)
    return Verdict(kind, enhanced[:12], code)


def _refusal(enhanced: str, code: int | None, said: str) -> tuple[InboundKind, str]:
    """Failed for good: hard, soft or policy, and the status it comes to."""
    subject, _, detail = enhanced[2:].partition(".")
    is_transient = enhanced.startswith("4.") or (not enhanced and code is not None and code < 500)
    if subject in ("5", "6", "7") or (subject == "1" and detail in ("7", "8")):
        return _of_person(enhanced, said) or (InboundKind.POLICY, enhanced)
    if CERTAIN_OF_US.search(said) and not (subject == "2" and FULL.search(said)):
        return InboundKind.POLICY, enhanced
    if is_transient:
        return _not_yet(enhanced, said)
    if subject == "4":
        no_domain = NO_SUCH_DOMAIN.search(said) and not REFUSED_US.search(said)
        return (InboundKind.HARD, "5.1.2") if no_domain else (InboundKind.POLICY, enhanced)
    if FULL.search(said) and subject not in ("3",):
        return InboundKind.SOFT, enhanced or "5.2.2"
    if enhanced in AT_ONCE | TWICE:
        return InboundKind.HARD, enhanced
    if subject in ("2", "3") and detail != "0":
        return InboundKind.SOFT, enhanced
    return _by_words(enhanced, said)


def _of_person(enhanced: str, said: str) -> tuple[InboundKind, str] | None:
    """Some say that there is no such mailbox under a status that means us: 5.5.0 is what Outlook
    writes, 5.7.1 what some others do. Only where no word of theirs speaks of us."""
    if not enhanced.startswith("5.") or REFUSED_US.search(said):
        return None
    is_protocol = enhanced.startswith("5.5.0") and NO_SUCH_MAILBOX.search(said)
    is_generic = enhanced in ("5.7.0", "5.7.1") and SURELY_NO_MAILBOX.search(said)
    return (InboundKind.HARD, "5.1.1") if is_protocol or is_generic else None


def _not_yet(enhanced: str, said: str) -> tuple[InboundKind, str]:
    """Given up without a last word. What they did not want of us is nobody else's fault."""
    if "NXDOMAIN" in said:
        return InboundKind.HARD, "5.1.2"
    about_us = REFUSED_US.search(said) and not FULL.search(said)
    if about_us and not NO_SUCH_MAILBOX.search(said):
        return InboundKind.POLICY, enhanced
    return InboundKind.SOFT, enhanced


def _by_words(enhanced: str, said: str) -> tuple[InboundKind, str]:
    """The status says little; the words may say more."""
    if NO_SUCH_DOMAIN.search(said):
        return InboundKind.HARD, "5.1.2"
    if CLOSED.search(said):
        return InboundKind.HARD, "5.2.1"
    if NO_SUCH_MAILBOX.search(said):
        return InboundKind.HARD, "5.1.1"
    if REFUSED_US.search(said):
        return InboundKind.POLICY, enhanced
    return InboundKind.SOFT, enhanced


def _status(status: str, said: str) -> str:
    """The most telling status: the remote server's own where it is not a mere 5.0.0."""
    reported = next((match[0] for match in STATUS.finditer(status)), "")
    for match in STATUS.finditer(said):
        if match[1] != "2" and match[0][2:] != "0.0" and (not reported or match[1] == reported[0]):
            return match[0]
    return reported


def _code(said: str) -> int | None:
    found = CODE.search(said)
    return int(found[1]) if found else None


def is_over(marks: Sequence[Mark]) -> bool:
    """Whether an address with these marks, none of them cleared, is given up.

    No such mailbox: at once. No such domain or a closed mailbox: on two different days. Everything
    else counts at most a point a day: POINTS over MAILINGS and SPAN.
    """
    hard = [mark for mark in marks if mark.hard]
    if any(mark.enhanced in AT_ONCE for mark in hard):
        return True
    if len(_days(mark.at for mark in hard)) >= 2:
        return True
    if not marks:
        return False
    times = [mark.at for mark in marks]
    return (
        len(_days(times)) >= POINTS
        and len({mark.mailing_id for mark in marks}) >= MAILINGS
        and max(times) - min(times) >= SPAN
    )


def is_outage(*, refused: int, taken: int) -> bool:
    """Whether so many of a domain's addresses are refused that it is not about them."""
    tried = refused + taken
    return refused >= OUTAGE_AT_LEAST and refused > OUTAGE_SHARE * tried


def _days(times: Iterable[datetime]) -> set[date]:
    return {at.date() for at in times}
