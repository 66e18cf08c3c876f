"""Links by which a reader passes a page on: plain addresses, so that nobody is watched. Pure.

Nothing of a network is loaded with our pages; it hears of a reader when they follow its link.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from app.core.words import translate
from releases.newsroom.pages import shortened

MOST_WORDS = 220  # Bluesky takes 300 signs, X 280; the address needs its room


@dataclass(frozen=True)
class ShareLink:
    """`name` is the network's; empty for mail, which each language calls something else."""

    name: str
    href: str


def share_links(*, title: str, url: str, sender: str, language: str) -> list[ShareLink]:
    """Mail first, then the networks that press officers meet.

    The networks' own pages for it: docs.bsky.app (intent links), share.joinmastodon.org, which
    finds out in the reader's browser where their account is, LinkedIn's share-offsite, X's
    intent/post and Facebook's sharer. LinkedIn and Facebook read the words off the page.
    """
    words, address = _quoted(shortened(title, MOST_WORDS)), _quoted(url)
    subject = translate("sharing.mail_subject", language, title=title)
    body = translate("sharing.mail_body", language, title=title, url=url, sender=sender)
    return [
        ShareLink("", f"mailto:?subject={_quoted(subject)}&body={_quoted(_lines(body))}"),
        ShareLink("LinkedIn", f"https://www.linkedin.com/sharing/share-offsite/?url={address}"),
        ShareLink("Facebook", f"https://www.facebook.com/sharer/sharer.php?u={address}"),
        ShareLink("Bluesky", f"https://bsky.app/intent/compose?text={words}%20{address}"),
        ShareLink("Mastodon", f"https://share.joinmastodon.org/#text={words}%20{address}"),
        ShareLink("X", f"https://x.com/intent/post?text={words}&url={address}"),
    ]


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _lines(text: str) -> str:
    """Lines as a mail address has to hold them (RFC 6068, section 5)."""
    return text.replace("\n", "\r\n")
