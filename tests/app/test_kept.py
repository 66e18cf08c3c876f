"""Public answers are written once for a change, kept for everybody, and given out before Flask."""

from __future__ import annotations

import gzip
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import brotli
import pytest
import sqlalchemy as sa
from flask import Flask, Response, abort, make_response, redirect, request, url_for
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue

from app import create_app
from app.core import keeping
from app.core.accounts import User
from app.core.db import db, normal_url
from app.core.generation import look
from app.core.keeping import LOOK_SECONDS, Keeping
from app.core.kept import KEPT, kept
from app.core.organisation import Organisation
from app.pages import asset
from releases.editorial.models import State
from tests import factories
from tests.conftest import settings_for
from tests.releases.newsroom.desk import Desk

FORMS = ("rss", "atom", "json")
TEXT = "Elva mottagare delar på tio miljoner kronor. " * 40


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> sa.URL:
    """What is kept is the same on both databases; what counts as a change is tried on both."""
    shutil.copy(sqlite_template, tmp_path / "pressrum.db")
    return normal_url(f"sqlite:///{tmp_path / 'pressrum.db'}")


@pytest.fixture
def desk(app: Flask) -> Desk:
    desk = Desk()
    desk.organisation()
    return desk


class Page:
    """A kept view of the test's own, at /sv/page, that counts how often it is asked."""

    def __init__(self, app: Flask) -> None:
        self.app, self.asked = app, 0
        self.keeping: Keeping = app.extensions["keeping"]

    def answers(
        self, view: Callable[[], ResponseReturnValue], *names: str, until: timedelta | None = None
    ) -> None:
        def count() -> ResponseReturnValue:
            self.asked += 1
            return view()

        self.app.add_url_rule("/sv/page", "page", kept(*names, until=until)(count))

    def get(self, query: str = "", **headers: str) -> Response:
        named = {name.replace("_", "-"): said for name, said in headers.items()}
        return self.app.test_client().get("/sv/page" + query, headers=named)


@pytest.fixture
def page(app: Flask) -> Page:
    return Page(app)


def change(**values: str) -> None:
    """Something that visitors see: the organisation's look."""
    db.session.execute(sa.update(Organisation).values(**(values or {"accent": "#003366"})))
    db.session.commit()


def test_a_page_is_written_once_and_anew_after_a_change(page: Page, desk: Desk) -> None:
    page.answers(lambda: TEXT)

    first, again = page.get(), page.get()
    change()
    after = page.get()

    assert first.data == again.data == after.data == TEXT.encode()
    assert list(first.headers) == list(again.headers) == list(after.headers)
    assert page.asked == 2


def test_what_changes_for_the_office_alone_leaves_pages_where_they_are(
    page: Page, desk: Desk
) -> None:
    page.answers(lambda: TEXT)

    page.get()
    desk.release(state=State.DRAFT)
    page.get()

    assert page.asked == 1


@pytest.mark.parametrize(
    ("query", "more"),
    [
        ("", 0),
        ("?utm_source=mail", 0),
        ("?utm_source=a&before=", 1),
        ("?before=1", 1),
        ("?before=1&size=2", 1),
    ],
)
def test_only_the_parts_of_the_query_that_a_page_reads_make_another_page(
    page: Page, desk: Desk, query: str, more: int
) -> None:
    page.answers(
        lambda: f"{request.args.get('before')} {request.args.get('size')}", "before", "size"
    )

    page.get()
    first = page.get(query)
    again = page.get(f"{query}{'&' if query else '?'}fbclid=x")

    assert page.asked == 1 + more
    assert first.data == again.data


def test_the_order_of_the_query_makes_no_other_page(page: Page, desk: Desk) -> None:
    page.answers(lambda: TEXT, "before", "size")

    page.get("?before=1&size=2")
    page.get("?size=2&before=1")

    assert page.asked == 1


