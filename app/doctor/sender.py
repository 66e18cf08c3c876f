"""What DNS says of the domains we send from: SPF, DKIM, DMARC, and where bounces come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.fetching import is_public
from app.doctor import dmarc, spf
from app.doctor.findings import Finding, Record, advice, ok, unknown, wrong
from app.doctor.names import Names, is_address

if TYPE_CHECKING:
    from subscribers.mailings.writing.keys import Key


@dataclass(frozen=True)
class Sender:
    """What an office says of itself that others see from outside.

    `mail_domain` is that of From, `bounce_domain` that of the envelope. `reads_returns` says
    whether anything has come back to us, or is set up to.
    """

    base_url: str
    mail_domain: str
    bounce_domain: str
    relay: str
    keys: Sequence[Key] = ()
    key_files: Sequence[Path] = ()
    selectors: Sequence[str] = ()
    signing_domain: str = ""
    reads_returns: bool = False


def look_at_spf(sender: Sender, names: Names) -> Iterator[Finding]:
    """Who may send as the envelope's domain, and whether our mail server is among them."""
    domain = sender.bounce_domain
    ours = [address for address in names.addresses(sender.relay) if is_public(address)]
    record = Record(domain, "TXT", f"v=spf1 {_named_in_spf(sender.relay) if ours else 'mx'} -all")
    try:
        text = spf.record_of(domain, names)
        if text is None:
            yield wrong("spf", "spf.none", domain=domain, record=record)
            return
        lookups = spf.count_lookups(domain, names)
    except spf.Broken as broken:
        yield wrong("spf", f"spf.{broken.problem}", domain=domain, where=broken.where)
        return
    sign = spf.ends_in(text)
    if sign == "+":
        yield wrong("spf", "spf.everybody", domain=domain)
    elif sign == "?" or (not sign and not spf.terms(text)[1]):
        yield advice("spf", "spf.open", domain=domain)
    else:
        yield ok("spf", "spf.ok", domain=domain, text=text, n=lookups)
    verdicts = [spf.check(domain, address, names) for address in ours]
    if any(sure and verdict is not spf.Verdict.PASS for verdict, sure in verdicts):
        yield advice("spf", "spf.elsewhere", server=sender.relay, domain=domain)


def _named_in_spf(relay: str) -> str:
    if not is_address(relay):
        return f"a:{relay}"
    return f"ip6:{relay}" if ":" in relay else f"ip4:{relay}"


def look_at_dkim(sender: Sender, names: Names) -> Iterator[Finding]:
    """Whether receivers find the key that our mail is signed with."""
    for path in sender.key_files:
        if path.stat().st_mode & 0o077:
            yield advice("dkim", "dkim.readable", path=str(path))
    for key in sender.keys:
        yield look_at_key(key, names)
    if sender.keys:
        if all(key.algorithm != "rsa-sha256" for key in sender.keys):
            yield advice("dkim", "dkim.only_ed25519")
        return
    for selector in sender.selectors:
        name = f"{selector}._domainkey.{sender.signing_domain}"
        tags = _tags(names.texts(name))
        if tags is None or not tags.get("p"):
            yield wrong("dkim", "dkim.relay_missing", name=name)
        else:
            yield ok("dkim", "dkim.relay_ok", name=name)
    if not sender.selectors:
        yield unknown("dkim", "dkim.relay", domain=sender.signing_domain)


def look_at_key(key: Key, names: Names) -> Finding:
    """Whether DNS has the public half of a key of ours. Raises Silent."""
    record = Record(key.name, "TXT", key.record)
    tags = _tags(names.texts(key.name))
    if tags is None:
        return wrong("dkim", "dkim.missing", name=key.name, record=record)
    if not tags.get("p"):
        return wrong("dkim", "dkim.revoked", name=key.name, record=record)
    if tags["p"] != key.public or tags.get("k", "rsa") != key.record.split("k=")[1].split(";")[0]:
        return wrong("dkim", "dkim.differs", name=key.name, record=record)
    if "y" in tags.get("t", "").split(":"):
        return advice("dkim", "dkim.testing", name=key.name, record=record)
    if key.is_short:
        return advice("dkim", "dkim.short", name=key.name, bits=key.bits)
    return ok("dkim", "dkim.ok", name=key.name, bits=key.bits)


def look_at_dmarc(sender: Sender, names: Names) -> Iterator[Finding]:
    """What receivers do with mail that is neither, and whether ours counts as the sender's."""
    domain = sender.mail_domain
    record = Record(
        f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=none; rua=mailto:dmarc-reports@{domain}"
    )
    try:
        found = dmarc.policy_for(domain, names)
    except dmarc.Several:
        yield wrong("dmarc", "dmarc.several", domain=domain)
        return
    if found is None:
        yield wrong("dmarc", "dmarc.none", domain=domain, record=record)
        return
    facts: dict[str, Any] = {"domain": found.domain, "policy": found.policy}
    if not found.reports:
        yield advice("dmarc", "dmarc.silent", **facts)
    elif found.policy == "none":
        yield advice("dmarc", "dmarc.watching", **facts)
    else:
        yield ok("dmarc", "dmarc.ok", **facts)
    if not dmarc.agree(domain, sender.bounce_domain, names, strict=found.strict_spf):
        yield advice("dmarc", "align.spf", domain=domain, other=sender.bounce_domain)
    if not dmarc.agree(domain, sender.signing_domain, names, strict=found.strict_dkim):
        yield wrong("dmarc", "align.dkim", domain=domain, other=sender.signing_domain)


def look_at_returns(sender: Sender, names: Names) -> Iterator[Finding]:
    """Whether bounces, and mails that unsubscribe, find their way back to us."""
    domain = sender.bounce_domain
    hosts = names.mail_hosts(domain)
    if hosts == ["."]:
        yield wrong("returns", "mx.refused", domain=domain)
    elif not hosts and not names.addresses(domain):
        yield wrong("returns", "mx.none", domain=domain)
    elif not hosts:
        yield advice("returns", "mx.implied", domain=domain)
    else:
        yield ok("returns", "mx.ok", domain=domain, hosts=", ".join(hosts))
    if not sender.reads_returns:
        yield advice("returns", "returns.unread", domain=domain)
    if hosts and hosts != ["."]:
        sts = _tags(names.texts(f"_mta-sts.{domain}"))
        reports = _tags(names.texts(f"_smtp._tls.{domain}"))
        if sts is None or reports is None:
            yield advice("returns", "sts.none", domain=domain)
        else:
            yield ok("returns", "sts.ok", domain=domain)


def _tags(texts: list[str]) -> dict[str, str] | None:
    """The tags of a record such as DKIM's; None when there is none."""
    for text in texts:
        pairs = (part.partition("=") for part in text.split(";"))
        tags = {name.strip(): "".join(value.split()) for name, equals, value in pairs if equals}
        if tags:
            return tags
    return None
