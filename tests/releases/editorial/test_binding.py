"""A round changes, and the change flows into every text made from it; what people wrote stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.accounts import User
from app.core.db import db
from app.core.errors import Conflict
from app.core.html import plain
from releases.drafting.drafting import SHIPPED, Context, HouseStyle, draft
from releases.drafting.wording import Voice, forms_of, in_form
from releases.editorial import workflow
from releases.editorial.binding import (
    Look,
    Refreshed,
    bound_in,
    bring_up_to_date,
    refresh,
    stale_among,
    stale_figures,
    to_look_at,
    update_of,
)
from releases.editorial.models import Release, State
from releases.editorial.questions import of_round
from releases.editorial.writing import Text, draft_release, save, text_of
from releases.rounds.changing import replace_rows
from releases.rounds.figures import compute
from releases.rounds.models import Round
from releases.rounds.reading import read
from releases.rounds.table import AwardStatus, Row
from tests import factories
from tests.factories import A_MORNING

SEED = (Path(__file__).parents[1] / "rounds" / "seed.csv").read_text(encoding="utf-8-sig")
LATER = A_MORNING + timedelta(hours=1)
KARLSTAD = "Karlstad;kommun;Makueni County;Kenya;Jämställdhet;1480000"
NYKVARN = "Nykvarn;kommun;;;;250000;nej;;\n"


def rows_of(text: str = SEED) -> list[Row]:
    return list(read(text.encode(), filename="round.csv").rows)


def drafted(
    rows: Sequence[Row], language: str = "sv", *, currency: str = "SEK", **style: object
) -> Text:
    made = draft(
        rows, currency=currency, context=context(language, **style), template=SHIPPED[language]
    )
    return written(made.headline, made.lead, made.body)


def written(headline: str = "", lead: str = "", body: str = "") -> Text:
    return Text(headline, lead, body, about_programme="", contacts=[], links=[])


def context(language: str = "sv", **style: object) -> Context:
    return Context(
        language=language,
        programme="Kommunala partnerskap",
        organisation="ICLD",
        style=HouseStyle(**style),  # type: ignore[arg-type]
    )


def fresh(
    text: Text, old: Sequence[Row], new: Sequence[Row], language: str = "sv", currency: str = "SEK"
) -> Refreshed:
    return refresh(
        text,
        [compute(old, currency="SEK")],
        compute(new, currency=currency),
        context=context(language),
    )


def said(markup: str) -> str:
    return plain(markup).replace("\u00a0", " ")


def looks(old: Sequence[Row], new: Sequence[Row], language: str = "sv") -> list[Look]:
    text = drafted(old, language)
    found = fresh(text, old, new, language)
    return to_look_at(found, house_old=text, house_new=drafted(new, language))


def changed(rows: Sequence[Row], who: str, /, **cells: object) -> list[Row]:
    return [replace(r, **cells) if r.grantee == who else r for r in rows]  # type: ignore[arg-type]


# What is stale


def test_a_text_of_an_unchanged_round_is_not_stale() -> None:
    rows = rows_of()

    assert not stale_figures(drafted(rows), compute(rows, currency="SEK"))


def test_a_changed_amount_makes_the_total_stale_where_it_stands() -> None:
    rows = rows_of()
    now = compute(changed(rows, "Karlstad", amount=Decimal(1_580_000)), currency="SEK")

    found = stale_figures(drafted(rows), now)

    assert [(one.part, one.name, one.old, one.new) for one in found] == [
        ("headline", "total.rounded", "10641000", "10741000"),
        ("lead", "total", "10641000", "10741000"),
    ]


def test_a_figure_that_is_gone_is_stale() -> None:
    rows = rows_of()
    now = compute(changed(rows, "Karlstad", status=AwardStatus.WITHDRAWN), currency="SEK")

    gone = {one.name for one in stale_figures(drafted(rows), now) if one.new is None}

    assert gone == {f"award.3.{part}" for part in ("grantee", "partners", "country", "themes")}


def test_the_same_number_in_another_currency_is_stale() -> None:
    rows = rows_of()

    found = stale_figures(drafted(rows), compute(rows, currency="EUR"))

    assert {one.name for one in found} == {"total", "total.rounded"}


def test_an_only_grantee_that_is_another_kind_now_is_stale_by_its_name() -> None:
    rows = [r for r in rows_of() if r.grantee == "Karlstad"]
    new = changed(rows, "Karlstad", kind="forening")

    text = fresh(drafted(rows), rows, new).text

    assert "Karlstads kommun får" in said(drafted(rows).lead)
    assert said(text.lead).startswith("Karlstad får")


def test_a_value_with_quotes_and_ampersands_is_read_as_written() -> None:
    rows = changed(rows_of(), "Karlstad", partners=('Barn & "Unga" <x>',))

    assert not stale_figures(drafted(rows), compute(rows, currency="SEK"))


# Said anew in the form it had


def test_an_amount_flows_through_in_swedish() -> None:
    rows = rows_of()
    new = changed(rows, "Karlstad", amount=Decimal(1_590_000))

    text = fresh(drafted(rows), rows, new).text

    assert said(text.headline) == "Knappt 10,8 miljoner kronor till tio kommuner och en region"
    assert "får dela på 10 751 000 kronor genom" in said(text.lead)
    assert text == drafted(new)


def test_an_amount_flows_through_in_english() -> None:
    rows = rows_of()
    new = changed(rows, "Karlstad", amount=Decimal(1_590_000))

    text = fresh(drafted(rows, "en"), rows, new, "en").text

    assert said(text.headline).startswith("Nearly SEK 10.8 million for")
    assert "will share SEK 10,751,000 through" in said(text.lead)
    assert text == drafted(new, "en")


@pytest.mark.parametrize(
    ("language", "kinds", "listed"),
    [
        ("sv", "Elva kommuner och en region", "Mariestad, Nykvarn, Piteå"),
        ("en", "Eleven municipalities and one region", "Mariestad, Nykvarn, Piteå"),
    ],
)
def test_a_twelfth_grantee_flows_into_counts_and_list(
    language: str, kinds: str, listed: str
) -> None:
    rows, new = rows_of(), rows_of(SEED + NYKVARN)

    text = fresh(drafted(rows, language), rows, new, language).text

    assert said(text.lead).startswith(kinds)
    assert listed in said(text.body)
    assert text == drafted(new, language)


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize(
    ("grantee", "cells"),
    [
        ("Älmhult", {"status": AwardStatus.WITHDRAWN}),
        ("Umeå", {"first_timer": True}),
        ("Mariestad", {"first_timer": False}),
        ("Ronneby", {"kind": "region"}),
        ("Karlstad", {"partners": ("Kisumu & Co",), "countries": ("Uganda",)}),
        ("Piteå", {"themes": ("Avfall",)}),
    ],
)
def test_one_changed_row_reads_as_a_new_draft_would(
    language: str, grantee: str, cells: dict[str, object]
) -> None:
    rows = rows_of()
    new = changed(rows, grantee, **cells)

    assert fresh(drafted(rows, language), rows, new, language).text == drafted(new, language)
    assert not looks(rows, new, language)


def test_a_kommun_that_becomes_a_region_is_counted_so() -> None:
    rows = rows_of()
    new = changed(rows, "Ronneby", kind="region", grantee="Region Blekinge")

    text = fresh(drafted(rows), rows, new).text

    assert said(text.lead).startswith("Nio kommuner och två regioner får dela på")
    assert "Piteå, Region Blekinge, Region Östergötland" in said(text.body)


def test_thirteen_at_the_start_of_a_sentence_becomes_a_word_with_a_capital() -> None:
    text = written(
        body='<p><data value="13" data-figure="grantees.count">13</data> fick pengar.</p>'
    )

    found = fresh(text, [], rows_of()).text.body

    assert said(found) == "Elva fick pengar."


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("10 641 000 kronor", "10 751 000 kronor"),
        ("10 641 000", "10 751 000"),
        ("drygt 10,6 miljoner kronor", "knappt 10,8 miljoner kronor"),
        ("Drygt 10,6 miljoner kronor", "Knappt 10,8 miljoner kronor"),
        ("över 10,6 miljoner kronor", "knappt 10,8 miljoner kronor"),
        ("10,6 miljoner kronor", "10,8 miljoner kronor"),
        ("10,6", "10,8"),
        ("knappt elva miljoner kronor", "knappt elva miljoner kronor"),
    ],
)
def test_a_sum_is_said_in_the_form_it_had(old: str, new: str) -> None:
    rows = rows_of()
    text = written(lead=f'Vi ger <data value="10641000" data-figure="total">{old}</data>.')

    found = fresh(text, rows, changed(rows, "Karlstad", amount=Decimal(1_590_000)))

    lead = found.text.lead
    assert said(lead) == f"Vi ger {new}."
    assert 'value="10751000"' in lead


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Karlstads kommun", "Kristianstads kommun"),
        ("Karlstad", "Kristianstad"),
        ("Karlstads kommuns", "Kristianstads kommuns"),
        ("Karlstads", "Kristianstads"),
    ],
)
def test_a_name_is_said_in_the_form_it_had(old: str, new: str) -> None:
    rows = rows_of()
    markup = f'<data value="Karlstads kommun" data-figure="award.3.grantee">{old}</data>'

    found = fresh(
        written(body=f"<p>Så gör {markup} nu.</p>"),
        rows,
        changed(rows, "Karlstad", grantee="Kristianstad"),
    )

    assert said(found.text.body) == f"Så gör {new} nu."


def test_words_that_are_no_form_of_the_figure_stay_and_ask_for_a_hand() -> None:
    rows = rows_of()
    text = written(lead='Vi ger <data value="10641000" data-figure="total">en rejäl slant</data>.')

    found = fresh(text, rows, changed(rows, "Karlstad", amount=Decimal(1)))

    assert found.text == text
    assert [(one.name, one.new, one.reason) for one in found.rebound] == [("total", None, "unsaid")]


def test_a_figure_that_is_gone_keeps_its_words_and_is_pointed_out() -> None:
    rows = rows_of()
    new = changed(rows, "Karlstad", status=AwardStatus.WITHDRAWN)

    found = fresh(drafted(rows), rows, new)

    assert "Ett exempel är Karlstads kommun" in said(found.text.body)
    assert {one.name for one in found.rebound if one.reason == "gone"} == {
        f"award.3.{part}" for part in ("grantee", "partners", "country", "themes")
    }


def test_another_currency_is_said_so() -> None:
    rows = rows_of()

    text = fresh(drafted(rows), rows, rows, currency="EUR").text

    assert "10 641 000 euro" in said(text.lead)
    assert said(text.headline).startswith("Drygt 10,6 miljoner euro")


def test_hand_edited_words_stay() -> None:
    rows = rows_of()
    text = drafted(rows)
    mine = replace(
        text,
        headline=f"Klart nu: {text.headline}",
        lead=text.lead.replace("får dela på", "har tillsammans beviljats"),
        body="<p>Vi är <em>mycket</em> glada.</p>" + text.body,
    )

    found = fresh(mine, rows, changed(rows, "Karlstad", amount=Decimal(1_590_000))).text

    assert found.headline.startswith("Klart nu: <data")
    assert "har tillsammans beviljats 10 751 000 kronor" in said(found.lead)
    assert found.body == mine.body


def test_a_version_further_back_explains_an_older_text() -> None:
    rows = rows_of()
    between = changed(rows, "Karlstad", amount=Decimal(2_000_000))
    new = changed(rows, "Karlstad", amount=Decimal(1_590_000))

    found = refresh(
        drafted(rows),
        [compute(between, currency="SEK"), compute(rows, currency="SEK")],
        compute(new, currency="SEK"),
        context=context(),
    )

    assert found.text == drafted(new)


def test_a_text_of_no_known_version_is_read_from_its_values() -> None:
    rows, new = rows_of(), rows_of(SEED + NYKVARN)

    found = refresh(drafted(rows), [], compute(new, currency="SEK"), context=context())

    assert found.text == drafted(new)


def test_a_text_written_under_another_rounding_rule_keeps_it() -> None:
    rows = rows_of()
    text = drafted(rows, rounding_decimals=2)
    assert "Drygt 10,64 miljoner" in said(text.headline)

    found = fresh(text, rows, changed(rows, "Karlstad", amount=Decimal(1_593_000))).text

    assert said(found.headline).startswith("Drygt 10,75 miljoner")


# Sentences to look at


@pytest.mark.parametrize(
    ("language", "now", "house"),
    [
        ("sv", "En av mottagarna är nya sökande: Ekerö.", "En av mottagarna är ny sökande: Ekerö."),
        (
            "en",
            "One of the recipients are new applicants: Ekerö.",
            "One of the recipients is a new applicant: Ekerö.",
        ),
    ],
)
def test_a_plural_around_one_is_pointed_out_with_what_the_house_says(
    language: str, now: str, house: str
) -> None:
    rows = rows_of()
    new = changed(changed(rows, "Mariestad", first_timer=False), "Kristinehamn", first_timer=False)

    [look] = looks(rows, new, language)

    assert (look.reason, said(look.sentence), said(look.house)) == ("house", now, house)


def test_a_drafted_sentence_without_figures_that_is_true_no_more_is_pointed_out() -> None:
    rows = [r for r in rows_of() if r.first_timer][:2]
    new = [*rows, replace(rows[0], number=9, grantee="Umeå", first_timer=False)]

    found = looks(rows, new)

    assert ("house", "Båda mottagarna är nya sökande.") in [(x.reason, x.sentence) for x in found]


def test_a_hand_edited_sentence_whose_count_becomes_one_is_pointed_out() -> None:
    rows = rows_of()
    new = changed(changed(rows, "Mariestad", first_timer=False), "Kristinehamn", first_timer=False)
    text = written(
        lead='Glädjande nog är <data value="3" data-figure="firsttimers.count">tre</data> nya.'
    )

    found = to_look_at(fresh(text, rows, new), house_old=drafted(rows), house_new=drafted(new))

    assert found[0] == Look(
        "around", "lead", "Glädjande nog är en nya.", "En av mottagarna är ny sökande: Ekerö."
    )


def test_a_country_that_takes_another_preposition_is_pointed_out() -> None:
    rows = rows_of()
    new = changed(rows, "Karlstad", countries=("Island",))
    text = drafted(rows)
    mine = replace(text, body=text.body.replace("Ett exempel är", "Så gör till exempel"))

    found = to_look_at(fresh(mine, rows, new), house_old=text, house_new=drafted(new))

    assert [(x.reason, said(x.sentence).split(" tillsammans ")[1]) for x in found] == [
        ("around", "med Makueni County i Island.")
    ]


def test_a_sentence_about_a_withdrawn_grantee_is_pointed_out() -> None:
    rows = rows_of()

    found = looks(rows, changed(rows, "Karlstad", status=AwardStatus.WITHDRAWN))

    assert [x.reason for x in found if "Karlstads kommun" in x.sentence] == ["gone"]


def test_what_the_round_has_now_and_the_text_does_not_tell_is_offered() -> None:
    rows = [replace(r, first_timer=False) for r in rows_of()]

    found = looks(rows, changed(rows, "Ekerö", first_timer=True))

    assert found == [Look("new", "body", "", "En av mottagarna är ny sökande: Ekerö.")]


def test_when_all_goes_well_there_is_nothing_to_look_at() -> None:
    rows = rows_of()

    assert not looks(rows, rows_of(SEED + NYKVARN))
    assert not looks(rows, changed(rows, "Karlstad", amount=Decimal(1_590_000)), "en")


# Whatever the rounds


PLACES = ["Falun", "Borås", "Umeå", "Region Skåne", "Region Gotland", "Kiruna", "IF Älgen"]
ROWS = st.lists(
    st.builds(
        Row,
        number=st.just(0),
        grantee=st.sampled_from(PLACES),
        kind=st.sampled_from(["kommun", "region", "forening"]),
        amount=st.sampled_from(
            [1, 900, 45_500, 999_600, 1_000_000, 1_960_000, 7_000_001, 10**9]
        ).map(Decimal),
        partners=st.sampled_from([(), ("Kisumu",), ("A & B",)]),
        countries=st.sampled_from(
            [(), ("Kenya",), ("Island",), ("Kenya", "Vietnam"), ("Nordland",)]
        ),
        themes=st.sampled_from([(), ("Vatten",), ("Hälsa och miljö", "Klimat")]),
        project=st.sampled_from(["", "P", "Q"]),
        first_timer=st.sampled_from([None, True, False]),
    ),
    min_size=1,
    max_size=16,
).map(lambda rows: [replace(row, number=n) for n, row in enumerate(rows, 2)])


def test_a_figure_that_did_not_change_keeps_its_words() -> None:
    alone = [Row(2, "Borås", "kommun", Decimal(1), first_timer=True)]
    joined = [Row(2, "Falun", "kommun", Decimal(1)), replace(alone[0], number=3)]
    text = drafted(alone, "sv")

    found = fresh(text, alone, joined, "sv")

    words = [one.words for one in bound_in(found.text.body) if one.name == "firsttimers.list"]
    assert [plain(one) for one in words] == ["Borås stad"]


@settings(max_examples=80, deadline=None)
@given(ROWS, ROWS, st.sampled_from(["sv", "en"]), st.booleans())
def test_every_figure_is_said_as_a_new_draft_says_it_in_that_form(
    old: list[Row], new: list[Row], language: str, digits: bool
) -> None:
    voice = Voice.of(context(language, digit_at_sentence_start=digits))
    was, now = compute(old, currency="SEK"), compute(new, currency="SEK")
    text, house = (drafted(r, language, digit_at_sentence_start=digits) for r in (old, new))

    found = refresh(text, [was], now, context=context(language, digit_at_sentence_start=digits))

    for part in ("headline", "lead", "body"):
        pairs = zip(bound_in(getattr(text, part)), bound_in(getattr(found.text, part)), strict=True)
        own = bound_in(getattr(house, part))
        for before, after in pairs:
            figure = now.get(before.name)
            if figure is None:
                assert after == before
                continue
            assert after.value == figure.value
            if after == before and figure.value == was[before.name].value:
                continue  # what did not change keeps its words: "Borås stad" stays right
            forms = forms_of(before.words, was[before.name], voice)
            assert plain(after.words) in {
                plain(str(in_form(figure, form, voice) or "")) for form in forms
            }
            now_forms = forms_of(after.words, figure, voice)
            alike = [
                one.words
                for one in own
                if one.name == after.name and forms_of(one.words, figure, voice) == now_forms
            ]
            assert not alike or after.words in alike
    assert not [x for x in found.rebound if x.reason == "unsaid"]


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from(["sv", "en"]))
def test_the_same_round_changes_nothing(rows: list[Row], language: str) -> None:
    text = drafted(rows, language)

    found = fresh(text, rows, rows, language)

    assert found.text == text
    assert not to_look_at(found, house_old=text, house_new=text)


# In the office


def correct(round_: Round, text: str) -> None:
    content = text.encode()
    table = read(content, filename="rattad.csv")
    replace_rows(round_, table, content=content, filename="rattad.csv", by=None, at=LATER)
    db.session.commit()


def seed_release(by: User, language: str = "sv") -> Release:
    round_ = db.session.query(Round).first() or factories.round_(SEED)
    made, _ = draft_release(round_, language, by=by, at=A_MORNING)
    db.session.commit()
    return made


def approved(release: Release, writer: User, editor: User) -> Release:
    workflow.submit(release, by=writer, at=A_MORNING)
    workflow.approve(release, revision_id=release.head_id or 0, by=editor, at=A_MORNING)
    db.session.commit()
    return release


@pytest.mark.parametrize(
    ("language", "headline", "total"),
    [
        ("sv", "Drygt 10,7 miljoner kronor till tio", "10 741 000 kronor"),
        ("en", "Over SEK 10.7 million for ten", "SEK 10,741,000"),
    ],
)
def test_a_release_is_brought_up_to_date(
    app: Flask, writer: User, language: str, headline: str, total: str
) -> None:
    release = seed_release(writer, language)
    correct(release.story.round, SEED.replace(KARLSTAD, KARLSTAD.replace("1480000", "1580000")))

    bring_up_to_date(release, by=writer, at=LATER)
    db.session.commit()

    assert said(release.head.headline).startswith(headline)
    assert total in said(release.head.lead)
    assert release.head.number == 2
    assert "2" in release.head.note
    assert not update_of(release)


def test_what_the_writer_wrote_is_still_there(app: Flask, writer: User) -> None:
    release = seed_release(writer)
    text = text_of(release.head)
    mine = replace(text, lead=text.lead.replace("får dela på", "delar glatt på"))
    save(release, mine, base_id=release.head_id or 0, by=writer, at=A_MORNING)
    correct(release.story.round, SEED + NYKVARN)

    bring_up_to_date(release, by=writer, at=LATER)

    assert said(release.head.lead).startswith(
        "Elva kommuner och en region delar glatt på 10 891 000 kronor"
    )


def test_an_approved_release_loses_its_approval(app: Flask, writer: User, editor: User) -> None:
    release = approved(seed_release(writer), writer, editor)
    correct(release.story.round, SEED + NYKVARN)

    bring_up_to_date(release, by=writer, at=LATER)

    assert (release.state, release.approved_id) == (State.DRAFT, None)


def test_a_published_page_keeps_its_words_until_the_change_is_published(
    app: Flask, writer: User, editor: User
) -> None:
    release = approved(seed_release(writer), writer, editor)
    workflow.publish(release, by=editor, at=A_MORNING)
    db.session.commit()
    correct(release.story.round, SEED + NYKVARN)
    assert update_of(release).live

    bring_up_to_date(release, by=writer, at=LATER)
    db.session.commit()

    update = update_of(release)
    assert release.live and "10 641 000" in said(release.live.lead)
    assert release.has_unpublished_changes
    assert update.live and not update.stale
    assert stale_among([release]) == {release.id}


def test_an_unchanged_import_makes_nothing_stale(app: Flask, writer: User) -> None:
    release = seed_release(writer)
    head = release.head_id
    correct(release.story.round, SEED)

    assert not update_of(release)
    bring_up_to_date(release, by=writer, at=LATER)
    assert release.head_id == head


def test_a_change_that_no_text_uses_makes_nothing_stale(app: Flask, writer: User) -> None:
    release = seed_release(writer)
    correct(
        release.story.round,
        SEED.replace("Älmhult;kommun;;;;1120000;nej;;", "Älmhult;kommun;;;;1120000;nej;Å;"),
    )

    assert release.story.round and release.story.round.version == 2
    assert not update_of(release)


def test_somebody_who_saved_in_between_is_not_overwritten(
    app: Flask, writer: User, editor: User
) -> None:
    release = seed_release(writer)
    seen = release.head_id
    correct(release.story.round, SEED + NYKVARN)
    mine = replace(text_of(release.head), headline="En annan rubrik")
    save(release, mine, base_id=seen or 0, by=editor, at=LATER)

    with pytest.raises(Conflict):
        bring_up_to_date(release, by=writer, at=LATER, base_id=seen)


def test_a_withdrawn_release_is_left_alone(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer, state=State.WITHDRAWN, editor=editor)
    correct(release.story.round, factories.ROUND.replace("800000", "900000"))

    assert not update_of(release)
    assert not stale_among([release])


def test_each_stale_release_of_a_round_is_known(app: Flask, writer: User) -> None:
    swedish, english = seed_release(writer), seed_release(writer, "en")
    other = factories.round_(programme="Ett annat program")
    untouched, _ = draft_release(other, "sv", by=writer, at=A_MORNING)
    correct(swedish.story.round, SEED + NYKVARN)

    assert stale_among([swedish, english, untouched]) == {swedish.id, english.id}
    assert len(of_round(swedish.story.round, to=None)) == 2
