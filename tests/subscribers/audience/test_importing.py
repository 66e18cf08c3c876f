"""Lists of addresses as offices keep them, and who must stay out of them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from app.core.errors import BadInput
from subscribers.audience import erasing, exporting, importing, reading, subscribing
from subscribers.audience.importing import LeftOut, Report
from subscribers.audience.models import (
    EndedReason,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from tests.factories import A_MORNING
from tests.subscribers.cast import active, how_many, pending, state_of, suppress

LATER = A_MORNING + timedelta(days=1)
BASIS = "Anmälda på presskonferensen den 3 mars 2026"


def import_(content: str | bytes, *, basis: str = BASIS) -> Report:
    data = content.encode() if isinstance(content, str) else content
    last = Report(0)
    for report in importing.import_file(io.BytesIO(data), basis=basis, language="sv", at=LATER):
        db.session.commit()
        last = report
    return last


def omissions(report: Report) -> list[tuple[int, str]]:
    return [(left.line, left.reason.value) for left in importing.left_out(report.run_id)]


def addresses() -> list[str | None]:
    return list(db.session.scalars(sa.select(Subscriber.address).order_by(Subscriber.id)))


def emails(content: str | bytes) -> list[str]:
    data = content.encode() if isinstance(content, str) else content
    file = io.BytesIO(data)
    return [row.email for row in reading.rows(file, reading.find_out(file))]


def test_an_imported_person_is_active_with_the_basis_as_their_consent(app: Flask) -> None:
    report = import_("email\ndora@reader.example\n")

    subscription = db.session.scalars(sa.select(Subscription)).one()
    assert (report.imported, report.already, report.left_out) == (1, 0, 0)
    assert subscription.state is SubscriptionState.ACTIVE
    assert subscription.consent_source == BASIS
    assert subscription.consent_at == LATER


def test_case_35_who_left_was_suppressed_or_was_erased_stays_out(app: Flask) -> None:
    left = active("left@reader.example")
    subscribing.end(left, reason=EndedReason.USER_LINK, at=A_MORNING)
    suppress(active("suppressed@reader.example"), at=A_MORNING)
    active("erased@reader.example")
    erasing.erase("erased@reader.example", at=A_MORNING)
    asked = pending("asked@reader.example")
    active("active@reader.example")

    report = import_(
        "email\nleft@reader.example\nSUPPRESSED@reader.example\nerased@reader.example\n"
        "asked@reader.example\nactive@reader.example\nnew@reader.example\n"
    )

    assert omissions(report) == [(2, "ended"), (3, "suppressed"), (4, "erased"), (5, "pending")]
    assert (report.imported, report.already) == (1, 1)
    assert state_of(left) is SubscriptionState.ENDED
    assert state_of(asked) is SubscriptionState.PENDING
    assert how_many(Subscription) == 6


def test_case_36_an_import_without_a_basis_is_refused(app: Flask) -> None:
    with pytest.raises(BadInput, match="import_basis_missing"):
        import_("email\ndora@reader.example\n", basis=" \n")

    assert how_many(Subscriber) == 0


def test_case_36_an_import_that_was_broken_off_goes_on(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    content = "email\n" + "".join(f"reader{n}@reader.example\n" for n in range(25))
    batches = importing.import_file(
        io.BytesIO(content.encode()), basis=BASIS, language="sv", at=LATER
    )
    next(batches)
    db.session.commit()
    next(batches)
    db.session.rollback()  # killed before it was kept

    report = import_(content)

    assert (report.imported, report.already) == (15, 10)
    assert how_many(Subscriber) == how_many(Subscription) == 25


def test_case_37_an_excel_file_with_three_bad_rows(app: Flask) -> None:
    content = (
        "Namn;E-postadress;Anteckning\r\n"
        'Åsa;asa@reader.example;"två\r\nrader"\r\n'
        "Bo;bo at reader.example;\r\n"
        "Cia;;\r\n"
        "Dag;dag@reader.example;\r\n"
        "Eva;Eva <eva@reader.example>;\r\n"
    ).encode("cp1252")

    report = import_(content)

    assert addresses() == ["asa@reader.example", "dag@reader.example"]
    assert omissions(report) == [(4, "unreadable"), (5, "unreadable"), (7, "unreadable")]


@pytest.mark.parametrize(
    "header",
    [
        "email",
        "E-mail",
        "e-post",
        "E-postadress",
        "EPOST",
        "Mail",
        "Address",
        "adress",
        "E-mail address",
        "Mejl",
        "Mejladress",
    ],
)
def test_the_column_is_known_by_many_names(header: str) -> None:
    assert emails(f"Namn,{header}\nDora,dora@reader.example\n") == ["dora@reader.example"]


def test_an_e_mail_column_is_surer_than_an_address_column() -> None:
    assert emails("Adress;E-post\nStorgatan 1;dora@reader.example\n") == ["dora@reader.example"]
    assert emails("Mejl;Adress\ndora@reader.example;Storgatan 1\n") == ["dora@reader.example"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_case_37_separators_and_encodings_are_found_out(separator: str, encoding: str) -> None:
    content = (
        separator.join(["Namn", "E-post"]) + "\n" + separator.join(["Åsa", "å@reader.example"])
    )

    assert emails(content.encode(encoding)) == ["å@reader.example"]


def test_a_single_column_needs_no_header() -> None:
    assert emails("dora@reader.example\neva@reader.example") == [
        "dora@reader.example",
        "eva@reader.example",
    ]


def test_blank_lines_are_passed_over_and_counted(app: Flask) -> None:
    assert omissions(import_("\n\nemail\n\ndora\n  \n")) == [(5, "unreadable")]


def test_an_address_twice_in_a_file_is_one_subscriber(app: Flask) -> None:
    report = import_("email\ndora@reader.example\nDORA@reader.example\n")

    assert (report.imported, report.already) == (1, 1)


def test_a_forgotten_quotation_mark_loses_nobody_in_silence(app: Flask) -> None:
    report = import_(
        'email,namn\ndora@reader.example,"Dora\neva@reader.example,Eva\nfia@reader.example,Fia\n'
    )

    assert report.imported == 0
    left = list(importing.left_out(report.run_id))
    assert [(one.line, one.last_line) for one in left] == [(2, 4)]


def test_a_cell_of_a_megabyte_is_a_bad_row_and_no_more(app: Flask) -> None:
    report = import_("email\n" + "x" * 1_000_000 + "\ndora@reader.example\n")

    assert addresses() == ["dora@reader.example"]
    assert [left.reason for left in importing.left_out(report.run_id)] == [LeftOut.UNREADABLE]


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "import_empty"),
        (b"\n\n", "import_empty"),
        (b"\xef\xbb\xbf", "import_empty"),
        (b"PK\x03\x04 a workbook", "import_not_csv"),
        (b"Namn;Telefon\nDora;08-123 45\n", "import_no_address_column"),
        (bytes(range(256)) * 20, "import_not_csv"),
        (b"RIFF\x1c\x02\0\0WEBPVP8 \x10\x02\0\0" + bytes(range(1, 127)) * 4, "import_not_csv"),
    ],
)
def test_what_holds_no_addresses_is_refused(app: Flask, content: bytes, key: str) -> None:
    with pytest.raises(BadInput, match=key):
        import_(content)


def test_case_36_a_file_is_read_as_it_goes(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing past the first batch has been read when the first batch is stored."""

    class Tape(io.BytesIO):
        farthest = 0

        def read1(self, size: int | None = -1) -> bytes:
            data = super().read1(size)
            self.farthest = max(self.farthest, self.tell())
            return data

    monkeypatch.setattr(importing, "BATCH", 2000)
    line = b"reader%06d@reader.example\n"
    tape = Tape(b"".join(line % number for number in range(20_000)))
    batches: Iterator[Report] = importing.import_file(tape, basis=BASIS, language="sv", at=LATER)
    tape.farthest = 0  # its encoding took a look through it all
    next(batches)

    assert tape.farthest < 200_000


