"""The API, as a program meets it: true to its description, complete, and nobody's secrets in it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.accounts import User
from app.core.db import db
from releases.editorial import workflow
from releases.editorial.models import State, Story
from releases.newsroom.lists import listing
from releases.newsroom.machines import mirroring
from releases.newsroom.machines.describing import moment
from tests.factories import A_MORNING, ROUND, round_
from tests.queries import counted_queries
from tests.releases.newsroom.desk import A_FRIDAY, Desk
from tests.releases.newsroom.test_published_rounds import published
from tests.schemas import problems

BASE = "http://127.0.0.1:8000"


def get(client: FlaskClient, path: str, status: int = 200) -> Any:
    """An answer, held against what the description says of it."""
    path = path.removeprefix(BASE)
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.text)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer.headers
    described = json.loads(client.get("/api/v1/openapi.json").data)
    said = responses(described, path).get(str(status))
    document = json.loads(answer.data)
    if said is None:
        assert status == 404
        said = described["components"]["responses"]["404"]
    [(kind, content)] = said["content"].items()
    assert answer.mimetype == kind
    assert problems(document, content["schema"], described) == []
    return document


def responses(described: dict[str, Any], path: str) -> dict[str, Any]:
    """What the description says of an address."""
    path = path.partition("?")[0].removeprefix("/api/v1")
    for rule, said in described["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", rule), path):
            return {
                status: described["components"]["responses"][one["$ref"].rpartition("/")[2]]
                if "$ref" in one
                else one
                for status, one in said["get"]["responses"].items()
            }
    return {}


def walk(client: FlaskClient, path: str, what: str) -> list[Any]:
    """All rows of a list, page by page."""
    found, following = [], path
    while following:
        document = get(client, following)
        found += document[what]
        following = document["next"]
    return found


def test_every_address_is_described_and_every_described_one_is_there(app: Flask) -> None:
    rules = {
        re.sub(r"<(?:int:)?\w+>", "{id}", rule.rule).removeprefix("/api/v1")
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
    }

    described = json.loads(app.test_client().get("/api/v1/openapi.json").data)

    assert set(described["paths"]) == rules
    assert described["openapi"].startswith("3.1")
    for said in described["paths"].values():
        named = {one["name"] for one in said["get"].get("parameters", ())}
        assert all(one["schema"] for one in said["get"].get("parameters", ()))
        assert len(named) == len(said["get"].get("parameters", ()))


def test_every_reference_in_the_description_leads_somewhere(client: FlaskClient) -> None:
    text = client.get("/api/v1/openapi.json").text
    described = json.loads(text)

    for kind, name in re.findall(r'"#/components/(\w+)/(\w+)"', text):
        assert name in described["components"][kind]


def test_every_answer_is_as_described(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    desk.organisation(
        site="https://cfd.example", social=[{"label": "X", "url": "https://x.example"}]
    )
    round_()
    made = published(writer, editor)
    desk.release(state=State.WITHDRAWN, reason="Fel")
    listing.list_releases()

    index = get(client, "/api/v1/")
    for url in index.values():
        get(client, url)
    [short] = get(client, "/api/v1/releases?language=sv")["releases"]
    full = get(client, short["api"])
    [brief] = get(client, "/api/v1/rounds")["rounds"]
    whole = get(client, brief["api"])
    awards = get(client, whole["awards"])["awards"]

    assert full["id"] == made.id
    assert {one["name"] for one in full["figures"]} >= {"total"}
    assert full["places"]
    assert whole["count"] == len(awards) == 3
    assert whole["total"] == "2650000"
    assert [one["amount"] for one in awards] == ["1200000", "800000", "650000"]
    assert awards[0]["partners"] == ["Kisumu County"]
    for url in (full["url"], *full["feeds"].values(), whole["csv"], whole["xlsx"]):
        if not url.endswith((".atom", "feed.json")):
            assert client.get(url.removeprefix(BASE)).status_code == 200, url


def test_a_release_is_told_whole(client: FlaskClient, desk: Desk) -> None:
    story = Story(created_at=A_FRIDAY)
    release = desk.release(
        'Tio <data value="10" data-figure="total">miljoner</data>',
        slug="tio",
        story=story,
        lead="Elva får.",
        body="<p>Mer.</p><blockquote><p>Bra.</p><footer>Eva Ek, chef</footer></blockquote>",
        contacts=[{"name": "Bo", "phone": "070", "email": "bo@cfd.example", "id": 3}],
        links=[{"label": "Mer", "url": "https://cfd.example/"}],
        published_at=A_FRIDAY,
    )
    other = desk.release("Ten", slug="ten", story=story, language="en")

    found = get(client, f"/api/v1/releases/{release.id}")

    assert found["headline"] == "Tio miljoner"
    assert found["published_at"] == "2022-10-28T06:00:00Z"
    assert found["figures"] == [{"name": "total", "value": "10", "text": "miljoner"}]
    assert found["quotes"] == [
        {"words": "Bra.", "speaker": "Eva Ek", "attribution": "Eva Ek, chef"}
    ]
    assert found["body"].startswith("Mer.")
    assert [one["name"] for one in found["contacts"]] == ["Bo"]
    assert found["links"] == [{"label": "Mer", "url": "https://cfd.example/"}]
    assert [one["api"] for one in found["translations"]] == [f"{BASE}/api/v1/releases/{other.id}"]


def test_nothing_that_is_not_public_is_told(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    text = ROUND.replace("Beviljat belopp", "Beviljat belopp;Sökt belopp;Status;Kommentar")
    lines = text.splitlines()
    rows = [
        ";".join([*line.split(";")[:6], "987654321", "beviljad", "hemlig", line.split(";")[6]])
        for line in lines[1:]
    ]
    rows.append("Avslagna Kommun;kommun;;;;0;123454321;avslag;hemlig;nej")
    round_("\n".join([lines[0], *rows]) + "\n")
    published(writer, editor)
    desk.release("Hemligt utkast", state=State.DRAFT)
    desk.rewrite(desk.release("Öppen"), "Hemlig ny rubrik")
    listing.list_releases()

    seen, queue = set(), ["/api/v1/"]
    text = ""
    while queue:
        path = queue.pop()
        seen.add(path)
        answer = client.get(path).text
        text += answer
        for url in re.findall(r'"(http://127.0.0.1:8000/api/v1/[^"]*)"', answer):
            path = url.removeprefix(BASE).replace("\\u0026", "&")
            if path not in seen and "{" not in path:
                queue.append(path)

    assert len(seen) >= 10
    for secret in ("987654321", "123454321", "hemlig", "Avslagna", "Hemlig", "alva@", "bo@press"):
        assert secret not in text, secret


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_a_walk_through_the_pages_meets_each_release_once(
    client: FlaskClient, desk: Desk, most: int
) -> None:
    same = A_FRIDAY - timedelta(days=3)
    ids = [desk.release(published_at=same if n % 2 else None).id for n in range(7)]

    found = walk(client, f"/api/v1/releases?limit={most}", "releases")

    assert sorted(one["id"] for one in found) == ids
    assert [one["published_at"] for one in found] == sorted(
        (one["published_at"] for one in found), reverse=True
    )


def test_releases_are_found_by_what_they_are_filed_under(
    client: FlaskClient, desk: Desk, writer: User, editor: User
) -> None:
    round_()
    made = published(writer, editor)
    desk.release()
    desk.release("One", language="en")
    listing.list_releases()
    programme = made.story.round.programme.slug if made.story.round else ""

    def ids(query: str) -> list[int]:
        return [one["id"] for one in get(client, f"/api/v1/releases?{query}")["releases"]]

    assert ids(f"programme={programme}") == [made.id]
    assert ids("place=2080&language=sv") == [made.id]
    assert ids("place=2080&language=en") == []
    assert ids("place=0114") == []
    assert len(ids("language=sv")) == 2
    assert get(client, "/api/v1/releases?programme=nej", 404)["title"] == "Not Found"
    assert get(client, "/api/v1/releases?place=9999", 404)
    assert get(client, "/api/v1/releases?topic=%00", 404)


def test_days_are_days_of_the_house(client: FlaskClient, desk: Desk) -> None:
    at = A_FRIDAY.replace(hour=22, minute=30)  # half past midnight, the day after, in Stockholm
    release = desk.release(published_at=at)

    def ids(query: str) -> list[int]:
        return [one["id"] for one in get(client, f"/api/v1/releases?{query}")["releases"]]

    assert ids("since=2022-10-29") == [release.id]
    assert ids("since=2022-10-30") == []
    assert ids("until=2022-10-29") == [release.id]
    assert ids("until=2022-10-28") == []
    assert ids("since=2022-10-28T22:30:00Z&until=2022-10-29T00:30:01%2B02:00") == [release.id]
    assert ids("until=2022-10-28T22:30:00Z") == []


def test_a_mirror_hears_of_changes_in_their_order_and_of_what_was_taken_back(
    client: FlaskClient, desk: Desk
) -> None:
    old = desk.release(slug="old", published_at=A_FRIDAY - timedelta(days=100))
    changed = desk.release(slug="changed", changed_at=A_FRIDAY + timedelta(hours=2))
    gone = desk.release(slug="gone", state=State.WITHDRAWN, reason="Fel summa")
    for release, hours in ((changed, 2), (gone, 1)):
        release.changed_at = release.updated_at = A_FRIDAY + timedelta(hours=hours)
    db.session.commit()

    since = moment(A_FRIDAY)
    found = walk(client, f"/api/v1/releases?updated_since={since}&limit=1", "releases")
    every = walk(client, "/api/v1/releases", "releases")

    assert [(one["id"], one["status"]) for one in found] == [
        (gone.id, "withdrawn"),
        (changed.id, "published"),
    ]
    assert found[0]["reason"] == "Fel summa"
    assert {one["id"] for one in every} == {old.id, changed.id}


def test_a_mirror_of_one_programme_hears_of_withdrawals_too(
    client: FlaskClient, writer: User, editor: User
) -> None:
    round_()
    made = published(writer, editor)
    slug = made.story.round.programme.slug if made.story.round else ""
    workflow.withdraw(made, reason="Fel", by=editor, at=A_MORNING + timedelta(hours=1))
    db.session.commit()

    [told] = get(client, f"/api/v1/releases?programme={slug}&updated_since=2026-01-01")["releases"]

    assert (told["id"], told["status"]) == (made.id, "withdrawn")


def test_a_withdrawn_release_is_gone_and_says_so(client: FlaskClient, desk: Desk) -> None:
    release = desk.release(state=State.WITHDRAWN, reason="Fel summa", lead="Elva får.")

    found = get(client, f"/api/v1/releases/{release.id}", 410)

    assert found["release"]["reason"] == "Fel summa"
    assert "Elva" not in json.dumps(found)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=-1",
        "limit=%D9%A3",
        "limit=0000000019999",
        "limit=000000001" + "9" * 5000,
        "language=de",
        "since=yesterday",
        "since=2022-10-28T06:00:00",
        "until=9999-99-99",
        "updated_since=1",
        "cursor=x",
        "cursor=%00",
        "cursor=åäö",
        "cursor=" + "A" * 5000,
        f"cursor={mirroring.cursor(A_FRIDAY, 1)}x",
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_in_words(
    client: FlaskClient, query: str
) -> None:
    found = get(client, f"/api/v1/releases?{query}", 400)

    assert found["detail"]


@pytest.mark.parametrize(
    "query", ["since=0001-01-01", "until=9999-12-31", "updated_since=0001-01-01"]
)
def test_the_ends_of_the_calendar_are_days_too(client: FlaskClient, desk: Desk, query: str) -> None:
    desk.release()

    assert len(get(client, f"/api/v1/releases?{query}")["releases"]) == 1


def test_a_cursor_comes_back_as_it_was() -> None:
    place = (A_FRIDAY + timedelta(microseconds=7), 12)

    assert mirroring.place_of(mirroring.cursor(*place)) == place


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/releases/1",
        "/api/v1/releases/99999999999999999999",
        "/api/v1/releases/0",
        "/api/v1/rounds/99999999999999999999/awards",
        "/api/v1/rounds/1",
        "/api/v1/nothing",
        "/api/v2/releases",
        "/api/",
        "/api/v1/releases/x%00",
    ],
)
def test_what_is_not_there_is_a_problem_in_json(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert answer.json["status"] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_api_can_only_be_read(client: FlaskClient, method: str) -> None:
    answer = client.open("/api/v1/releases", method=method)

    assert answer.status_code == 405
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_a_draft_round_is_not_there(client: FlaskClient) -> None:
    stored = round_()

    get(client, f"/api/v1/rounds/{stored.id}", 404)
    assert get(client, "/api/v1/rounds")["rounds"] == []


def test_a_page_of_awards_comes_after_the_one_before(
    client: FlaskClient, writer: User, editor: User
) -> None:
    stored = round_()
    published(writer, editor)

    found = walk(client, f"/api/v1/rounds/{stored.id}/awards?limit=1&language=sv", "awards")

    assert [one["grantee"] for one in found] == ["Falun", "Borås", "Region Gotland"]
    get(client, f"/api/v1/rounds/{stored.id}/awards?cursor=99999999999999999999", 400)
    get(client, f"/api/v1/rounds/{stored.id}/awards?cursor=x", 400)


def test_a_page_asks_as_often_for_many_as_for_few(client: FlaskClient, desk: Desk) -> None:
    paths = ("/api/v1/releases?limit=100", "/api/v1/releases?limit=100&updated_since=2001-01-01")

    def asked() -> list[int]:
        found = []
        for path in paths:
            with counted_queries() as questions:
                assert client.get(path).status_code == 200
            found.append(len(questions))
        return found

    desk.release(story=desk.story())
    desk.release(state=State.WITHDRAWN)
    asked()
    desk.release()
    few = asked()
    for _ in range(20):
        desk.release()

    assert asked() == few
    assert max(few) <= 8


def test_who_has_an_answer_already_is_told_so(client: FlaskClient, desk: Desk) -> None:
    desk.release()
    first = client.get("/api/v1/releases")

    again = client.get("/api/v1/releases", headers={"If-None-Match": first.headers["ETag"]})
    desk.release()
    anew = client.get("/api/v1/releases", headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304
    assert anew.status_code == 200


def test_what_one_visitor_has_left_of_a_limit_is_told_to_nobody_else(client: FlaskClient) -> None:
    answer = client.get("/api/v1/programmes")

    assert not [name for name, _ in answer.headers if name.lower().startswith("x-ratelimit")]


def test_a_flood_of_questions_is_stopped_in_words(client: FlaskClient) -> None:
    answers = [client.get(f"/api/v1/releases/{n}") for n in range(1, 603)]

    assert answers[0].status_code == 404
    assert answers[-1].status_code == 429
    assert answers[-1].mimetype == "application/problem+json"
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_another_site_may_ask_whether_it_may_ask(client: FlaskClient) -> None:
    answer = client.options(
        "/api/v1/releases",
        headers={"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"},
    )

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert "If-None-Match" in answer.headers["Access-Control-Allow-Headers"]
