"""Another newsroom comes in: as it was, once, with its pictures, and without a word to anybody."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image as Pixels

from app.core.db import db
from app.core.errors import BadInput
from releases.editorial.models import (
    Change,
    OldAddress,
    Publication,
    Release,
    ReleaseEvent,
    Revision,
    State,
)
from releases.media.models import Image
from releases.newsroom.archive import archiving
from releases.newsroom.archive.archiving import (
    Choices,
    Report,
    bring_in,
    fetched_pages,
    origin_of,
    read_bytes,
    redirects,
)
from releases.newsroom.archive.commands import group
from releases.newsroom.lists import listing
from releases.newsroom.models import ArchivedItem, HubPing
from subscribers.audience.models import Topic
from subscribers.mailings.models import Mailing
from tests.outside import Answer, Outside, Request, outside
from tests.releases.newsroom.test_archive_reading import rss
from tests.releases.newsroom.test_pinging import office

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY = datetime(2019, 3, 1, 8, tzinfo=UTC)
SWEDISH = Choices(language="sv")


def item(n: int = 1, *, body: str = "<p>Ingress.</p><p>Text.</p>", link: str = "") -> str:
    link = link or f"https://old.example/n/{n}"
    return (
        f"<title>Nyhet {n}</title><link>{link}</link><guid>guid {n}</guid>"
        f"<pubDate>Fri, 01 Mar 2019 08:00:00 +0000</pubDate>"
        f"<description>{escape(body)}</description>"
    )


def bring(*items: str, choices: Choices = SWEDISH) -> Report:
    return bring_in(read_bytes(rss(*items), at=AT), choices, at=AT)


def releases() -> list[Release]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(Release).order_by(Release.id)))


def codes(report: Report) -> list[str]:
    return [trouble.code for trouble in report.troubles]


def jpeg(colour: str = "red", size: tuple[int, int] = (640, 480)) -> bytes:
    file = io.BytesIO()
    Pixels.new("RGB", size, colour).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def world(app: Flask) -> Iterator[Outside]:
    app.config["ALLOW_LOOPBACK"] = True
    with outside(lambda _: Answer(404)) as there:
        yield there


def test_an_item_becomes_a_release_of_its_day(app: Flask) -> None:
    report = bring(item())

    [release] = releases()
    assert (report.added, report.refused, report.known) == (1, 0, 0)
    assert release.state is State.PUBLISHED
    assert release.published_at == release.changed_at == DAY
    assert release.created_at == AT
    assert (release.language, release.slug) == ("sv", "nyhet-1")
    assert release.live is not None and release.live_id == release.head_id
    assert (release.live.title, release.live.lead, release.live.body) == (
        "Nyhet 1",
        "Ingress.",
        "<p>Text.</p>",
    )


def test_the_history_knows_the_day_and_that_it_came_from_elsewhere(app: Flask) -> None:
    bring(item())

    [publication] = db.session.scalars(sa.select(Publication)).all()
    assert (publication.change, publication.at) == (Change.FIRST, DAY)
    [event] = db.session.scalars(sa.select(ReleaseEvent)).all()
    assert (event.action, event.at, event.to_state) == ("import", DAY, State.PUBLISHED)


def test_visitors_read_it_like_any_other(client: FlaskClient, app: Flask) -> None:
    office()
    bring(item())
    listing.list_releases()

    page = client.get("/sv/releases/nyhet-1").get_data(as_text=True)
    front = client.get("/sv/").get_data(as_text=True)

    assert "Ingress." in page
    assert "1 mars 2019" in page
    assert "Nyhet 1" in front
    assert "Nyhet 1" in client.get("/sv/feed.rss").get_data(as_text=True)


def test_nobody_is_mailed_and_no_hub_is_told(app: Flask) -> None:
    office("https://hub.example/", own_hub=True)

    bring(item())

    assert db.session.scalars(sa.select(Mailing)).all() == []
    assert db.session.scalars(sa.select(HubPing)).all() == []


def test_a_second_run_adds_what_is_new_and_nothing_else(app: Flask) -> None:
    bring(item(1))

    report = bring(item(2), item(1))

    assert (report.added, report.known, report.changed) == (1, 1, 0)
    assert [one.slug for one in releases()] == ["nyhet-1", "nyhet-2"]


def test_what_has_changed_is_told_and_left_as_it_is(app: Flask) -> None:
    bring(item(1))

    report = bring(item(1, body="<p>Ingress.</p><p>Annan text.</p>"))

    assert (report.added, report.known, report.changed) == (0, 0, 1)
    assert codes(report) == ["changed"]
    [revision] = db.session.scalars(sa.select(Revision)).all()
    assert revision.body == "<p>Text.</p>"


def test_what_the_office_has_changed_here_is_no_change_there(app: Flask) -> None:
    bring(item(1))
    [release] = releases()
    db.session.add(
        Revision(
            release_id=release.id,
            number=2,
            headline="Annan",
            lead="",
            body="",
            created_at=AT,
        )
    )
    db.session.commit()

    assert bring(item(1)).known == 1


def test_an_item_that_stands_twice_comes_in_once(app: Flask) -> None:
    report = bring(item(1), item(1))

    assert (report.added, report.refused) == (1, 1)
    assert codes(report) == ["twice"]


def test_an_import_that_was_killed_goes_on_where_it_was(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = archiving._keep_old_address
    calls = []

    def killed(*given: object, **named: object) -> None:
        calls.append(given)
        if len(calls) == 2:
            raise SystemExit
        stored(*given, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(archiving, "_keep_old_address", killed)
        with pytest.raises(SystemExit):
            bring(item(1), item(2), item(3))
    db.session.rollback()
    assert len(releases()) == 1

    report = bring(item(1), item(2), item(3))

    assert (report.known, report.added) == (1, 2)
    assert len(db.session.scalars(sa.select(ArchivedItem)).all()) == 3


def test_two_imports_at_once_bring_nothing_in_twice(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = archiving._fetched

    def meanwhile(*given: object) -> object:
        monkeypatch.setattr(archiving, "_fetched", fetched)
        with app.app_context():
            bring(item(1))
        return fetched(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(archiving, "_fetched", meanwhile)
    report = bring(item(1))

    assert (report.added, report.known) == (0, 1)
    assert len(releases()) == 1


def test_the_same_headline_gets_an_address_of_its_own(app: Flask) -> None:
    bring(item(1).replace("guid 1", "a"), item(1).replace("guid 1", "b"))

    assert [one.slug for one in releases()] == ["nyhet-1", "nyhet-1-2"]


def test_the_topics_we_have_are_recognised(app: Flask) -> None:
    db.session.add(Topic(slug="vatten", name_sv="Vatten"))
    db.session.commit()

    bring(item() + "<category>Vatten</category><category>Annat</category>")

    [release] = releases()
    assert [topic.slug for topic in release.story.topics] == ["vatten"]


def test_an_item_whose_language_nobody_says_is_refused(app: Flask) -> None:
    content = rss(item(), top="<language>de</language>")

    report = bring_in(read_bytes(content, at=AT), Choices(), at=AT)

    assert codes(report) == ["language_missing"]
    assert releases() == []


def test_a_dry_run_stores_nothing_and_fetches_no_pictures(world: Outside) -> None:
    report = bring(
        item(body=f'<p>I.</p><p>x<img src="{world.url}/a.jpg"></p>'),
        choices=Choices(language="sv", dry_run=True, origin=origin_of(world.url)),
    )

    assert report.added == 1
    assert world.requests == []
    assert releases() == []


def with_pictures(world: Outside, text: str, **more: object) -> Report:
    choices = Choices(language="sv", origin=origin_of(world.url), **more)  # type: ignore[arg-type]
    return bring(item(body=f"<p>Ingress.</p>{text}"), choices=choices)


def test_a_picture_is_fetched_and_described(world: Outside) -> None:
    world.script = lambda _: Answer(200, jpeg(), {"Content-Type": "image/jpeg"})

    report = with_pictures(
        world,
        f'<p>Före.</p><figure><img src="{world.url}/bro.jpg" alt="En bro">'
        "<figcaption>Bron. Foto: Eva Ek</figcaption></figure><p>Efter.</p>",
    )

    assert (report.pictures, report.pictures_failed) == (1, 0)
    assert codes(report) == ["licence_unknown"]
    [image] = db.session.scalars(sa.select(Image)).all()
    assert (image.alt_sv, image.caption_sv, image.credit, image.licence) == (
        "En bro",
        "Bron. Foto: Eva Ek",
        "Eva Ek",
        "",
    )
    assert image.filename == "bro.jpg"
    [release] = releases()
    assert release.live is not None
    figure = f'<figure data-image="{image.id}"></figure>'
    assert release.live.body == f"<p>Före.</p>{figure}<p>Efter.</p>"
    assert [one["id"] for one in release.live.images] == [image.id]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(500),
        Answer(200, b"<html><body>not a picture</body></html>"),
        Answer(200, b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>"),
        Answer(200, b"%PDF-1.4 nothing"),
        Answer(200, jpeg()[:200]),
        Answer(200, b""),
        Answer(302, headers={"Location": "http://169.254.169.254/latest/"}),
        Answer(302, headers={"Location": "file:///etc/passwd"}),
    ],
)
def test_a_picture_that_is_none_is_told_and_the_text_comes_in(
    world: Outside, answer: Answer
) -> None:
    world.script = lambda _: answer

    report = with_pictures(world, f'<p>a</p><p>b<img src="{world.url}/a.jpg"></p>')

    assert (report.added, report.pictures_failed) == (1, 1)
    assert codes(report) == ["picture"]
    [release] = releases()
    assert release.live is not None
    assert release.live.body == "<p>a</p><p>b</p>"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://10.0.0.1/a.jpg",
        "http://169.254.169.254/a.jpg",
        "http://localhost:9/a.jpg",
        "http://[::1]/a.jpg",
        "ftp://old.example/a.jpg",
        "data:image/png;base64,iVBORw0KGgo=",
    ],
)
def test_a_picture_inside_our_own_network_is_not_fetched(world: Outside, url: str) -> None:
    report = with_pictures(world, f'<p>a</p><img src="{url}">')

    assert (report.added, report.pictures_failed) == (1, 1)
    assert db.session.scalars(sa.select(Image)).all() == []


def test_a_feed_on_our_machine_gets_no_pictures_from_another_port(world: Outside) -> None:
    with outside() as other:
        with_pictures(world, f'<p>a</p><img src="{other.url}/a.jpg">')

        assert other.requests == []


def test_pictures_can_stay_where_they_are(world: Outside) -> None:
    report = with_pictures(world, f'<p>a</p><img src="{world.url}/a.jpg">', pictures=False)

    assert (report.added, codes(report), world.requests) == (1, [], [])


def test_an_old_address_of_our_own_leads_to_the_release(client: FlaskClient) -> None:
    bring(item(link="http://127.0.0.1:8000/pressrum/nyhet%20ett?id=7"))

    [old] = db.session.scalars(sa.select(OldAddress)).all()
    assert old.path == "/pressrum/nyhet%20ett?id=7"
    answer = client.get("/pressrum/nyhet%20ett?id=7")
    assert answer.status_code == 301
    assert answer.location.endswith("/sv/releases/nyhet-1")


def test_an_address_of_another_host_is_not_kept_here(app: Flask) -> None:
    bring(item())

    assert db.session.scalars(sa.select(OldAddress)).all() == []


def test_an_old_address_that_is_a_release_of_ours_stays_that(app: Flask) -> None:
    bring(item(1))

    bring(item(2, link="http://127.0.0.1:8000/sv/releases/nyhet-1"))

    assert db.session.scalars(sa.select(OldAddress)).all() == []


def test_the_map_says_where_each_old_address_leads(app: Flask) -> None:
    bring(item(1))

    report = bring(item(1), item(2, link='https://old.example/å "x";}?a=$b'))

    text = redirects(report, form="csv")
    assert text.splitlines()[:2] == [
        "old,new",
        "https://old.example/n/1,http://127.0.0.1:8000/sv/releases/nyhet-1",
    ]
    nginx = redirects(report, form="conf").splitlines()
    assert nginx[0] == "map $request_uri $moved_to {"
    assert '  "/n/1" "http://127.0.0.1:8000/sv/releases/nyhet-1";' in nginx
    assert all("$b" not in line and line.count('"') in (0, 2, 4) for line in nginx)


def feed_of(world: Outside, pages: dict[str, Answer]) -> None:
    def script(request: Request) -> Answer:
        query = "&".join(f"{name}={value}" for name, value in request.query.items())
        return pages.get(f"{request.path}?{query}".rstrip("?"), Answer(404))

    world.script = script


def fetched(world: Outside, path: str = "/feed") -> Report:
    url = f"{world.url}{path}"
    return bring_in(fetched_pages(url, at=AT), SWEDISH, at=AT)


def test_a_feed_is_followed_to_its_older_documents(world: Outside) -> None:
    older = '<atom:link rel="prev-archive" href="{}"/>'
    feed_of(
        world,
        {
            "/feed": Answer(200, rss(item(3), top=older.format("/a2"))),
            "/a2": Answer(200, rss(item(2), top=older.format("/a1"))),
            "/a1": Answer(200, rss(item(1), top=older.format("/feed"))),
        },
    )

    assert fetched(world).added == 3
    assert [one.path for one in world.requests] == ["/feed", "/a2", "/a1"]


def test_a_wordpress_feed_is_followed_page_by_page(world: Outside) -> None:
    top = "<generator>https://wordpress.org/?v=6.4</generator>"
    feed_of(
        world,
        {
            "/feed": Answer(200, rss(item(3), item(2), top=top)),
            "/feed?paged=2": Answer(200, rss(item(1), top=top)),
        },
    )

    report = fetched(world)

    assert (report.added, report.refused) == (3, 0)
    assert len(world.requests) == 3


def test_a_server_that_gives_the_same_page_for_ever_is_left(world: Outside) -> None:
    top = "<generator>https://wordpress.org/?v=6.4</generator>"
    world.script = lambda _: Answer(200, rss(item(1), top=top))

    assert fetched(world).added == 1
    assert len(world.requests) == 2


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (Answer(500), "archive_status"),
        (Answer(200, b"<html>"), "archive_no_feed"),
        (Answer(302, headers={"Location": "/feed"}), "archive_too_many_redirects"),
        (Answer(302, headers={"Location": "http://10.0.0.1/"}), "archive_not_public"),
        (Answer(302, headers={"Location": "file:///etc/passwd"}), "archive_not_web"),
    ],
)
def test_a_feed_that_cannot_be_had_is_refused(world: Outside, answer: Answer, key: str) -> None:
    world.script = lambda _: answer

    with pytest.raises(BadInput) as refused:
        fetched(world)

    assert refused.value.key == key


def test_a_feed_inside_our_network_is_not_asked(app: Flask) -> None:
    with outside() as world:
        with pytest.raises(BadInput) as refused:
            fetched(world)

        assert refused.value.key == "archive_not_public"
        assert world.requests == []


def test_a_feed_that_is_too_large_is_refused(
    world: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "MOST_BYTES", 1024**2)
    world.script = lambda _: Answer(200, b"x" * (1024**2 + 1))

    with pytest.raises(BadInput) as refused:
        fetched(world)

    assert refused.value.key == "archive_too_large"


def command(app: Flask, *arguments: str, given: bytes | None = None) -> Result:
    return app.test_cli_runner().invoke(group, ["import", *arguments], input=given)


def test_the_command_tells_what_became_of_each(app: Flask, tmp_path: Path) -> None:
    feed, moved = tmp_path / "feed.xml", tmp_path / "moved.csv"
    feed.write_bytes(rss(item(1), item(2), "<title>Tom</title>"))

    done = command(app, str(feed), "--language", "sv", "--redirects", str(moved), "--json")

    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["added"], told["known"], told["changed"], told["refused"]) == (2, 0, 0, 1)
    assert told["pictures"] == {"fetched": 0, "failed": 0}
    [problem] = told["problems"]
    assert (problem["row"], problem["title"], problem["code"]) == (3, "Tom", "date_missing")
    assert problem["message"]
    assert "Tom" in done.stderr
    assert len(moved.read_text().splitlines()) == 3


def test_the_command_reads_standard_input(app: Flask) -> None:
    done = command(app, "-", "--language", "en", given=rss(item(1)))

    assert done.exit_code == 0
    assert [one.language for one in releases()] == ["en"]


@pytest.mark.parametrize("source", ["nothing.xml", "/", "http://", "file:///etc/passwd", "a\x00b"])
def test_the_command_refuses_what_is_not_there_with_a_sentence(app: Flask, source: str) -> None:
    done = command(app, source)

    assert done.exit_code == 1
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    assert done.exception is None or isinstance(done.exception, SystemExit)