@pytest.mark.parametrize("query", ["?before=1&before=2", f"?before={'1' * 3000}"])
def test_a_query_that_nobody_of_ours_writes_is_answered_and_not_kept(
    page: Page, desk: Desk, query: str
) -> None:
    page.answers(lambda: TEXT, "before")

    assert page.get(query).data == TEXT.encode()
    page.get(query)

    assert page.asked == 2
    assert page.keeping.size == 0


def test_invented_queries_do_not_fill_the_memory(page: Page, desk: Desk) -> None:
    page.answers(lambda: TEXT)
    page.get()
    size = page.keeping.size

    for number in range(50):
        page.get(f"?x{number}={number}")

    assert page.asked == 1
    assert page.keeping.size == size


def with_headers(status: int = 200, **headers: str) -> Callable[[], Response]:
    def view() -> Response:
        response = make_response(TEXT, status)
        for name, said in headers.items():
            response.headers[name.replace("_", "-")] = said
        return response

    return view


@pytest.mark.parametrize(
    "view",
    [
        lambda: abort(404),
        lambda: redirect("/sv/"),
        with_headers(Set_Cookie="a=b"),
        with_headers(Cache_Control="no-store"),
        with_headers(Cache_Control="private, max-age=60"),
        with_headers(Vary="Accept, Cookie"),
        with_headers(Vary="*"),
        with_headers(403),
    ],
)
def test_what_is_not_for_everybody_is_not_kept(
    page: Page, desk: Desk, view: Callable[[], ResponseReturnValue]
) -> None:
    page.answers(view)

    first, again = page.get(), page.get()

    assert page.asked == 2
    assert page.keeping.size == 0
    assert first.status_code == again.status_code
    assert "ETag" not in first.headers


def test_a_page_that_fails_is_not_kept(page: Page, desk: Desk) -> None:
    page.app.testing = False
    page.answers(lambda: TEXT if page.asked > 1 else 1 / 0)  # type: ignore[return-value]

    failed, after = page.get(), page.get()

    assert failed.status_code == 500
    assert failed.headers["Cache-Control"] == "no-store"
    assert (after.status_code, after.data) == (200, TEXT.encode())


def test_a_failure_after_the_view_is_not_kept_either(page: Page, desk: Desk) -> None:
    page.app.testing = False
    page.answers(lambda: TEXT)

    @page.app.after_request
    def fail(response: Response) -> Response:
        if page.asked == 1 and response.status_code == 200:
            raise RuntimeError
        return response

    failed, after = page.get(), page.get()

    assert (failed.status_code, after.status_code) == (500, 200)
    assert after.data == TEXT.encode()


def test_only_reading_is_answered_from_memory(page: Page, desk: Desk) -> None:
    page.answers(lambda: TEXT)
    page.get()

    assert page.app.test_client().post("/sv/page").status_code == 405
    assert page.app.test_client().options("/sv/page").data == b""


@pytest.mark.parametrize("times", [0, 1])
def test_a_head_says_what_a_get_says(page: Page, desk: Desk, times: int) -> None:
    page.answers(lambda: TEXT)
    for _ in range(times):
        page.get()

    head = page.app.test_client().head("/sv/page", headers={"Accept-Encoding": "gzip"})
    got = page.get(Accept_Encoding="gzip")

    assert head.data == b""
    assert list(head.headers) == list(got.headers)
    assert head.headers["Content-Length"] == str(len(got.data)) != "0"


@pytest.mark.parametrize(
    "said", ['"{}"', '"{}-gz"', '"{}-br"', 'W/"{}"', 'W/"{}-gz"', '"other", "{}"', "*"]
)
@pytest.mark.parametrize("times", [0, 1])
def test_who_has_a_page_already_is_told_so(page: Page, desk: Desk, said: str, times: int) -> None:
    page.answers(lambda: TEXT)
    tag = page.get().headers["ETag"].strip('"')
    if not times:
        change()  # then the page is written first, and found to be the same

    answer = page.get(If_None_Match=said.format(tag), Accept_Encoding="gzip")

    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == f'"{tag}-gz"'
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["X-Accel-Expires"] == "1"
    assert not {"Content-Type", "Content-Length", "Content-Encoding"} & {
        name for name, _ in answer.headers
    }


