"""Moving into the demo office: the organisation, its people, a round and a published release.

Made through the product's own verbs, so that the demo is also a walk along the whole road. People
stand by role, at example addresses; the telephone numbers are from the series that the Swedish Post
and Telecom Authority keeps free for fiction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import sqlalchemy as sa

from app.core.accounts import Role, User, add_user
from app.core.clock import now
from app.core.db import db
from app.core.organisation import Organisation
from app.demo.picture import draw, logo
from app.looking import made_logo, put_up
from releases.editorial import workflow
from releases.editorial.models import Contact, Release, Story
from releases.editorial.writing import draft_release, save, text_of
from releases.media.models import Image
from releases.media.storing import add, describe, make
from releases.review.models import Answer
from releases.review.quotes import quotes_in
from releases.review.signing_off import record_answer
from releases.rounds import importing
from releases.rounds.communicating import communicate
from releases.rounds.confirming import confirm
from releases.rounds.models import Programme, Round
from releases.rounds.reading import read
from subscribers.audience.importing import import_file

ROUND_FILE = Path(__file__).parent / "kommunala-partnerskap.csv"
PUBLISHED = datetime(2022, 10, 28, 6, 0, tzinfo=UTC)
TOLD = date(2022, 10, 27)
DAY = timedelta(days=1)
READERS = {
    "sv": ("nyheter@lokaltidningen.example", "redaktionen@radion.example", "eva@frilans.example"),
    "en": ("desk@newswire.example",),
}


@dataclass(frozen=True)
class Person:
    email: str
    password: str
    name: str
    role: Role


PEOPLE = (
    Person("skribent@icld.example", "skribent-demo", "Skribenten", Role.WRITER),
    Person("handlaggare@icld.example", "handlaggare-demo", "Handläggaren", Role.OFFICER),
    Person("granskare@icld.example", "granskare-demo", "Granskaren", Role.REVIEWER),
    Person("redaktor@icld.example", "redaktor-demo", "Redaktören", Role.EDITOR),
    Person("admin@icld.example", "admin-demo-1", "Administratören", Role.ADMIN),
)


def is_empty() -> bool:
    """Whether nobody works here yet."""
    return db.session.scalar(sa.select(User.id).limit(1)) is None


def move_in() -> None:
    """Fill an empty installation. Commits once, at the end."""
    at = now()
    writer, officer, _reviewer, editor, admin = (
        add_user(email=p.email, name=p.name, role=p.role, password=p.password, at=at)
        for p in PEOPLE
    )
    sender = _organisation()
    db.session.add(sender)
    put_up(sender, made_logo(logo(), filename="logo.png"), by=admin)
    db.session.add_all(_contacts())
    _subscribers()
    decided = PUBLISHED - timedelta(days=3)
    round_ = _round(_programme(), by=officer, at=decided)
    confirm(round_, [award.number for award in round_.awards], by=officer, at=decided)
    communicate(round_, reference="2022-0147", on=TOLD, by=officer, at=PUBLISHED - DAY)
    drafts = {
        language: draft_release(round_, language, by=writer, at=PUBLISHED - 2 * DAY)[0]
        for language in ("sv", "en")
    }
    picture = _picture(drafts["sv"].story, by=writer, at=PUBLISHED - 2 * DAY)
    for release in drafts.values():
        _published(release, picture, writer=writer, editor=editor)
    db.session.commit()


def _organisation() -> Organisation:
    return Organisation(
        name_sv="Internationellt Centrum för Lokal Demokrati, ICLD",
        name_en="ICLD, Swedish International Centre for Local Democracy",
        short_name="ICLD",
        street="Söderväg 1D",
        postcode="621 58",
        town="Visby",
        switchboard="08-465 004 10",
        site="https://www.icld.se/",
        press_email="press@icld.example",
        social=[{"label": "icld.se", "url": "https://www.icld.se/"}],
        about_sv=(
            "Internationellt Centrum för Lokal Demokrati, ICLD, främjar demokrati och delaktighet "
            "på lokal och regional nivå. Det gör vi genom internationella samarbeten som bygger på "
            "svenska kommuners och regioners kunskaper och erfarenheter. ICLD driver också "
            "utbildningar och forskning om demokrati. ICLD är en ideell förening med Sveriges "
            "Kommuner och Regioner som huvudman. Verksamheten finansieras av Sida."
        ),
        about_en=(
            "The Swedish International Centre for Local Democracy, ICLD, promotes democracy and "
            "participation at local and regional level. It does so through international "
            "partnerships that build on the knowledge and experience of Swedish municipalities and "
            "regions. ICLD also runs training programmes and research on democracy. ICLD is a "
            "non-profit association governed by the Swedish Association of Local Authorities and "
            "Regions. Its work is financed by Sida."
        ),
        time_zone="Europe/Stockholm",
        quote_glyph="–",
        digit_at_sentence_start=False,
        four_eyes=True,
    )


def _contacts() -> list[Contact]:
    return [
        Contact(
            name="Handläggaren",
            title_sv="kommunala partnerskap",
            title_en="municipal partnerships",
            phone="070-174 06 10",
            email="partnerskap@icld.example",
            position=1,
        ),
        Contact(
            name="Kommunikationsstrategen",
            title_sv="press och kommunikation",
            title_en="press and communications",
            phone="070-174 06 20",
            email="press@icld.example",
            position=2,
        ),
    ]


def _subscribers() -> None:
    for language, addresses in READERS.items():
        lines = BytesIO("\n".join(("email", *addresses)).encode())
        before = PUBLISHED - timedelta(days=30)
        for _report in import_file(lines, basis="Demo", language=language, at=before):
            pass


def _programme() -> Programme:
    programme = importing.make_programme("Kommunala partnerskap")
    programme.name_en = "Municipal Partnerships"
    programme.purpose_sv = "internationellt demokratisamarbete"
    programme.purpose_en = "international cooperation on local democracy"
    programme.read_more_url = "https://www.icld.se/"
    programme.about_sv = (
        "Ett kommunalt partnerskap ska ge invånarna större inflytande genom att stärka politiskt "
        "styrda organisationer på lokal och regional nivå. Arbetet gäller ett eller flera av fyra "
        "områden: jämlik och inkluderande behandling, delaktighet, transparens och möjlighet till "
        "ansvarsutkrävande.\n\n"
        "Kommuner, regioner och kommunalförbund i Sverige kan söka tillsammans med en part i något "
        "av samarbetsländerna. Över 40 svenska kommuner och regioner deltar i dag. ICLD fördelar "
        "medlen två gånger om året. Programmet finansieras helt med statliga medel."
    )
    programme.about_en = (
        "A municipal partnership aims to give residents more influence by strengthening "
        "politically governed organisations at local and regional level. The work concerns one or "
        "more of four areas: equal and inclusive treatment, participation, transparency and "
        "accountability.\n\n"
        "Municipalities, regions and municipal associations in Sweden may apply together with a "
        "partner in one of the cooperation countries. More than 40 Swedish municipalities and "
        "regions take part today. ICLD allocates the funds twice a year. The programme is financed "
        "entirely by the state."
    )
    return programme


def _round(programme: Programme, *, by: User, at: datetime) -> Round:
    content = ROUND_FILE.read_bytes()
    return importing.store(
        read(content, filename=ROUND_FILE.name),
        content=content,
        filename=ROUND_FILE.name,
        programme=programme,
        name="Hösten 2022",
        by=by,
        at=at,
    )


QUOTES = {
    "sv": {
        "authority": (
            "Demokratin är under press i flera länder, och det märks i människors vardag. De som "
            "deltar i ett kommunalt partnerskap hjälper till att vända utvecklingen",
            "generaldirektören på biståndsmyndigheten Sida",
        ),
        "head": (
            "Ett partnerskap stärker den lokala demokratin på båda håll. Vi har mycket att lära av "
            "varandra om klimat, medborgardialog, säkerhet och integration",
            "generalsekreteraren på ICLD",
        ),
    },
    "en": {
        "authority": (
            "Democracy is under pressure in several countries, and people feel it in their daily "
            "lives. Those who join a municipal partnership help to turn the tide",
            "the Director-General of the aid agency Sida",
        ),
        "head": (
            "A partnership strengthens local democracy on both sides. We have much to learn from "
            "each other about climate, civic dialogue, safety and integration",
            "the Secretary General of ICLD",
        ),
    },
}
MORE = {
    "sv": (
        "<p>I ett partnerskap arbetar parterna med en utmaning som de delar. Region Östergötland "
        "och Uasin Gishu County i Kenya lär av varandra om jämlik hälsa och cancersjukvård.</p>"
    ),
    "en": (
        "<p>In a partnership the two sides work on a challenge that they share. Region "
        "Östergötland and Uasin Gishu County in Kenya learn from each other about equal health "
        "and cancer care.</p>"
    ),
}
THEMES = {
    "jämställdhet": "gender equality",
    "vatten och avfall": "water and waste",
    "ungas deltagande": "youth participation",
    "klimat": "climate",
}
PICTURE = {
    "alt_sv": "Tio ljusa prickar på grön botten, parvis förbundna med bågar",
    "alt_en": "Ten light dots on a green ground, joined in pairs by arcs",
    "caption_sv": "Kommuner och regioner hittar sina partner. Illustrationen hör till demon.",
    "caption_en": "Municipalities and regions find their partners. An illustration for the demo.",
    "credit": "ICLD",
    "licence": "press",
}
BY_PHONE = {"sv": "Godkänt per telefon.", "en": "Approved by telephone."}


def _picture(story: Story, *, by: User, at: datetime) -> Image:
    made = make(draw(), filename="partnerskap.png")
    picture = add(story, made, language="sv", by=by, at=at)
    assert isinstance(picture, Image)
    describe(picture, PICTURE, was={}, by=by, at=at)
    return picture


def _published(release: Release, picture: Image, *, writer: User, editor: User) -> None:
    """Fill the gaps, have it approved by another pair of eyes, publish."""
    at, language = PUBLISHED, release.language
    text = text_of(release.head)
    body = _with_quotes(text.body, language)
    body = _translated(body) if language == "en" else body
    at_end = body.rindex("<p>")
    text = replace(
        text,
        body=body[:at_end] + MORE[language] + body[at_end:],
        images=[picture.printed(language)],
    )
    assert release.head_id is not None
    told = at - DAY
    save(release, text, base_id=release.head_id, by=writer, at=told)
    for quote in quotes_in(release.head.body):
        how = BY_PHONE[language]
        record_answer(release, quote, Answer.APPROVED, how=how, by=writer, at=told)
    workflow.submit(release, by=writer, at=at - timedelta(hours=3))
    workflow.approve(release, revision_id=release.head_id, by=editor, at=at - timedelta(hours=1))
    workflow.publish(release, by=editor, at=at)


def _with_quotes(body: str, language: str) -> str:
    for slot, (words, speaker) in QUOTES[language].items():
        body = re.sub(
            rf'<blockquote><p><mark data-gap="quote\.{slot}">.*?</mark></p></blockquote>',
            f"<blockquote><p>{words}.</p><footer>{speaker}</footer></blockquote>",
            body,
        )
    return body


def _translated(body: str) -> str:
    for swedish, english in THEMES.items():
        body = body.replace(f'<i lang="sv">{swedish}</i>', english)
    return body
