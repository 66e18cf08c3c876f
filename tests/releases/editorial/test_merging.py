"""Two people save on top of the same text: what merges, what clashes, and that no word is lost."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.core.accounts import User
from app.core.db import db
from app.core.html import blocks, clean
from releases.editorial.merging import Clash, Clashing, merge, save_together, settle
from releases.editorial.models import Release, Revision, State
from releases.editorial.writing import Text, save, text_of
from tests import factories
from tests.factories import A_MORNING, signed_in
from tests.releases.editorial.looking import words

LATER = A_MORNING + timedelta(minutes=5)
BO = {"id": 1, "name": "Bo", "title": "", "phone": "070", "email": ""}
CIA = {"id": 2, "name": "Cia", "title": "", "phone": "071", "email": ""}
HOME = {"label": "Hem", "url": "https://icld.se/"}
MORE = {"label": "Mer", "url": "https://icld.se/mer"}


def text(**parts: Any) -> Text:
    given: dict[str, Any] = {
        "headline": "Rubrik",
        "lead": "Ingress.",
        "body": "<p>ett</p>\n<p>två</p>\n<p>tre</p>",
        "about_programme": "Fakta.",
        "contacts": [BO],
        "links": [HOME],
    }
    return Text(**{**given, **parts})


def body(*paragraphs: str) -> str:
    return "\n".join(f"<p>{one}</p>" for one in paragraphs)


# Pure


def test_what_each_changed_alone_is_in_the_merged_text() -> None:
    theirs = text(lead="Deras ingress.", about_programme="Deras fakta.")
    mine = text(headline="Min rubrik", body=body("ett", "två", "mitt"))

    merged = merge(text(), theirs, mine)

    assert merged.clashes == ()
    assert merged.text == text(
        headline="Min rubrik",
        lead="Deras ingress.",
        about_programme="Deras fakta.",
        body=body("ett", "två", "mitt"),
    )


@pytest.mark.parametrize(
    ("theirs", "mine", "both"),
    [
        (("ETT", "två", "tre"), ("ett", "två", "TRE"), ("ETT", "två", "TRE")),
        (("ETT", "två", "tre"), ("ett", "TVÅ", "tre"), ("ETT", "TVÅ", "tre")),
        (("ett", "ny", "två", "tre"), ("ett", "två", "TRE"), ("ett", "ny", "två", "TRE")),
        (("två", "tre"), ("ett", "två", "tre", "fyra"), ("två", "tre", "fyra")),
        (("ett", "två", "tre", "x"), ("x0", "ett", "två", "tre"), ("x0", "ett", "två", "tre", "x")),
        (("ETT", "två", "tre"), ("ETT", "två", "tre"), ("ETT", "två", "tre")),
        (("ett", "ny", "två", "tre"), ("ett", "TVÅ", "tre"), ("ett", "ny", "TVÅ", "tre")),
        (("ett", "tre"), ("ett", "tre"), ("ett", "tre")),
    ],
)
def test_blocks_that_only_one_touched_merge(
    theirs: tuple[str, ...], mine: tuple[str, ...], both: tuple[str, ...]
) -> None:
    merged = merge(text(), text(body=body(*theirs)), text(body=body(*mine)))

    assert merged.clashes == ()
    assert blocks(merged.text.body) == blocks(body(*both))


def test_a_block_that_both_changed_keeps_mine_in_the_text_and_theirs_beside_it() -> None:
    merged = merge(
        text(), text(body=body("ett", "deras", "tre")), text(body=body("ett", "mitt", "tre"))
    )

    assert merged.text.body == body("ett", "mitt", "tre")
    assert merged.clashes == (Clash("body", "<p>deras</p>", "<p>mitt</p>", "<p>ett</p>"),)


def test_a_block_that_one_removed_and_the_other_changed_clashes() -> None:
    merged = merge(text(), text(body=body("ett", "deras", "tre")), text(body=body("ett", "tre")))

    assert merged.clashes == (Clash("body", "<p>deras</p>", "", "<p>ett</p>"),)


def test_different_blocks_put_in_at_the_same_place_clash() -> None:
    merged = merge(
        text(),
        text(body=body("ett", "deras", "två", "tre")),
        text(body=body("ett", "mitt", "två", "tre")),
    )

    assert merged.clashes == (Clash("body", "<p>deras</p>", "<p>mitt</p>", "<p>ett</p>"),)


@pytest.mark.parametrize("part", ["headline", "lead"])
def test_a_headline_or_a_lead_that_both_changed_clashes(part: str) -> None:
    merged = merge(text(), text(**{part: "Deras"}), text(**{part: "Mitt"}))

    assert getattr(merged.text, part) == "Mitt"
    assert merged.clashes == (Clash(part, "Deras", "Mitt"),)


def test_where_lines_break_is_no_change() -> None:
    rewrapped = text(body="<p>ett</p><p>två</p>  <p>tre</p>", lead="Ingress. ")

    merged = merge(text(), text(body=body("ett", "deras", "tre"), lead="Deras."), rewrapped)

    assert merged.clashes == ()
    assert (merged.text.lead, merged.text.body) == ("Deras.", body("ett", "deras", "tre"))


def test_contacts_and_links_merge_one_by_one() -> None:
    theirs = text(contacts=[BO, CIA], links=[])
    mine = text(links=[HOME, MORE], contacts=[])

    merged = merge(text(), theirs, mine)

    assert merged.clashes == ()
    assert merged.text.contacts == [CIA]
    assert merged.text.links == [MORE]


def test_a_contact_that_both_changed_clashes() -> None:
    theirs, mine = {**BO, "phone": "072"}, {**BO, "phone": "073"}

    merged = merge(text(), text(contacts=[theirs]), text(contacts=[mine]))

    assert merged.text.contacts == [mine]
    assert merged.clashes == (Clash("contacts", (theirs,), (mine,)),)


def test_links_that_i_moved_keep_my_order_and_take_in_theirs() -> None:
    base = text(links=[HOME, MORE])
    new = {"label": "Ny", "url": "https://ny.se/"}

    merged = merge(base, text(links=[HOME, new, MORE]), text(links=[MORE, HOME]))

    assert merged.text.links == [MORE, HOME, new]


def test_two_links_to_one_page_both_stay() -> None:
    base = text(links=[HOME, {**HOME, "label": "Startsidan"}])

    merged = merge(base, replace(base, lead="Deras."), replace(base, links=[*base.links, MORE]))

    assert merged.text.links == [HOME, {**HOME, "label": "Startsidan"}, MORE]


PARAGRAPHS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]), max_size=7)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["drop", "change", "add"]), st.integers(0, 7)), max_size=5
)


def changed(paragraphs: list[str], steps: list[tuple[str, int]], whose: str) -> list[str]:
    """Paragraphs after somebody has written in them; each of their words is theirs alone."""
    made = list(paragraphs)
    for n, (step, place) in enumerate(steps):
        if step == "add":
            made.insert(place, f"{whose}{n}")
        elif place < len(made) and step == "drop":
            del made[place]
        elif place < len(made):
            made[place] += f" {whose}{n}"
    return made


def said(*texts: str) -> set[str]:
    return set(re.findall(r"\w+", " ".join(re.sub("<[^>]*>", " ", one) for one in texts)))


@given(PARAGRAPHS, CHANGES, CHANGES)
def test_every_new_word_of_either_is_in_the_text_or_in_a_clash(
    paragraphs: list[str], hers: list[tuple[str, int]], his: list[tuple[str, int]]
) -> None:
    base = text(body=body(*paragraphs))
    theirs = text(body=body(*changed(paragraphs, hers, "T")))
    mine = text(body=body(*changed(paragraphs, his, "M")))

    merged = merge(base, theirs, mine)

    shown = said(merged.text.body, *(str(clash.theirs) for clash in merged.clashes))
    assert said(theirs.body) - said(base.body) <= shown
    assert said(mine.body) - said(base.body) <= said(merged.text.body)


@given(PARAGRAPHS, CHANGES, CHANGES)
def test_a_block_that_both_left_alone_stays_as_often_as_it_stood(
    paragraphs: list[str], hers: list[tuple[str, int]], his: list[tuple[str, int]]
) -> None:
    base = [f"{one}{n}" for n, one in enumerate(paragraphs)]
    theirs, mine = changed(base, hers, "T"), changed(base, his, "M")

    merged = merge(text(body=body(*base)), text(body=body(*theirs)), text(body=body(*mine)))

    kept = Counter(blocks(merged.text.body))
    for one in set(base) & set(theirs) & set(mine):
        assert kept[f"<p>{one}</p>"] == 1


@given(PARAGRAPHS, CHANGES)
def test_merging_with_an_unchanged_text_is_the_other_one(
    paragraphs: list[str], steps: list[tuple[str, int]]
) -> None:
    base = text(body=body(*paragraphs))
    other = text(body=body(*changed(paragraphs, steps, "T")), lead="Nytt", contacts=[CIA, BO])

    assert merge(base, other, base).text == other
    assert merge(base, base, other).text == other
    assert not merge(base, other, base).clashes
    assert not merge(base, other, other).clashes


@given(PARAGRAPHS, CHANGES, CHANGES)
def test_who_saved_first_makes_no_difference_where_nothing_clashes(
    paragraphs: list[str], hers: list[tuple[str, int]], his: list[tuple[str, int]]
) -> None:
    base = text(body=body(*paragraphs))
    theirs = text(body=body(*changed(paragraphs, hers, "T")))
    mine = text(body=body(*changed(paragraphs, his, "M")))

    one, other = merge(base, theirs, mine), merge(base, mine, theirs)

    assert [(c.theirs, c.mine) for c in one.clashes] == [(c.mine, c.theirs) for c in other.clashes]
    if not one.clashes:
        assert blocks(one.text.body) == blocks(other.text.body)


@given(st.text(alphabet="ab <p>/ul", max_size=60))
def test_the_blocks_of_a_cleaned_text_are_all_of_it(markup: str) -> None:
    cleaned = clean(markup)

    assert "".join("".join(blocks(cleaned)).split()) == "".join(cleaned.split())


# Settling


@pytest.mark.parametrize(
    ("choice", "stands"),
    [
        ("mine", ("ett", "mitt", "tre")),
        ("theirs", ("ett", "deras", "tre")),
        ("both", ("ett", "mitt", "deras", "tre")),
        ("", ("ett", "mitt", "tre")),
    ],
)
def test_a_choice_at_a_clash_is_what_then_stands_there(
    choice: str, stands: tuple[str, ...]
) -> None:
    clash = Clash("body", "<p>deras</p>", "<p>mitt</p>", "<p>ett</p>")

    settled = settle(text(body=body("ett", "mitt", "tre")), clash, choice)

    assert blocks(settled.body) == blocks(body(*stands))


def test_their_words_are_put_back_where_i_had_removed_them() -> None:
    clash = Clash("body", "<p>deras</p>", "", "<p>ett</p>")

    settled = settle(text(body=body("ett", "tre")), clash, "theirs")

    assert blocks(settled.body) == blocks(body("ett", "deras", "tre"))


def test_words_that_i_have_rewritten_since_stay_beside_theirs() -> None:
    clash = Clash("body", "<p>deras</p>", "<p>mitt</p>", "<p>ett</p>")

    settled = settle(text(body=body("ett", "mitt, omskrivet", "tre")), clash, "theirs")

    assert blocks(settled.body) == blocks(body("ett", "deras", "mitt, omskrivet", "tre"))


@pytest.mark.parametrize("choice", ["theirs", "both"])
def test_a_lead_that_i_have_rewritten_since_stays_before_theirs(choice: str) -> None:
    clash = Clash("lead", "Deras.", "Min.")

    settled = settle(text(lead="Min, omskriven."), clash, choice)

    assert settled.lead == "Min, omskriven. Deras."


def test_a_contact_is_one_or_the_other() -> None:
    theirs, mine = {**BO, "phone": "072"}, {**BO, "phone": "073"}

    settled = settle(text(contacts=[mine, CIA]), Clash("contacts", (theirs,), (mine,)), "theirs")

    assert settled.contacts == [theirs, CIA]


# Saving


def other_saves(release: Release, by: User, **parts: Any) -> Revision:
    revision = save(
        release,
        replace(text_of(release.head), **parts),
        base_id=release.head_id or 0,
        by=by,
        at=LATER,
    )
    db.session.commit()
    return revision


def test_what_others_saved_meanwhile_is_in_the_new_version(
    app: Flask, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    base, mine = release.head, replace(text_of(release.head), lead="Alvas ingress.")
    other_saves(release, editor, headline="Bos rubrik")

    saved = save_together(release, mine, base=base, by=writer, at=LATER, note="Kortare")

    assert saved.merged_with == ("Bo",)
    assert (saved.revision.headline, saved.revision.lead) == ("Bos rubrik", "Alvas ingress.")
    assert saved.revision.number == 3
    assert saved.revision.note == "Kortare · Sammanfogad med ändringar av Bo"


def test_a_clash_writes_nothing(app: Flask, writer: User, editor: User) -> None:
    release = factories.release(writer)
    base, mine = release.head, replace(text_of(release.head), lead="Alvas ingress.")
    theirs = other_saves(release, editor, lead="Bos ingress.")

    with pytest.raises(Clashing) as refused:
        save_together(release, mine, base=base, by=writer, at=LATER)

    assert refused.value.merged.clashes == (Clash("lead", "Bos ingress.", "Alvas ingress."),)
    assert release.head_id == theirs.id


def test_of_many_who_save_different_parts_at_once_everybodys_words_are_kept(
    app: Flask, writer: User
) -> None:
    release = factories.release(writer)
    paragraphs = [f"<p>stycke {n}</p>" for n in range(5)]
    other_saves(release, writer, body="".join(paragraphs))
    release_id, base_id, person = release.id, release.head_id or 0, writer.id
    whole = text_of(release.head)
    db.session.commit()
    failures: list[Exception] = []
    start = threading.Barrier(5)

    def work(n: int) -> None:
        with app.app_context():
            mine = [*paragraphs[:n], f"<p>nytt {n}</p>", *paragraphs[n + 1 :]]
            start.wait()
            try:
                save_together(
                    db.session.get_one(Release, release_id),
                    replace(whole, body="".join(mine)),
                    base=db.session.get_one(Revision, base_id),
                    by=db.session.get_one(User, person),
                    at=LATER,
                )
                db.session.commit()
            except Exception as error:
                failures.append(error)
                db.session.rollback()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.expire_all()
    head = db.session.get_one(Release, release_id).head
    assert not failures
    assert blocks(head.body) == [f"<p>nytt {n}</p>" for n in range(5)]
    assert head.number == 7


# The page


def form_of(release: Release, base: Revision, **changed: str) -> dict[str, str]:
    parts = ("headline", "lead", "body", "about_programme")
    return {**{part: getattr(base, part) for part in parts}, "base": str(base.id), **changed}


def test_the_person_is_told_whose_changes_came_along(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    base = release.head
    other_saves(release, editor, headline="Bos rubrik")

    answer = signed_in(client, writer).post(
        f"/office/releases/{release.id}/edit",
        data=form_of(release, base, lead="Alvas ingress."),
        follow_redirects=True,
    )

    assert "tillsammans med ändringar som Bo hann spara" in words(answer.text)
    assert "Bos rubrik" in answer.text
    assert "Alvas ingress." in answer.text


def clashing_page(client: FlaskClient, release: Release, editor: User, **mine: str) -> str:
    base = release.head
    other_saves(
        release, editor, lead="Bos ingress.", body="<p>Bos stycke.</p>", headline="Bos rubrik"
    )
    answer = client.post(f"/office/releases/{release.id}/edit", data=form_of(release, base, **mine))
    assert answer.status_code == 409
    return answer.text


def carried(page: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'name="clash" value="([^"]*)"', page)]


def test_both_texts_of_a_clash_stand_on_the_page(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    signed_in(client, writer)

    page = clashing_page(
        client, release, editor, lead="Alvas ingress.", body="<p>Alvas stycke.</p>"
    )

    said_there = words(page)
    for kept in ("Bos ingress.", "Alvas ingress.", "Bos stycke.", "Alvas stycke.", "Bos rubrik"):
        assert kept in said_there
    assert f'name="base" value="{release.head_id}"' in page
    assert len(carried(page)) == 2


@pytest.mark.parametrize(
    ("choice", "lead"),
    [
        ("mine", "Alvas ingress."),
        ("theirs", "Bos ingress."),
        ("both", "Alvas ingress. Bos ingress."),
    ],
)
def test_the_choice_made_on_the_page_is_what_is_saved(
    client: FlaskClient, writer: User, editor: User, choice: str, lead: str
) -> None:
    release = factories.release(writer)
    signed_in(client, writer)
    page = clashing_page(client, release, editor, lead="Alvas ingress.")

    again = form_of(release, release.head, lead="Alvas ingress.")
    answer = client.post(
        f"/office/releases/{release.id}/edit",
        data={**again, "clash": carried(page), "choice-0": choice},
    )

    db.session.refresh(release)
    assert answer.status_code == 302
    assert release.head.lead == lead
    assert release.head.headline == "Bos rubrik"


def test_a_clash_is_still_there_for_whoever_left_before_choosing(
    client: FlaskClient, writer: User, editor: User
) -> None:
    release = factories.release(writer)
    signed_in(client, writer)
    page = clashing_page(client, release, editor, lead="Alvas ingress.")
    left = {**form_of(release, release.head, lead="Alvas ingress."), "clash": carried(page)}
    client.post(f"/office/releases/{release.id}/autosave", data=left)

    back = client.get(f"/office/releases/{release.id}/edit?unsaved=1").text

    assert carried(back) == carried(page)
    assert "Bos ingress." in back


def test_a_clash_that_a_page_never_made_is_shown_harmless_or_not_at_all(
    client: FlaskClient, writer: User
) -> None:
    release = factories.release(writer)
    hostile = {
        "part": "body",
        "theirs": "<p>x</p><script>alert(1)</script>",
        "mine": "",
        "after": "",
    }
    nobody = {"part": "contacts", "id": 99}
    sent = form_of(release, release.head, lead="Ny ingress.")
    signed_in(client, writer).post(
        f"/office/releases/{release.id}/autosave",
        data={**sent, "clash": [json.dumps(hostile), json.dumps(nobody)]},
    )

    answer = client.get(f"/office/releases/{release.id}/edit?unsaved=1")

    assert answer.status_code == 200
    assert len(carried(answer.text)) == 1
    assert "alert(1)" not in answer.text


@pytest.mark.parametrize(
    "clash",
    ["", "{}", "[]", "null", '{"part": "author_id", "theirs": "1", "mine": "", "after": ""}',
     '{"part": "contacts", "id": {}}', '{"part": "headline", "theirs": null}', "[" * 3000],
)  # fmt: skip
def test_a_forged_clash_changes_nothing(client: FlaskClient, writer: User, clash: str) -> None:
    release = factories.release(writer, state=State.DRAFT)

    answer = signed_in(client, writer).post(
        f"/office/releases/{release.id}/edit",
        data={**form_of(release, release.head), "clash": clash, "choice-0": "theirs"},
    )

    assert answer.status_code == 302
    assert db.session.scalar(sa.select(sa.func.count(Revision.id))) == 1