@pytest.mark.parametrize("said", ['"another"', "W/", "", '"'])
def test_another_tag_gets_the_page_whole_however_late_it_was_read(
    page: Page, desk: Desk, said: str
) -> None:
    page.answers(with_headers(Last_Modified="Fri, 28 Oct 2022 06:00:00 GMT"))

    answer = page.get(If_None_Match=said or '""', If_Modified_Since="Fri, 28 Oct 2022 06:00:00 GMT")

    assert (answer.status_code, answer.data) == (200, TEXT.encode())


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("Fri, 28 Oct 2022 06:00:00 GMT", 304),
        ("Fri, 28 Oct 2022 06:00:01 GMT", 304),
        ("Fri, 28 Oct 2022 05:59:59 GMT", 200),
        ("yesterday", 200),
        ("Fri, 28 Oct 2022 06:00:00 +9999999999999999", 200),
    ],
)
def test_who_gives_a_time_is_told_whether_it_has_changed_since(
    page: Page, desk: Desk, since: str, status: int
) -> None:
    page.answers(with_headers(Last_Modified="Fri, 28 Oct 2022 06:00:00 GMT"))

    assert page.get(If_Modified_Since=since).status_code == status


@pytest.mark.parametrize(
    "asked",
    [
        {"If-Modified-Since": "Fri, 28 Oct 99999999999999999999 06:00:00 GMT"},
        {"If-Unmodified-Since": "Fri, 28 Oct 2022 06:00:00 +9999999999999999"},
        {"If-Range": "Fri, 28 Oct 2022 06:00:00 +9999999999999999", "Range": "bytes=0-1"},
    ],
)
def test_a_date_beyond_all_numbers_counts_as_none(app: Flask, asked: dict[str, str]) -> None:
    with app.test_client().get("/static/styles/base.css", headers=asked) as answer:
        assert answer.status_code == 200
        assert len(answer.data) > 1000


def test_what_is_gone_is_said_each_time(page: Page, desk: Desk) -> None:
    page.answers(with_headers(410))

    first = page.get()
    again = page.get(If_None_Match=first.headers["ETag"])

    assert (again.status_code, again.data) == (410, TEXT.encode())
    assert page.asked == 1


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", ""),
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("gzip;q=0, br;q=0", ""),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("identity", ""),
        ("GZIP", "gzip"),
        ("gzip;q=rubbish", ""),
        ("x" * 500, ""),
    ],
)
def test_a_page_comes_as_short_as_the_visitor_can_take_it(
    page: Page, desk: Desk, accepted: str, coding: str
) -> None:
    page.answers(lambda: TEXT)
    unwrap: dict[str, Callable[[bytes], bytes]] = {
        "": bytes,
        "gzip": gzip.decompress,
        "br": brotli.decompress,
    }

    for _ in range(2):
        answer = page.get(**({"Accept_Encoding": accepted} if accepted else {}))

        assert answer.headers.get("Content-Encoding", "") == coding
        assert unwrap[coding](answer.data) == TEXT.encode()
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        assert answer.headers["Vary"] == "Accept-Encoding"
    assert page.asked == 1


def test_each_coding_has_a_tag_of_its_own(page: Page, desk: Desk) -> None:
    page.answers(lambda: TEXT)

    tags = {page.get(Accept_Encoding=one).headers["ETag"] for one in ("identity", "gzip", "br")}

    assert len(tags) == 3


@pytest.mark.parametrize(
    ("body", "kind"), [("kort", "text/html"), (TEXT, "image/png"), (TEXT, "application/zip")]
)
def test_what_would_not_get_shorter_is_left_as_it_is(
    page: Page, desk: Desk, body: str, kind: str
) -> None:
    page.answers(lambda: Response(body, content_type=kind))

    answer = page.get(Accept_Encoding="gzip, br")

    assert answer.data == body.encode()
    assert "Content-Encoding" not in answer.headers


