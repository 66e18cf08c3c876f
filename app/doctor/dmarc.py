"""DMARC (RFC 9989, which replaced 7489): a domain's policy, and which domains count as one.

The organisational domain is found as RFC 9989 4.10 has it, by walking up the tree, and no more by
a list of public suffixes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.doctor.names import Names

MOST_STEPS = 8
POLICIES = ("none", "quarantine", "reject")


class Several(Exception):
    """More than one record: receivers act as if there were none."""


@dataclass(frozen=True)
class Policy:
    """What a domain asks of receivers, and where it was found."""

    domain: str
    policy: str
    strict_spf: bool
    strict_dkim: bool
    reports: bool
    psd: str


def record_of(domain: str, names: Names) -> dict[str, str] | None:
    """The tags of a domain's own record. Raises Several, and Silent."""
    found = [
        text for text in names.texts(f"_dmarc.{domain}") if re.match(r"(?i)v\s*=\s*DMARC1\b", text)
    ]
    if len(found) > 1:
        raise Several
    if not found:
        return None
    pairs = (part.partition("=") for part in found[0].split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def policy_for(domain: str, names: Names) -> Policy | None:
    """The policy that receivers apply to mail from a domain; None when there is none."""
    own = record_of(domain, names)
    above = organisational_domain(domain, names)
    tags = own if own is not None else record_of(above, names) if above != domain else None
    if tags is None:
        return None
    asked = tags.get("p", "none") if own is not None else tags.get("sp", tags.get("p", "none"))
    return Policy(
        domain=domain if own is not None else above,
        policy=asked.lower() if asked.lower() in POLICIES else "none",
        strict_spf=tags.get("aspf", "r").lower() == "s",
        strict_dkim=tags.get("adkim", "r").lower() == "s",
        reports=bool(tags.get("rua")),
        psd=tags.get("psd", "u").lower(),
    )


def organisational_domain(domain: str, names: Names) -> str:
    """The domain that stands for all below it (RFC 9989 4.10.2)."""
    best = domain
    for name in _upwards(domain):
        try:
            tags = record_of(name, names)
        except Several:
            tags = None
        if tags is None:
            continue
        psd = tags.get("psd", "u").lower()
        if psd == "n":
            return name
        if psd == "y" and name != domain:
            return domain.split(".", domain.count(".") - name.count(".") - 1)[-1]
        best = name
    return best


def agree(one: str, other: str, names: Names, *, strict: bool) -> bool:
    """Whether a receiver takes two domains for the same sender's (alignment)."""
    if one == other:
        return True
    if strict:
        return False
    return organisational_domain(one, names) == organisational_domain(other, names)


def _upwards(domain: str) -> list[str]:
    """The domain and those above it, at most eight, as RFC 9989 4.10 shortens long ones."""
    labels = domain.split(".")
    found = [domain]
    rest = labels[1:] if len(labels) <= MOST_STEPS else labels[-(MOST_STEPS - 1) :]
    while rest:
        found.append(".".join(rest))
        rest = rest[1:]
    return found
