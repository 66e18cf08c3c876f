"""What stands in a public page's head for search engines: addresses, languages, linked data.

Templates ask for it by `heads.…(…)` and show it with `newsroom/_machines.html`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.core.organisation import organisation
from app.core.words import LANGUAGES, translate
from releases.editorial.models import Release, Revision
from releases.newsroom.corrections import Correction
from releases.newsroom.lists.filing import filing_of
from releases.newsroom.machines import linked_data
from releases.newsroom.machines.linked_data import Site
from releases.newsroom.pages import Text
from releases.newsroom.results import Results
from releases.newsroom.wording import address, base_url
from releases.review.quotes import quotes_in

MOST_PLACES = 50  # that linked data names; a longer round has them all in its own files


@dataclass(frozen=True)
class Head:
    """`canonical` is the page's whole address without what only a visitor's click put there.

    `alternates` are (language, address) of the same page, its own among them; `x_default` is for
    readers of other languages, else the first. `ninjs` is the same text for news systems.
    """

    canonical: str = ""
    alternates: Sequence[tuple[str, str]] = ()
    x_default: str = ""
    noindex: bool = False
    ninjs: str = ""
    linked: Sequence[dict[str, Any]] = ()


def site_in(language: str) -> Site:
    return Site(organisation(), base_url(), language)


def hidden(url: str = "") -> Head:
    """A page that nobody should find by searching; `url` is the one to find instead."""
    return Head(canonical=url, noindex=True)


def front(language: str, *, before: int | None = None) -> Head:
    """The newsroom's front page; `before` names the page further on in it."""
    site = site_in(language)
    organization = linked_data.page(linked_data.organization(site))
    return Head(
        canonical=site.page(f"?before={before}" if before else ""),
        alternates=() if before else _in_all_languages(""),
        x_default=f"{base_url()}/",
        linked=() if before else (linked_data.page(linked_data.website(site)), organization),
    )


def about(language: str) -> Head:
    """The page about the sender."""
    site = site_in(language)
    return Head(
        canonical=site.page("about"),
        alternates=_in_all_languages("about"),
        linked=[linked_data.page(linked_data.organization(site))],
    )


def listed(
    language: str, path: str, *steps: tuple[str, str], page: str = "", alone: bool = False
) -> Head:
    """A page at `/<language>/<path>` that is there in every language, such as a list.

    `steps` are (name, path) of the pages above it and of itself, `page` the query of a page further
    on in it (`before=12`). One that stands `alone` need not be there in another language.
    """
    site = site_in(language)
    way = [(translate("newsroom.title", language), site.page())]
    way += [(name, site.page(step)) for name, step in steps]
    return Head(
        canonical=site.page(f"{path}?{page}" if page else path),
        alternates=() if page or alone else _in_all_languages(path),
        linked=[linked_data.page(linked_data.breadcrumbs(*way))] if steps else (),
    )


def round_page(results: Results, *, after: int = 0) -> Head:
    """A round's page: what Google needs to find it as a dataset."""
    site, of = site_in(results.language), results.edition
    title = results.title
    description = translate(
        "machines.dataset",
        site.language,
        sender=site.sender.name(site.language),
        n=of.count,
        title=title,
        total=results.total,
        currency=of.currency,
    )
    path = f"rounds/{of.round.id}-{of.slug}"
    base = listed(site.language, path, (title, path), page=f"after={after}" if after else "")
    dataset = linked_data.dataset(results, site=site, description=description)
    return Head(
        canonical=base.canonical,
        alternates=base.alternates,
        linked=[linked_data.page(dataset), *base.linked],
    )


def release_page(
    release: Release,
    revision: Revision,
    *,
    text: Text,
    told: Sequence[Correction] = (),
    results: Results | None = None,
    other: Release | None = None,
) -> Head:
    """A public release with its live revision. `other` is the same news in the other language."""
    site, url = site_in(release.language), address(release)
    filing = filing_of(release, most=MOST_PLACES)
    article = linked_data.news_article(
        release,
        text=text,
        url=url,
        site=site,
        told=told,
        quotes=quotes_in(revision.body),
        filing=filing,
        results=results,
        translation=address(other) if other else None,
    )
    way = [(translate("newsroom.title", release.language), site.page())]
    if filing.programme:
        way.append((filing.programme.name, filing.programme.url))
    alternates = [(one.language, address(one)) for one in (release, other) if one]
    return Head(
        canonical=url,
        alternates=sorted(alternates, key=lambda pair: LANGUAGES.index(pair[0])),
        ninjs=f"{url}/ninjs.json",
        linked=[
            linked_data.page(article),
            linked_data.page(linked_data.breadcrumbs(*way, (text.title, url))),
        ],
    )


def _in_all_languages(path: str) -> list[tuple[str, str]]:
    return [(language, f"{base_url()}/{language}/{path}") for language in LANGUAGES]