def test_a_header_that_a_page_looks_at_makes_another_page(page: Page, desk: Desk) -> None:
    def view() -> Response:
        response = make_response(f"{TEXT} {request.headers.get('Sec-Fetch-Dest')}")
        response.vary.add("Sec-Fetch-Dest")
        return response

    page.answers(view)

    found = [
        page.get(Sec_Fetch_Dest=one).text.split()[-1] for one in ("document", "iframe", "document")
    ]
    long = page.get(Sec_Fetch_Dest="x" * 3000)

    assert found == ["document", "iframe", "document"]
    assert page.asked == 3
    assert long.headers["Vary"] == "Accept-Encoding, Sec-Fetch-Dest"


def test_a_page_that_depends_on_the_clock_is_kept_no_longer_than_it_says(
    page: Page, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.monotonic()
    passed = 0.0
    clock = SimpleNamespace(monotonic=lambda: begun + passed)
    monkeypatch.setattr(keeping, "time", clock)
    page.answers(lambda: TEXT, until=timedelta(seconds=30))

    page.get()
    passed = 29.9
    page.get()
    asked_before = page.asked
    passed = 30.0
    page.get()

    assert (asked_before, page.asked) == (1, 2)


def test_a_view_may_say_itself_how_long_clients_may_keep_its_answer(page: Page, desk: Desk) -> None:
    page.answers(with_headers(Cache_Control="public, max-age=31536000, immutable"))

    assert page.get().headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_what_was_asked_for_longest_ago_goes_first(page: Page, desk: Desk) -> None:
    page.answers(lambda: TEXT + request.args["n"], "n")
    page.get("?n=1")
    page.keeping.room = 8 * page.keeping.size

    for query in ("?n=2", "?n=3", "?n=4", "?n=5", "?n=6", "?n=7", "?n=8", "?n=1", "?n=9"):
        page.get(query)
    asked = page.asked
    page.get("?n=1")
    page.get("?n=2")

    assert asked == 9
    assert page.asked == 10
    assert page.keeping.size <= page.keeping.room


def test_an_answer_that_is_too_large_is_given_and_not_kept(page: Page, desk: Desk) -> None:
    page.keeping.room = 4 * len(TEXT)
    page.answers(lambda: TEXT)

    answers = [page.get(Accept_Encoding="gzip") for _ in range(2)]

    assert page.asked == 2
    assert {answer.data for answer in answers} == {TEXT.encode()}
    assert page.get(If_None_Match=answers[0].headers["ETag"]).status_code == 304


def test_without_room_each_page_is_written_anew(tmp_path: Path, database_url: sa.URL) -> None:
    app = create_app(settings_for(database_url, tmp_path, kept_megabytes=0))
    page = Page(app)
    page.answers(lambda: TEXT)

    assert [page.get().data for _ in range(2)] == [TEXT.encode()] * 2
    assert page.asked == 2
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def other(app: Flask, tmp_path: Path, database_url: sa.URL) -> Iterator[Flask]:
    """The application of another process on the same database."""
    other = create_app(settings_for(database_url, tmp_path))
    other.jinja_env.bytecode_cache = app.jinja_env.bytecode_cache
    yield other
    with other.app_context():
        db.engine.dispose()


def test_another_process_sees_a_change_within_a_second_and_not_before_it_is_committed(
    app: Flask, other: Flask, desk: Desk
) -> None:
    reader = other.test_client()
    before = reader.get("/sv/").text

    db.session.execute(sa.update(Organisation).values(name_sv="Nytt Namn AB", short_name=""))
    db.session.flush()
    time.sleep(2 * LOOK_SECONDS)
    meanwhile = reader.get("/sv/").text
    db.session.commit()
    committed = time.monotonic()
    while "Nytt Namn AB" not in reader.get("/sv/").text:
        assert time.monotonic() - committed < 1
        time.sleep(0.01)

    assert before == meanwhile
    assert "Nytt Namn AB" not in before


def test_a_process_that_was_idle_asks_before_it_answers(
    page: Page, other: Flask, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.answers(lambda: str(page.asked))
    page.get()
    with other.app_context():
        change()
    page.keeping._looked_at = time.monotonic() - 3600

    assert page.get().data == b"2"


def test_the_database_is_asked_for_news_a_few_times_a_second_however_many_visit(
    page: Page, desk: Desk
) -> None:
    page.answers(lambda: TEXT)
    page.get()
    looks = []
    look = page.keeping.look
    page.keeping.look = lambda: looks.append(1) or look()  # type: ignore[func-returns-value]
    page.keeping.look_again()

    begun = time.monotonic()
    while time.monotonic() - begun < 2.5 * LOOK_SECONDS:
        page.get()

    assert 1 <= len(looks) <= 4


def test_whoever_withdraws_a_release_finds_it_gone_at_once_and_from_memory(
    app: Flask, client: FlaskClient, desk: Desk
) -> None:
    release = desk.release("Hemliga miljoner", slug="hemligt")
    paths = ("/sv/releases/hemligt", "/sv/", "/sv/feed.rss")
    words = {path: "Hemliga miljoner" in client.get(path).text for path in paths}

    release.state, release.withdrawn_reason = State.WITHDRAWN, "Fel"
    db.session.commit()
    after = {path: client.get(path) for path in paths}

    assert set(words.values()) == {True}
    assert after["/sv/releases/hemligt"].status_code == 410
    keeping: Keeping = app.extensions["keeping"]
    bodies = [answer.forms[""].body for answer in keeping._answers.values()]
    assert len(bodies) == 3
    assert not any(b"Hemliga miljoner" in body for body in bodies)
    assert keeping.size == sum(answer.size for answer in keeping._answers.values())


def test_a_page_that_was_being_written_while_something_changed_is_not_taken_for_new(
    page: Page, other: Flask, desk: Desk
) -> None:
    def slow() -> str:
        name = db.session.scalar(sa.select(Organisation.name_sv)) or ""
        if page.asked == 1:
            with other.app_context():
                change(name_sv="Nytt Namn AB")
                page.keeping.learn(look(db.engine))
        return name

    page.answers(slow)

    first = page.get().text
    kept_of_it = page.keeping.size
    db.session.rollback()  # requests of a test share what they have begun to read
    page.keeping.look_again()
    second = page.get().text

    assert (first, second) == ("Centrum för Demokrati", "Nytt Namn AB")
    assert kept_of_it == 0


def test_many_who_ask_at_once_wait_for_one_who_writes(page: Page, desk: Desk) -> None:
    def slow() -> str:
        time.sleep(0.2 if page.asked > 1 else 0)
        return TEXT

    page.answers(slow)
    page.get()
    change()
    start = threading.Barrier(8)

    def visit(_: int) -> bytes:
        start.wait(10)
        return page.get().data

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(visit, range(8)))

    assert found == [TEXT.encode()] * 8
    assert page.asked == 2


def test_nothing_is_given_out_when_the_database_does_not_say_what_stands(
    page: Page, desk: Desk
) -> None:
    page.answers(lambda: TEXT)
    page.get()
    page.keeping.look = lambda: None
    page.keeping.look_again()

    page.get()

    assert page.asked == 2


def kept_paths(app: Flask) -> list[str]:
    """The address of every kept page that needs nothing but a language, and two of releases."""
    found = ["/sv/releases/nyhet-1", "/sv/releases/borta"]
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            view = app.view_functions[rule.endpoint]
            if not getattr(view, "is_kept", False) or not rule.arguments <= {"language", "form"}:
                continue
            for form in FORMS if "form" in rule.arguments else ("",):
                given = {"language": "sv", "form": form}
                known = {name: said for name, said in given.items() if name in rule.arguments}
                found.append(url_for(rule.endpoint, **known))
    return found


@pytest.fixture
def paths(app: Flask, desk: Desk) -> list[str]:
    """Pages with something on them."""
    desk.release(story=desk.story())
    desk.release("Borta", slug="borta", state=State.WITHDRAWN, reason="Fel")
    found = [one for one in kept_paths(app) if app.test_client().get(one).status_code in KEPT]
    assert {"/sv/", "/sv/feed.rss", "/sitemap.xml"} <= set(found)
    return found


def test_an_answer_from_memory_is_the_one_that_flask_gives(app: Flask, paths: list[str]) -> None:
    keeping: Keeping = app.extensions["keeping"]
    ours = {"ETag", "Vary", "Content-Length", "X-Accel-Expires"}

    def through_flask(path: str) -> Response:
        app.wsgi_app = keeping.app  # type: ignore[method-assign]
        try:
            return app.test_client().get(path)
        finally:
            app.wsgi_app = keeping  # type: ignore[method-assign]

    for path in paths:
        app.test_client().get(path)
        bare, given = through_flask(path), app.test_client().get(path)
        assert given.status == bare.status, path
        assert given.data == bare.data, path
        said = {name: bare.headers.getlist(name) for name in set(bare.headers.keys()) - ours}
        kept = {name: given.headers.getlist(name) for name in set(given.headers.keys()) - ours}
        assert kept == said, path
        assert given.headers["Content-Length"] == str(len(bare.data)), path
        assert set(bare.vary) < set(given.vary), path
        assert "Content-Security-Policy" in kept, path


def test_no_page_for_everybody_depends_on_a_cookie_or_on_how_we_were_called(
    app: Flask, paths: list[str], writer: User
) -> None:
    keeping: Keeping = app.extensions["keeping"]
    staff = factories.signed_in(app.test_client(), writer)

    for path in paths:
        keeping.learn(None)
        alone = app.test_client().get(path)
        keeping.learn(None)
        called = staff.get(path, headers={"Host": "evil.example", "Accept-Language": "en"})
        assert called.data == alone.data, path
        for answer in (alone, called):
            assert "cookie" not in answer.headers.get("Vary", "").lower(), path
            assert "Set-Cookie" not in answer.headers, path
            assert answer.headers["ETag"], path


def test_only_who_comes_by_https_is_told_to_stay_there(page: Page, desk: Desk) -> None:
    page.answers(lambda: TEXT)

    for _ in range(2):
        plain, safe = (
            page.app.test_client().get("/sv/page", base_url=f"{scheme}://press.example")
            for scheme in ("http", "https")
        )
        assert "Strict-Transport-Security" not in plain.headers
        assert "Strict-Transport-Security" in safe.headers


def test_styles_are_kept_compressed_when_they_are_asked_for_by_their_version(
    app: Flask, client: FlaskClient, desk: Desk
) -> None:
    wrapped = {"Accept-Encoding": "br"}
    with app.test_request_context():
        path = asset("styles/tokens.css")
    first, again = (client.get(path, headers=wrapped) for _ in range(2))
    change()
    keeping: Keeping = app.extensions["keeping"]
    keeping.look_again()
    after = client.get(path, headers=wrapped)
    bare = path.partition("?")[0]
    other = client.get(f"{bare}?v=another", headers=wrapped, buffered=True)

    plain = client.get(bare, buffered=True).data
    assert brotli.decompress(first.data) == plain
    assert list(first.headers) == list(again.headers) == list(after.headers)
    assert "immutable" in first.headers["Cache-Control"]
    assert first.headers["Content-Type"].startswith("text/css")
    assert ("Content-Encoding" in other.headers, other.data) == (False, plain)
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_the_memory_of_forgotten_addresses_is_given_back(page: Page, desk: Desk) -> None:
    page.keeping._asked = {f"/sv/{number}": ((), ()) for number in range(2000)}
    page.answers(lambda: TEXT)
    page.get()

    change()
    page.get()

    assert set(page.keeping._asked) <= {"/sv/page"}


def test_a_longer_look_leaves_what_others_learn_meanwhile(
    page: Page, other: Flask, desk: Desk
) -> None:
    """Of two looks the slower one may come back with the older number: it costs a page, no more."""
    page.answers(lambda: str(page.asked))
    page.get()
    before = page.keeping.generation
    with other.app_context():
        change()
    page.keeping.look_again()
    new = page.get().data

    page.keeping.learn(before)
    page.keeping.look_again()
    answer = page.get()

    assert new == b"2"
    assert answer.data == b"3"
