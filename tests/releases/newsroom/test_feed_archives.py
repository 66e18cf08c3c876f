"""The archive of a newsroom's feed (RFC 5005): everything is there, once, whatever happens."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.db import db
from releases.editorial.models import Release, Revision, State, Story
from releases.newsroom.feeds import feeding
from releases.newsroom.feeds import subjects as feed_subjects
from releases.newsroom.feeds.tree import ATOM, HISTORY, TOMBSTONES
from tests.releases.newsroom.desk import A_FRIDAY, Desk
from tests.releases.newsroom.feed_rules import problems

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents that are full soon: five newest, archives of four, growing by two."""
    monkeypatch.setattr(feed_subjects, "FEED", 5)
    monkeypatch.setattr(feeding, "FEED", 5)
    monkeypatch.setattr(feed_subjects, "WINDOW", 4)
    monkeypatch.setattr(feed_subjects, "STEP", 2)


def document(client: FlaskClient, url: str) -> ET.Element:
    answer = client.get(url.removeprefix(BASE))
    assert answer.status_code == 200, url
    return ET.fromstring(answer.data)


def link(root: ET.Element, relation: str) -> str:
    found = [one for one in root.iter(f"{{{ATOM}}}link") if one.get("rel") == relation]
    return found[0].get("href", "") if found else ""


def ids(root: ET.Element) -> list[str]:
    return [one.findtext(f"{{{ATOM}}}id", "") for one in root.findall(f"{{{ATOM}}}entry")]


def chain(client: FlaskClient, url: str = f"{BASE}/sv/feed.atom") -> dict[str, list[str]]:
    """The subscription document and all archive documents behind it, by address."""
    found: dict[str, list[str]] = {}
    while url:
        root = document(client, url)
        assert link(root, "self") == url
        found[url] = ids(root)
        url = link(root, "prev-archive")
        assert url not in found
    return found


def public_ids() -> set[str]:
    releases = db.session.query(Release).filter(Release.state != State.WITHDRAWN)
    return {f"tag:127.0.0.1,{one.created_at:%Y-%m-%d}:release/{one.id}" for one in releases}