def test_case_38_what_looks_like_a_formula_is_neutralised_and_read_back(app: Flask) -> None:
    active("=1+1@reader.example")
    out = io.StringIO()

    exporting.export(out)

    assert "\r\n'=1+1@reader.example," in out.getvalue()
    assert emails(out.getvalue()) == ["=1+1@reader.example"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_case_38_every_start_of_a_formula_is_neutralised(start: str) -> None:
    assert exporting.harmless(f"{start}cmd") == f"'{start}cmd"


def test_an_export_tells_state_and_consent_of_everybody_not_erased(app: Flask) -> None:
    active("dora@reader.example")
    active("erased@reader.example")
    erasing.erase("erased@reader.example", at=LATER)
    out = io.StringIO()

    count = exporting.export(out)

    lines = out.getvalue().splitlines()
    assert count == 1
    assert lines[0].startswith("\ufeffemail,language,topic,frequency,state,")
    assert lines[1].startswith(
        "dora@reader.example,sv,press-releases,immediate,active,2026-11-23T08:00"
    )


def test_importing_an_export_elsewhere_revives_nobody_who_left(app: Flask) -> None:
    subscribing.end(active("left@reader.example"), reason=EndedReason.USER_LINK, at=LATER)
    active("dora@reader.example")
    out = io.StringIO()
    exporting.export(out)
    db.session.execute(sa.delete(Subscription))
    db.session.execute(sa.delete(Subscriber))
    db.session.commit()

    report = import_(out.getvalue())

    assert addresses() == ["dora@reader.example"]
    assert omissions(report) == [(2, "ended")]


@pytest.mark.parametrize(
    "content",
    [
        "Prenumeranter 2026\nNamn;E-post\nBo;bo@reader.example\n",
        "Utskick, vår, uppdaterad 3 mars;\n\n;\nFrågor till redaktionen;\n"
        "Namn;E-post\nBo;bo@reader.example\n",
        "Lista, 2026\nE-post\nbo@reader.example\n",
        "Adress\nStorgatan 1\n\nNamn,Email,Status\nBo,bo@reader.example,active\n",
    ],
)
def test_titles_above_the_headers_are_read_over(content: str) -> None:
    assert emails(content) == ["bo@reader.example"]


def test_whoever_stands_above_a_later_header_is_not_lost() -> None:
    assert emails("Eva;eva@reader.example\nNamn;E-post\nBo;bo@reader.example\n") == [
        "eva@reader.example",
        "E-post",
        "bo@reader.example",
    ]


def test_whoever_stands_above_a_header_behind_another_separator_is_not_lost() -> None:
    assert emails("eva@reader.example, \nmail\nbo@reader.example\n") == [
        "eva@reader.example",
        "mail",
        "bo@reader.example",
    ]


def test_what_looks_like_somebody_above_the_headers_is_told_in_the_report(app: Flask) -> None:
    report = import_("Vår;lista\n;Eva <eva@reader.example>\nNamn;E-post\nBo;bo@reader.example\n")

    assert addresses() == ["bo@reader.example"]
    assert [line for line, _reason in omissions(report)] == [2]


def test_an_import_goes_on_behind_somebody_above_the_headers() -> None:
    content = b"Eva <eva@reader.example>\nEmail\nbo@reader.example\nals@reader.example\n"
    file = io.BytesIO(content)
    found = reading.find_out(file)

    left = [[row.email for row in reading.rows(file, found, after=n)] for n in range(4)]

    whole = ["Eva <eva@reader.example>", "bo@reader.example", "als@reader.example"]
    assert left == [whole, whole[1:], whole[2:], []]


def test_somebody_beside_a_word_that_could_be_a_header_is_not_lost() -> None:
    assert emails("eva@reader.example;mail\nbo@reader.example;post\n") == [
        "eva@reader.example",
        "bo@reader.example",
    ]


def test_a_preview_begins_with_the_headers_below_a_title() -> None:
    file = io.BytesIO(b"Readers of 2026\nName;Email\nBo;bo@reader.example\n")

    assert reading.head(file, reading.find_out(file), size=1) == [["Name", "Email"]]


def test_a_whole_batch_of_known_people_changes_nothing(app: Flask) -> None:
    content = "email\n" + "".join(f"reader{n}@reader.example\n" for n in range(40_000))
    import_(content)

    report = import_(content + "new@reader.example\n")

    assert (report.imported, report.already, report.left_out) == (1, 40_000, 0)
    assert how_many(Subscriber) == how_many(Subscription) == 40_001
