"""Rounds: importing 50,000 rows, and drafting from 10, 1,000 and 50,000 awards.

    python -m tests.benchmarks.rounds [--rows 50000] [--json]

Each measurement runs in a process of its own, since a process never gives back its peak of memory.
Beside each import stands the machine's limit in the same run: `csv.reader` over the same bytes,
python-calamine over the same workbook. Seconds differ from machine to machine; the ratios should
not.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

MUNICIPALITIES = ("Åre", "Ljusnarsberg", "Borås", "Upplands Väsby", "Lund", "Öckerö", "Falun")
COUNTRIES = ("Kenya", "Vietnam", "Uganda", "Moldavien", "", "")
THEMES = ("Vatten och avfall", "Jämställdhet; klimat", "Ungas deltagande", "")
HEADER = (
    "Sökande", "Typ", "Samarbetspart", "Land", "Tema", "Projekt", "Sökt belopp",
    "Beviljat belopp", "Ny sökande",
)  # fmt: skip
DRAFTS = (10, 1_000, 50_000)


def cells(number: int) -> tuple[str, ...]:
    """One row of an invented round, as an officer would have written it. Four rows a grantee."""
    kind, name = grantee(number // 4)
    country = COUNTRIES[number % len(COUNTRIES)]
    amount = 100_000 + number % 977 * 1_000
    return (
        name,
        kind,
        f"Part {number % 613}" if country else "",
        country,
        THEMES[number % len(THEMES)],
        f"Projekt {number}",
        f"{amount + 50_000:,} kr".replace(",", "\u00a0"),
        f"{amount:,} kr".replace(",", "\u00a0"),
        "ja" if number // 4 % 7 == 0 else "nej",
    )


def grantee(number: int) -> tuple[str, str]:
    """A municipality (some written as nobody writes them), an association or a foundation."""
    if number % 3 == 0:
        town = MUNICIPALITIES[number // 3 % len(MUNICIPALITIES)]
        return "kommun", f"{town}h {number}" if number % 60 == 0 else town
    return ("förening", f"Bygd {number}") if number % 3 == 1 else ("stiftelse", f"Fond {number}")


def write_csv(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADER)
        writer.writerows(map(cells, range(rows)))


def write_xlsx(path: Path, rows: int) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Beslut")
    sheet.append(HEADER)
    for number in range(rows):
        *words, applied, granted, new = cells(number)
        digits = [int("".join(filter(str.isdigit, text))) for text in (applied, granted)]
        sheet.append([*words, *digits, new])
    book.save(path)


def limit(path: Path) -> dict[str, float]:
    """Every cell of the file read and thrown away by the fastest reader we know."""
    content = path.read_bytes()
    if path.suffix == ".xlsx":
        from python_calamine import CalamineWorkbook

        def once() -> None:
            CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    else:

        def once() -> None:
            for _ in csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"):
                pass

    return {"seconds": min(timed(once) for _ in range(3))}


def importing(path: Path) -> dict[str, float]:
    """Read and store the file in an empty database, as `pressrum round import` does."""
    from flask_migrate import upgrade

    from app import create_app
    from app.core.db import db, normal_url
    from app.settings import Settings
    from releases.rounds import importing as rounds
    from releases.rounds.reading import read

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            var=Path(folder),
            database_url=normal_url(f"sqlite:///{folder}/bench.db"),
            secret_key="only for the benchmark",
            mail_from="press@press.example",
        )
        app = create_app(settings)
        with app.app_context():
            upgrade()
            content = path.read_bytes()
            before = peak()
            started = time.perf_counter()
            table = read(content, filename=path.name)
            was_read = time.perf_counter()
            programme = rounds.make_programme("Mätning")
            rounds.store(
                table,
                content=content,
                filename=path.name,
                programme=programme,
                name="Mätning",
                by=None,
                at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            db.session.commit()
            ended = time.perf_counter()
            if table.errors:
                raise SystemExit(f"the benchmark's own file has errors: {table.errors[:3]}")
            db.session.remove()
            db.engine.dispose()
    return {
        "read": was_read - started,
        "seconds": ended - started,
        "peak": peak(),
        "before": before,
    }


def drafting(rows: int) -> dict[str, float]:
    """A Swedish draft of a round that is in memory already, in seconds of the processor."""
    from releases.drafting.drafting import SHIPPED, Context, draft
    from releases.rounds.reading import read

    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=";")
    writer.writerow(HEADER)
    writer.writerows(map(cells, range(rows)))
    table = read(lines.getvalue().encode(), filename="round.csv")
    context = Context(language="sv", programme="Mätning", purpose="mätning")
    before = peak()

    def once() -> None:
        draft(table.rows, currency="SEK", context=context, template=SHIPPED["sv"])

    times = 20 if rows <= 1_000 else 3
    once()
    best = min(timed(once, clock=time.process_time) for _ in range(times))
    return {"seconds": best, "peak": peak(), "before": before}


def timed(work: Callable[[], None], *, clock: Callable[[], float] = time.perf_counter) -> float:
    started = clock()
    work()
    return clock() - started


def peak() -> float:
    """The most memory this process has held so far, in MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)


WORK: dict[str, Callable[[str], dict[str, float]]] = {
    "limit": lambda given: limit(Path(given)),
    "import": lambda given: importing(Path(given)),
    "draft": lambda given: drafting(int(given)),
}


def alone(work: str, given: object) -> dict[str, float]:
    """The measurement in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.rounds", "--alone", work, str(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(rows: int) -> dict[str, dict[str, float]]:
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, write in (("csv", write_csv), ("xlsx", write_xlsx)):
            path = Path(folder) / f"round.{name}"
            write(path, rows)
            results[f"limit {name}"] = alone("limit", path)
            results[f"import {name}"] = alone("import", path)
    for awards in DRAFTS:
        results[f"draft {awards}"] = alone("draft", awards)
    return results


def report(results: dict[str, dict[str, float]], rows: int) -> None:
    print(f"Importing {rows:,} rows     seconds    rows/s   of the limit   peak MiB (of it import)")
    for name in ("csv", "xlsx"):
        bare, ours = results[f"limit {name}"], results[f"import {name}"]
        print(
            f"  {name:<5} reading alone     {bare['seconds']:8.3f} {rows / bare['seconds']:9,.0f}"
        )
        for what, key in (("read", "read"), ("imported", "seconds")):
            share = bare["seconds"] / ours[key]
            held = f"{ours['peak']:12.0f} ({ours['peak'] - ours['before']:.0f})"
            shown = f"{ours[key]:8.3f} {rows / ours[key]:9,.0f} {share:12.3f}"
            print(f"  {name:<5} {what:<17} {shown}{held if key == 'seconds' else ''}")
    print("Drafting              seconds   µs/award   growth   peak MiB (of it drafting)")
    smaller: float | None = None
    for awards in DRAFTS:
        found = results[f"draft {awards}"]
        each = found["seconds"] / awards
        growth = f"{each / smaller:8.2f}" if smaller else " " * 8
        held = f"{found['peak']:8.0f} ({found['peak'] - found['before']:.0f})"
        print(
            f"  {awards:>7,} awards    {found['seconds']:8.4f} {each * 1e6:10.1f} {growth} {held}"
        )
        smaller = each
    print("`growth` is the time per award against the line above; above 1 is worse than linear.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        work, argument = given.alone
        print(json.dumps(WORK[work](argument)))
        return
    results = measure(given.rows)
    if given.json:
        print(json.dumps(results, indent=2))
    else:
        report(results, given.rows)


if __name__ == "__main__":
    main()
