"""A list of 1,000,000 addresses, from its CSV file into the database, a hundredth of it unreadable.

    python -m tests.benchmarks.importing [--rows 1000000] [--json] [--sqlite-only]

Beside it stands the machine's limit in the same run: `csv.reader` over the same bytes with one
regular expression, and nothing stored. Each measurement is a process of its own, so that its peak
of memory is its own; that of a list a tenth as long shows whether memory is flat. Seconds differ
from machine to machine; the ratios should not.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

BAD = 100  # one row in so many cannot be read
DOMAINS = ("gmail.com", "hotmail.com", "telia.com", "example.se", "post.example.org")


def write_list(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Namn", "E-post"])
        for number in range(rows):
            place = number * 7919 % rows  # in no order
            domain = DOMAINS[place % 4] if place % 3 else f"org{place % 40_000}.example"
            email = f"person.{place}@{domain}" if number % BAD else f"person {place}"
            writer.writerow([f"Person Åström {place}", email])


def parse(path: Path) -> int:
    """The limit: what reading takes when nothing is stored and nothing is looked up."""
    plain = re.compile(r"[a-z0-9_.+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,63}")
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for row in csv.reader(file) if plain.fullmatch(row[1].lower()))


def store(path: Path, url: str, var: Path) -> dict[str, float]:
    """One import by the product's own verb, committed batch by batch."""
    from app import create_app
    from app.core.db import db, normal_url
    from app.settings import Settings
    from subscribers.audience import importing

    app = create_app(
        Settings(var=var, database_url=normal_url(url), secret_key="only the benchmark knows it")
    )
    with app.app_context(), path.open("rb") as file:
        began = time.perf_counter()
        reports = importing.import_file(
            file, basis="Benchmark", language="sv", at=datetime.now(UTC)
        )
        last = next(reports)
        for report in reports:
            db.session.commit()
            last = report
        db.session.commit()
        seconds = time.perf_counter() - began
        return {
            "seconds": seconds,
            "imported": last.imported,
            "left_out": last.left_out,
            "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def measure(*words: str) -> dict[str, float]:
    """One measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.benchmarks.importing", *words],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def databases(folder: Path, *, sqlite_only: bool) -> list[tuple[str, str]]:
    """Each with the migrated schema and nobody in it."""
    from tests.conftest import migrate, start_postgres

    found = []
    for name in ("first", "second"):
        path = folder / f"{name}.db"
        migrate(sa.make_url(f"sqlite:///{path}"), folder)
        found.append(("SQLite", f"sqlite:///{path}"))
    if not sqlite_only:
        _server, url = start_postgres(folder / "postgres")
        admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        for name in ("first", "second"):
            with admin.connect() as connection:
                connection.execute(sa.text(f"CREATE DATABASE {name}"))
            one = url.set(database=name)
            migrate(one, folder)
            found.append(("PostgreSQL", one.render_as_string(hide_password=False)))
    return found


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--sqlite-only", action="store_true")
    asked.add_argument("--parse", nargs=1)
    asked.add_argument("--store", nargs=3)
    given = asked.parse_args()
    if given.parse:
        began = time.perf_counter()
        parse(Path(given.parse[0]))
        print(json.dumps({"seconds": time.perf_counter() - began}))
        return
    if given.store:
        path, url, var = given.store
        print(json.dumps(store(Path(path), url, Path(var))))
        return
    folder = Path(tempfile.mkdtemp(prefix="pressrum-importing-"))
    (folder / "postgres").mkdir()
    try:
        lists = {size: folder / f"{size}.csv" for size in (given.rows // 10, given.rows)}
        for size, path in lists.items():
            write_list(path, size)
        limit = given.rows / measure("--parse", str(lists[given.rows]))["seconds"]
        results: list[dict[str, object]] = []
        places = databases(folder, sqlite_only=given.sqlite_only)
        for (name, url), size in zip(places, list(lists) * 2, strict=False):
            found = measure("--store", str(lists[size]), url, str(folder))
            rate = size / found["seconds"]
            results.append(
                {"what": name, "rows": size, "rate": rate, "of_limit": rate / limit, **found}
            )
        if given.json:
            print(json.dumps({"limit": limit, "results": results}))
            return
        print(f"Reading alone: {limit:,.0f} rows/s")
        for one in results:
            print(
                "{what:<11} {rows:>9,} rows  {rate:>8,.0f} rows/s  {of_limit:5.2f} of the limit"
                "  {left_out:,.0f} left out  {mebibytes:.0f} MiB".format(**one)
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