class Follower:
    """A program that keeps to RFC 5005: it reads an archive document once, then never again."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.known: set[str] = set()

    def poll(self, client: FlaskClient) -> None:
        url = f"{BASE}/sv/feed.atom"
        while url and url not in self.seen:
            root = document(client, url)
            self.known |= set(ids(root))
            if root.find(f"{{{HISTORY}}}archive") is not None:
                self.seen.add(url)
            url = link(root, "prev-archive")


def publish(desk: Desk, number: int) -> Release:
    return desk.release(f"Nyhet {number}", published_at=A_FRIDAY + timedelta(minutes=number))


def test_a_small_newsroom_needs_no_archive(client: FlaskClient, desk: Desk, small: None) -> None:
    for number in range(4):
        publish(desk, number)

    assert list(chain(client)) == [f"{BASE}/sv/feed.atom"]


def test_older_releases_lie_in_documents_of_a_fixed_length(
    client: FlaskClient, desk: Desk, small: None
) -> None:
    for number in range(11):
        publish(desk, number)

    found = chain(client)

    start = f"{BASE}/sv/feed"
    assert list(found) == [
        f"{start}.atom",
        f"{start}/archive/3-2.atom",
        f"{start}/archive/2.atom",
        f"{start}/archive/1.atom",
    ]
    assert [len(one) for one in found.values()] == [5, 2, 4, 4]
    second = document(client, f"{start}/archive/2.atom")
    assert link(second, "current") == f"{start}.atom"
    assert link(second, "prev-archive") == f"{start}/archive/1.atom"
    assert link(second, "next-archive") == ""
    first = document(client, f"{start}/archive/1.atom")
    assert link(first, "next-archive") == f"{start}/archive/2.atom"


def test_every_document_of_the_archive_is_valid(
    client: FlaskClient, desk: Desk, small: None
) -> None:
    for number in range(11):
        publish(desk, number)

    for form, served in (("atom", "application/atom+xml"), ("rss", "application/rss+xml")):
        for name in ("1", "2", "3-2"):
            url = f"{BASE}/sv/feed/archive/{name}.{form}"
            answer = client.get(url.removeprefix(BASE))

            assert answer.headers["Content-Type"] == f"{served}; charset=utf-8"
            assert problems(answer.data, content_type=f"{served}; charset=utf-8", address=url) == []
            assert b"fh:archive" in answer.data


def test_rss_leads_through_the_archive_too(client: FlaskClient, desk: Desk, small: None) -> None:
    for number in range(9):
        publish(desk, number)
    url, found = f"{BASE}/sv/feed.rss", []
    while url:
        root = document(client, url)
        found.append([item.findtext("title") for item in root.iter("item")])
        url = link(root, "prev-archive")

    assert [len(one) for one in found] == [5, 4, 4]
    assert found[2] == ["Nyhet 3", "Nyhet 2", "Nyhet 1", "Nyhet 0"]


@pytest.mark.parametrize(
    "name",
    ["0", "3", "99999999999", "1-1", "1-3", "1-5", "2-2", "3-2", "0-2", "1-0", "1-4", "01", "x"],
)
def test_no_other_archive_is_there(client: FlaskClient, desk: Desk, small: None, name: str) -> None:
    for number in range(5):
        publish(desk, number)

    assert client.get(f"/sv/feed/archive/{name}.atom").status_code == 404


def test_a_part_that_was_handed_out_stays_where_it_was(
    client: FlaskClient, desk: Desk, small: None
) -> None:
    for number in range(6):
        publish(desk, number)
    before = client.get("/sv/feed/archive/2-2.atom").data
    for number in range(6, 20):
        publish(desk, number)

    assert ids(ET.fromstring(client.get("/sv/feed/archive/2-2.atom").data)) == ids(
        ET.fromstring(before)
    )


def test_what_is_withdrawn_leaves_its_document_and_moves_no_other(
    client: FlaskClient, desk: Desk, small: None
) -> None:
    releases = [publish(desk, number) for number in range(12)]
    before = chain(client)
    releases[1].state = State.WITHDRAWN
    releases[1].changed_at = A_FRIDAY + timedelta(days=1)
    db.session.commit()
    after = chain(client)

    gone = f"tag:127.0.0.1,2022-10-28:release/{releases[1].id}"
    assert after == {url: [one for one in found if one != gone] for url, found in before.items()}
    oldest = document(client, f"{BASE}/sv/feed/archive/1.atom")
    [stone] = oldest.findall(f"{{{TOMBSTONES}}}deleted-entry")
    assert stone.get("ref") == gone
    assert oldest.findtext(f"{{{ATOM}}}updated") == "2022-10-29T06:00:00+00:00"


def start_over() -> None:
    none = {"head_id": None, "live_id": None, "approved_id": None, "state": State.DRAFT}
    db.session.execute(sa.update(Release).values(none))
    for table in (Revision, Release, Story):
        db.session.execute(sa.delete(table))
    db.session.commit()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 4)),
        st.tuples(st.just("withdraw"), st.integers(0, 30)),
        st.tuples(st.just("put back"), st.integers(0, 30)),
        st.tuples(st.just("poll"), st.just(0)),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_everything_public_is_there_and_in_one_archive_document_alone(
    client: FlaskClient, desk: Desk, small: None, steps: list[tuple[str, int]]
) -> None:
    start_over()
    releases: list[Release] = []
    program = Follower()
    for number, (step, count) in enumerate(steps):
        if step == "publish":
            releases += [publish(desk, len(releases) + one) for one in range(count)]
        elif step == "poll":
            program.poll(client)
        elif releases:
            one = releases[count % len(releases)]
            one.state = State.WITHDRAWN if step == "withdraw" else State.PUBLISHED
            one.changed_at = A_FRIDAY + timedelta(hours=1 + number)
            db.session.commit()

    newest, *archives = chain(client).values()
    archived = [one for document in archives for one in document]
    program.poll(client)

    assert len(archived) == len(set(archived))
    assert {*newest, *archived} == public_ids()
    assert public_ids() <= program.known
