"""The newsroom as feeds: of a language, and of each programme, topic and place in it.

Programs get the document. A person who opens its address in a browser gets a page that says what a
feed is; only browsers send `Sec-Fetch-Dest: document`. With `?raw=1` they see the document too, as
plain text, since browsers offer to save what they know to be a feed.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.core.kept import kept
from releases.newsroom import pages
from releases.newsroom.feeds import subjects as feed_subjects
from releases.newsroom.feeds.feeding import (
    ARCHIVED,
    FORMS,
    address_of,
    archive_of,
    feed_of,
    title_of,
)
from releases.newsroom.feeds.items import Feed
from releases.newsroom.feeds.subjects import Subject
from releases.newsroom.lists import questions as lists
from releases.newsroom.wording import LANGUAGE, base_url
from releases.rounds.alphabet import swedish_key
from releases.rounds.register import Place

blueprint = Blueprint("feeds", __name__)
FORM = f"feed.<any({', '.join(FORMS)}):form>"
ARCHIVE_FORM = f"<any({', '.join(ARCHIVED)}):form>"
AGE = 60
SHOWN = 10  # releases on the page for people


@blueprint.get(f"/{LANGUAGE}/{FORM}")
@kept("raw", max_age=AGE)
def newsroom(language: str, form: str) -> ResponseReturnValue:
    """The latest releases of a language with their full text."""
    return _answer(feed_subjects.newsroom(language), form)


@blueprint.get(f"/{LANGUAGE}/programmes/<slug>/{FORM}")
@kept("raw", max_age=AGE)
def programme(language: str, slug: str, form: str) -> ResponseReturnValue:
    """Those of a programme."""
    return _answer(feed_subjects.programme_subject(language, slug), form)


@blueprint.get(f"/{LANGUAGE}/topics/<slug>/{FORM}")
@kept("raw", max_age=AGE)
def topic(language: str, slug: str, form: str) -> ResponseReturnValue:
    """Those of a topic; by a redirect of what has another address but is a topic too."""
    return _answer(feed_subjects.topic_subject(language, slug), form)


@blueprint.get(f"/{LANGUAGE}/places/<slug>/{FORM}")
@kept("raw", max_age=AGE)
def place(language: str, slug: str, form: str) -> ResponseReturnValue:
    """Those about a municipality or region, known by the code that its slug begins with."""
    return _answer(feed_subjects.place_subject(language, slug.partition("-")[0]), form)


@blueprint.get(f"/{LANGUAGE}/feed/archive/<name>.{ARCHIVE_FORM}")
@kept("raw", max_age=AGE)
def archive(language: str, name: str, form: str) -> ResponseReturnValue:
    """A hundred older releases, the oldest in the first document (RFC 5005)."""
    return _document(archive_of(language, name), form)


@blueprint.get(f"/{LANGUAGE}/feeds")
@kept()
def feeds(language: str) -> ResponseReturnValue:
    """Every feed there is, and how to subscribe."""
    parts = {
        "feeds.programmes": [
            feed_subjects.of_programme(one, language) for one in lists.programmes(language)
        ],
        "feeds.topics": [feed_subjects.of_topic(one, language) for one in lists.topics(language)],
        "feeds.places": [feed_subjects.of_place(one, language) for one in _places()],
    }
    return render_template(
        "newsroom/feeds.html",
        whole=feed_subjects.newsroom(language),
        parts={words: found for words, found in parts.items() if found},
        forms=FORMS,
        address_of=address_of,
        title_of=title_of,
    )


def _places() -> list[Place]:
    return sorted(lists.places(), key=lambda one: swedish_key(one.short))


def _answer(subject: Subject, form: str) -> ResponseReturnValue:
    url = f"{address_of(subject)}.{form}"
    if request.path != url.removeprefix(base_url()):
        return redirect(url, 301)
    if not _asks_for_document():
        return _for_people(subject, form)
    return _document(feed_of(subject), form)


def _asks_for_document() -> bool:
    return "raw" in request.args or request.headers.get("Sec-Fetch-Dest") != "document"


def _document(feed: Feed, name: str) -> Response:
    form = FORMS[name]
    response = make_response(form.write(feed))
    shown_as = "text/plain" if "raw" in request.args else form.content_type
    response.headers["Content-Type"] = f"{shown_as}; charset=utf-8"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "ETag, Last-Modified, Link"
    response.headers.add("Link", f'<{feed.address}.{name}>; rel="self"')
    for hub in feed.hubs:
        response.headers.add("Link", f'<{hub}>; rel="hub"')
    if feed.changed_at:
        response.last_modified = feed.changed_at.replace(microsecond=0)
    response.vary.add("Sec-Fetch-Dest")
    return response


def _for_people(subject: Subject, form: str) -> Response:
    """What a feed is, its address to copy, and what stands in it now."""
    found = feed_subjects.newest(subject)[:SHOWN]
    text = render_template(
        "newsroom/feed.html",
        subject=subject,
        title=title_of(subject),
        form=FORMS[form],
        suffix=form,
        address=f"{address_of(subject)}.{form}",
        releases=found,
        plain=pages.public_plain,
    )
    response = make_response(text)
    response.vary.add("Sec-Fetch-Dest")
    return response
