"""The size of the archive: is any public page slower with 10,000 releases than with 100?

    python -m tests.benchmarks.archive [--releases 10000] [--awards 1000000] [--json]

Two offices are built, each in a SQLite file of its own and with rounds of the same length. Then
each kind of public page is written a few times without anything kept, in this process and without a
web server: the median of the processor's time, and how many times slower the large archive is.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

SMALL = (100, 10_000)
A_ROUND = 1_000  # awards
TIMES = 15
FIRST = datetime(2016, 1, 4, 8, 0, tzinfo=UTC)
YEARS = 10
PROGRAMMES = ("Kommunala partnerskap", "Unga forskare", "Levande landsbygd", "Öppna arkiv")
TOPICS = ("vatten", "klimat", "ungdom", "kultur", "demokrati", "forskning")
TOWNS = ("Falun", "Borås", "Lund", "Åre", "Kiruna", "Ystad", "Gävle", "Luleå", "Örebro", "Umeå")
SYLLABLES = "be slut stöd kom mun sam ar bete för ening vat ten lands byg sko la krona or fram tid"
SLOWER = 1.5  # from here on a page is marked


def office(folder: Path, **more: object) -> Flask:
    """An application on the database in `folder`, migrated; nothing of it is kept in memory."""
    from flask_migrate import upgrade

    from app import create_app
    from app.core.db import normal_url
    from app.settings import Settings

    given: dict[str, Any] = {
        "var": folder,
        "database_url": normal_url(f"sqlite:///{folder / 'pressrum.db'}"),
        "secret_key": "only for the benchmark",
        "mail_from": "press@press.example",
        "kept_megabytes": 0,
        **more,
    }
    app = create_app(Settings(**given))
    if not (folder / "pressrum.db").exists():
        with app.app_context():
            upgrade()
    return app


def fill(app: Flask, *, releases: int, awards: int) -> None:
    """Move in: half of the releases Swedish, half English, spread over ten years."""
    from app.core.db import Base, db
    from releases.newsroom.lists.listing import list_releases
    from releases.rounds.register import place_code

    chance = random.Random(7)
    words = [
        "".join(chance.choices(SYLLABLES.split(), k=chance.randint(1, 4))) for _ in range(4000)
    ]

    def text(count: int) -> str:
        return " ".join(chance.choices(words, k=count)).capitalize() + "."

    rounds = max(awards // A_ROUND, 1)
    stories = releases // 2
    apart = timedelta(days=365 * YEARS) / stories
    tables = Base.metadata.tables

    def put(name: str, rows: Iterator[dict[str, Any]], at_once: int = 20_000) -> None:
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == at_once:
                db.session.execute(sa.insert(tables[name]), batch)
                batch = []
        if batch:
            db.session.execute(sa.insert(tables[name]), batch)

    def moment(story: int) -> datetime:
        return FIRST + apart * story

    with app.app_context():
        from app.core.organisation import unnamed

        db.session.add(unnamed("Centrum för demokrati", "Centre for Democracy"))
        db.session.flush()
        put("programme", ({"id": n, "slug": f"program-{n}", "name": name, "columns": {},
                           "review_steps": [], "headline_shape": "amount_first"}
                          for n, name in enumerate(PROGRAMMES, 1)))  # fmt: skip
        put("topic", ({"id": n, "slug": name, "name_sv": name.capitalize(), "active": True}
                      for n, name in enumerate(TOPICS, 10)))  # fmt: skip
        put("round", ({"id": n, "programme_id": 1 + n % len(PROGRAMMES), "name": f"Omgång {n}",
                       "decided_on": date(2016, 1, 1) + timedelta(days=n), "currency": "SEK",
                       "language": "sv", "filename": "round.csv", "sha256": f"{n:064}",
                       "content": b"", "row_count": A_ROUND, "version": 1, "imported_at": FIRST,
                       "decision_reference": ""}
                      for n in range(1, rounds + 1)))  # fmt: skip
        codes = {town: place_code(town, "kommun") for town in TOWNS}
        put("award", ({"round_id": 1 + n // A_ROUND, "number": 2 + n % A_ROUND,
                       "grantee": TOWNS[n % 10] if n % 7 == 0 else f"Förening {n % 4001}",
                       "kind": "kommun" if n % 7 == 0 else "forening",
                       "amount": 100_000 + n % 977 * 1_000, "partners": [], "countries": [],
                       "themes": ["Vatten"], "project": f"Projekt {n}", "status": "granted",
                       "place": codes[TOWNS[n % 10]] if n % 7 == 0 else "", "note": ""}
                      for n in range(awards)))  # fmt: skip
        every = max(stories // rounds, 1)  # so many stories to each that tells of a round
        put("story", ({"id": n, "round_id": 1 + n // every if n % every == 0 and n // every < rounds
                       else None, "created_at": moment(n), "limited": False}
                      for n in range(1, stories + 1)))  # fmt: skip
        put("story_topic", ({"story_id": n, "topic_id": 10 + n % len(TOPICS)}
                            for n in range(1, stories + 1)))  # fmt: skip
        both = [(n, language) for n in range(1, stories + 1) for language in ("sv", "en")]
        put("release", ({"id": k, "story_id": n, "language": language, "slug": f"nyhet-{n}",
                         "state": "draft", "created_at": moment(n), "updated_at": moment(n),
                         "withdrawn_reason": "", "submission": 0, "mail_wanted": False,
                         "search_text": ""}
                        for k, (n, language) in enumerate(both, 1)))  # fmt: skip
        put("revision", ({"id": k, "release_id": k, "number": 1, "headline": text(7)[:-1],
                          "lead": text(25), "body": "".join(f"<p>{text(45)}</p>" for _ in range(3)),
                          "about_programme": text(20), "contacts": [], "links": [], "images": [],
                          "documents": [], "note": "", "created_at": moment(n)}
                         for k, (n, _) in enumerate(both, 1)), 2_000)  # fmt: skip
        db.session.execute(sa.text(
            "UPDATE release SET head_id = id, approved_id = id, live_id = id, state = 'published',"
            " published_at = created_at, changed_at = created_at"))  # fmt: skip
        put("publication", ({"release_id": k, "revision_id": k, "change": "first", "note": "",
                             "at": moment(n)} for k, (n, _) in enumerate(both, 1)))  # fmt: skip
        db.session.commit()
        list_releases()
        db.session.execute(sa.text("ANALYZE"))
        db.session.commit()


def pages(app: Flask) -> dict[str, str]:
    """Each kind of public page: every one that needs nothing but a language, and one of the others.

    An address that is not there is left out and said.
    """
    from flask import url_for

    from app.core.db import db

    with app.test_request_context():
        middle = db.session.scalar(sa.text("SELECT max(id) / 2 FROM release"))
        slug = db.session.scalar(
            sa.text(
                f"SELECT slug FROM release WHERE id >= {middle}"
                " AND language = 'sv' ORDER BY id LIMIT 1"
            )
        )
        told = db.session.scalar(
            sa.text(
                "SELECT r.slug FROM release r JOIN story s ON s.id = r.story_id"
                " WHERE s.round_id IS NOT NULL AND r.language = 'sv' ORDER BY r.id DESC LIMIT 1"
            )
        )
        word = db.session.scalar(sa.text("SELECT headline FROM revision WHERE id = 1")).split()[0]
        found = {
            "release": f"/sv/releases/{slug}",
            "release with a round": f"/sv/releases/{told}",
            "front, in the middle": f"/sv/?before={middle - middle % 2 + 1}",
            "round": "/sv/rounds/2-round",
            "programme": "/sv/programmes/program-1/",
            "topic": "/sv/topics/vatten/",
            "place": "/sv/places/2080-falun/",
            "year": "/sv/years/2020/",
            "search, a word": f"/sv/search?q={word}",
            "search, nothing": "/sv/search?q=xyzzy",
            "feed of a programme": "/sv/programmes/program-1/feed.rss",
            "feed of a topic": "/sv/topics/vatten/feed.atom",
            "feed of a place": "/sv/places/2080-falun/feed.json",
        }
        for rule in app.url_map.iter_rules():
            view = app.view_functions[rule.endpoint]
            if getattr(view, "is_kept", False) and rule.arguments <= {"language", "form"}:
                forms = ("rss", "atom", "json") if "form" in rule.arguments else ("",)
                for form in forms:
                    given = {"language": "sv"} if "language" in rule.arguments else {}
                    address = url_for(rule.endpoint, **given, **({"form": form} if form else {}))
                    found[address] = address
    return found


def measure(app: Flask) -> dict[str, tuple[float, float]]:
    """The median of each page's milliseconds of the processor, which other work on the machine does
    not lengthen, and its KB; pages that are not there are said and left out.
    """
    client = app.test_client()
    found: dict[str, tuple[float, float]] = {}
    with app.app_context():
        addresses = pages(app)
    for name, address in addresses.items():
        answer = client.get(address, follow_redirects=True)
        if answer.status_code != 200:
            print(f"({name}: {address} answers {answer.status_code})", file=sys.stderr)
            continue
        path = answer.request.path + ("?" + answer.request.query_string.decode()
                                      if answer.request.query_string else "")  # fmt: skip
        spent = []
        for _ in range(TIMES):
            begun = time.process_time()
            client.get(path)
            spent.append(time.process_time() - begun)
        found[name] = statistics.median(spent) * 1000, len(answer.data) / 1024
    return found


def built(folder: Path, releases: int, awards: int) -> dict[str, tuple[float, float]]:
    from app.core.db import db

    folder.mkdir()
    begun = time.perf_counter()
    app = office(folder)
    fill(app, releases=releases, awards=awards)
    said = f"{releases:,} releases and {awards:,} awards: built in"
    print(f"{said} {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    found = measure(app)
    with app.app_context():
        db.engine.dispose()
    return found


def report(small: dict[str, tuple[float, float]], large: dict[str, tuple[float, float]]) -> None:
    print(f"{'Writing a page':<30}{'small ms':>10}{'large ms':>10}{'times':>7}{'KB':>7}{'KB':>7}")
    for name, (after, long) in large.items():
        before, short = small.get(name, (0.0, 0.0))
        if not before:
            continue
        ratio = after / before
        mark = "  slower" if ratio / max(long / short, 1) > SLOWER else ""
        print(f"{name:<30}{before:10.1f}{after:10.1f}{ratio:7.2f}{short:7.0f}{long:7.0f}{mark}")
    print("A list that is not full in the small office has more on its page in the large one:")
    print(f"`slower` marks what takes {SLOWER} times as long, beyond what the page has grown by.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--releases", type=int, default=10_000)
    parser.add_argument("--awards", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small = built(Path(folder) / "small", *SMALL)
        large = built(Path(folder) / "large", given.releases, given.awards)
    if given.json:
        print(json.dumps({"small": small, "large": large}, indent=2))
    else:
        report(small, large)


if __name__ == "__main__":
    main()
