"""The mail server as we meet it: whether it lets us in, how privately, its name and repute."""

from __future__ import annotations

import ipaddress
import smtplib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from flask import current_app

from app.core.clock import now
from app.core.fetching import is_loopback, is_public
from app.core.mail import mail
from app.doctor.findings import Finding, advice, ok, unknown, wrong
from app.doctor.names import Names, Silent

EXPIRES_SOON = timedelta(days=14)
WANTED = ("pipelining", "8bitmime", "smtputf8", "size", "enhancedstatuscodes")
OLD_TLS = ("TLSv1", "TLSv1.1")

# Lists that anybody may ask a little, and an entry each that is always there: a resolver that a
# list refuses hears nothing, or a refusal in 127.255.255.0/24, of that one too.
ADDRESS_LISTS = ("zen.spamhaus.org", "bl.spamcop.net")
DOMAIN_LIST = "dbl.spamhaus.org"
REFUSED = ipaddress.ip_network("127.255.255.0/24")


def look_at_server() -> Iterator[Finding]:
    """Connect as the senders do, and say what is found. Sends no mail."""
    config = current_app.config
    where = f"{config['MAIL_SERVER']}:{config['MAIL_PORT']}"
    name = "mail server"
    try:
        host = mail.connect().configure_host()
    except ssl.SSLCertVerificationError as error:
        yield wrong(name, "relay.certificate", server=where, said=error.verify_message)
        return
    except smtplib.SMTPAuthenticationError as error:
        yield wrong(name, "relay.password", server=where, said=_said(error.smtp_error))
        return
    except smtplib.SMTPNotSupportedError:
        yield wrong(name, "relay.no_tls", server=where)
        return
    except (OSError, smtplib.SMTPException) as error:
        yield wrong(name, "relay.unreachable", server=where, said=str(error).splitlines()[0])
        return
    try:
        host.ehlo_or_helo_if_needed()
        yield ok(name, "relay.ok", server=where)
        yield from _privacy(host, where)
        offered = [one.upper() for one in WANTED if host.has_extn(one)]
        yield ok("offers", "relay.offers", offered=", ".join(offered) or "–")
        if not host.has_extn("smtputf8"):
            yield advice("offers", "relay.no_utf8", server=where)
    except (OSError, smtplib.SMTPException) as error:
        yield wrong(name, "relay.unreachable", server=where, said=str(error).splitlines()[0])
    finally:
        _leave(host)


def _privacy(host: smtplib.SMTP, where: str) -> Iterator[Finding]:
    config = current_app.config
    if isinstance(host.sock, ssl.SSLSocket):
        version = host.sock.version() or ""
        certificate = host.sock.getpeercert()
        if not certificate:
            yield wrong("tls", "tls.unverified", server=where)
            return
        ends = datetime.fromtimestamp(
            ssl.cert_time_to_seconds(str(certificate["notAfter"])), tz=UTC
        )
        days = (ends - now()).days
        if version in OLD_TLS:
            yield advice("tls", "tls.old", server=where, version=version)
        elif ends - now() < EXPIRES_SOON:
            yield advice("tls", "tls.ends_soon", server=where, n=days)
        else:
            yield ok("tls", "tls.ok", version=version, n=days)
        return
    peer = str(host.sock.getpeername()[0]) if host.sock else ""
    if is_loopback(peer):
        yield ok("tls", "tls.same_machine")
    elif config["MAIL_USERNAME"]:
        yield wrong("tls", "tls.password_in_the_open", server=where)
    elif host.has_extn("starttls"):
        yield wrong("tls", "tls.not_used", server=where)
    else:
        yield advice("tls", "tls.none", server=where)


def look_at_name(server: str, names: Names) -> Iterator[Finding]:
    """What the server's addresses are called, and whether that name leads back (PTR)."""
    addresses = [one for one in names.addresses(server) if is_public(one)]
    if not addresses:
        yield unknown("ptr", "ptr.elsewhere", server=server)
        return
    for address in addresses:
        called = names.pointers(address)
        if not called:
            yield advice("ptr", "ptr.none", address=address)
        elif not any(address in names.addresses(host) for host in called):
            yield advice("ptr", "ptr.differs", address=address, host=called[0])
        else:
            yield ok("ptr", "ptr.ok", address=address, host=called[0])


def look_at_lists(server: str, domain: str, names: Names) -> Iterator[Finding]:
    """Whether a well-known blocklist has the server or the domain, where the lists answer us."""
    addresses = [one for one in names.addresses(server) if is_public(one)]
    asked = [
        (place, address, f"{_reversed(address)}.{place}")
        for place in ADDRESS_LISTS
        for address in addresses
    ]
    asked.append((DOMAIN_LIST, domain, f"{domain}.{DOMAIN_LIST}"))
    silent, clean = set(), set()
    for place, what, question in asked:
        try:
            sample = "dbltest.com" if place == DOMAIN_LIST else "2.0.0.127"
            if not _listed(f"{sample}.{place}", names):
                silent.add(place)
            elif _listed(question, names):
                yield wrong("blocklists", "lists.listed", what=what, place=place)
            else:
                clean.add(place)
        except Silent:
            silent.add(place)
    if clean - silent:
        yield ok("blocklists", "lists.ok", places=", ".join(sorted(clean - silent)))
    if silent:
        yield unknown("blocklists", "lists.silent", places=", ".join(sorted(silent)))


def _listed(question: str, names: Names) -> bool:
    found = [ipaddress.ip_address(one) for one in names.ipv4(question)]
    if any(one in REFUSED for one in found):
        raise Silent(question)
    return any(one.is_loopback for one in found)


def _reversed(address: str) -> str:
    return ipaddress.ip_address(address).reverse_pointer.rsplit(".", 2)[0]


def _said(text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(words.split())[:200]


def _leave(host: smtplib.SMTP) -> None:
    try:
        host.quit()
    except (OSError, smtplib.SMTPException):
        host.close()
