"""The fact check, by sentences that a press office could write about one small round."""

from __future__ import annotations

import html
import re
import time
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releases.drafting.checking import Finding, Grade, check
from releases.drafting.drafting import Draft
from releases.drafting.language import HouseStyle
from releases.drafting.passages import passages, underlined
from releases.rounds.table import AwardStatus, Row
from tests.releases.drafting.test_drafts_of_every_shape import SHAPES, invented, made
from tests.releases.drafting.test_seed_draft import drafted, seed

REFUSED = Row(90, "Göteborg", "kommun", Decimal(400000), status=AwardStatus.REJECTED)
ALL = (
    "Ekerö, Karlstad, Kristinehamn, Lycksele, Mariestad, Piteå, Region Östergötland, Ronneby,"
    " Umeå, Älmhult"
)
LEAD = {
    "sv": "Tio kommuner och en region får dela på 10 641 000 kronor.",
    "en": "Ten municipalities and one region will share SEK 10,641,000.",
}


def checked(
    parts: dict[str, str], rows: list[Row], language: str = "sv", currency: str = "SEK"
) -> list[Finding]:
    return check(parts, rows=rows, currency=currency, language=language, style=HouseStyle())


def of(sentence: str, language: str = "sv", part: str = "body") -> list[Finding]:
    """What is found in a sentence about the round that the product was asked for first."""
    markup = html.escape(sentence, quote=False)
    body = f"<p>{markup}</p>" if part == "body" else markup
    return checked({part: body}, [*seed(), REFUSED], language)


# (sentence, the words underlined, code, what the round says contains)
SWEDISH = [
    ("Elva mottagare får dela på 10 461 000 kronor.", "10 461 000 kronor", "total", "10 641 000"),
    ("Elva mottagare får dela på 10 641 500 kronor.", "10 641 500 kronor", "total", "10 641 000"),
    ("Elva mottagare får dela på 10.461.000 kronor.", "10.461.000 kronor", "total", "10 641 000"),
    ("Elva mottagare får dela på 10461000 kr.", "10461000 kr", "total", "10 641 000"),
    ("Elva mottagare får dela på 10,4 miljoner kronor.", "10,4 miljoner kronor", "total", "10 6"),
    ("Elva mottagare får dela på 10,4 mnkr.", "10,4 mnkr", "total", "10 641 000"),
    ("Programmet delar ut drygt 9 miljoner kronor.", "9 miljoner kronor", "total", "10 641 000"),
    ("Totalt fördelas elva miljoner kronor.", "elva miljoner kronor", "total", "10 641 000"),
    ("Elva mottagare får dela på tolv miljoner.", "tolv miljoner", "total", "10 641 000"),
    ("Sammanlagt beviljas 106 miljoner kronor.", "106 miljoner kronor", "total", "10 641 000"),
    ("Stödet på 10 614 000 kronor betalas ut nu.", "10 614 000 kronor", "total", "10 641 000"),
    ("Elva mottagare får dela på SEK 10,461,000.", "SEK 10,461,000", "total", "10 641 000"),
    ("Elva mottagare får dela på tio miljoner sexhundrafyrtio tusen kronor.",
     "tio miljoner sexhundrafyrtio tusen kronor", "total", "10 641 000"),
    ("Drygt elva miljoner kronor fördelas.", "Drygt elva miljoner kronor", "hedge", "10 641 000"),
    ("Nästan tio miljoner kronor fördelas.", "Nästan tio miljoner kronor", "hedge", "10 641 000"),
    ("Närmare 10,6 miljoner kronor fördelas.", "Närmare 10,6 miljoner kronor", "hedge", "10 641"),
    ("Över 10,7 miljoner kronor fördelas.", "Över 10,7 miljoner kronor", "hedge", "10 641 000"),
    ("Knappt 10 miljoner kronor delas ut.", "Knappt 10 miljoner kronor", "hedge", "10 641 000"),
    ("Drygt 10 641 000 kronor fördelas.", "Drygt 10 641 000 kronor", "hedge", "10 641 000"),
    ("Tio miljoner kronor fördelas.", "Tio miljoner kronor", "unhedged", "10 641 000"),
    ("12 kommuner får dela på 10 641 000 kronor.", "12 kommuner", "count", "tio kommuner och en"),
    ("Tolv kommuner får dela på pengarna.", "Tolv kommuner", "count", "tio kommuner och en region"),
    ("Tretton svenska kommuner har beviljats medel.", "Tretton svenska kommuner", "count", "tio"),
    ("11 kommuner får dela på 10 641 000 kronor.", "11 kommuner", "kinds", "tio kommuner och en"),
    ("De elva kommunerna har beviljats bidrag.", "elva kommunerna", "kinds", "en region"),
    ("12 svenska kommuner och regioner får dela på 10 641 000 kronor.",
     "12 svenska kommuner och regioner", "count", "tio kommuner och en region"),
    ("Nio kommuner och en region får dela på 10 641 000 kronor.", "Nio kommuner", "count", "tio"),
    ("Tio kommuner och två regioner får dela på pengarna.", "två regioner", "count", "en region"),
    ("Tio mottagare har beviljats medel.", "Tio mottagare", "count", "elva mottagare"),
    ("Tolv projekt får stöd.", "Tolv projekt", "count", "elva projekt"),
    ("Tolv får dela på 10 641 000 kronor.", "Tolv", "count", "elva mottagare"),
    ("Pengarna går till Kristinehman och Umeå.", "Kristinehman", "name_misspelt", "Kristinehamn"),
    ("Även Kristinehman får stöd.", "Kristinehman", "name_misspelt", "Kristinehamn"),
    ("Lyksele kommun deltar.", "Lyksele", "name_misspelt", "Lycksele"),
    ("Region Östergöttland får 445 000 kronor.", "Region Östergöttland", "name_misspelt", "Region"),
    ("Stödet går till Alvesta, Ekero och Umeå.", "Ekero", "name_misspelt", "Ekerö"),
    ("Karlstad samarbetar med Makuemi County.", "Makuemi County", "name_misspelt", "Makueni"),
    ("Karlstad samarbetar med en part i Vietnamn.", "Vietnamn", "name_misspelt", "Vietnam"),
    (f"De som har beviljats medel är {ALL}, Göteborg och Öckerö.", "Göteborg", "no_grant", "elva"),
    (f"De som har beviljats medel är {ALL}, Kalmar och Öckerö.", "Kalmar", "no_grant", "elva"),
    (f"Mottagarna är {ALL}.", "Älmhult", "list_incomplete", "Öckerö"),
    ("Mottagarna är Ekerö, Karlstad, Lycksele, Mariestad, Piteå, Ronneby, Umeå och Öckerö.",
     "Öckerö", "list_incomplete", "Kristinehamn, Region Östergötland och Älmhult"),
    (f"Mottagarna är {ALL.replace('Piteå', 'Pitea')} och Öckerö.", "Pitea", "name_misspelt", "Pit"),
    (f"Mottagarna är {ALL.replace('Umeå', 'Ume')} och Öckerö.", "Ume", "name_misspelt", "Umeå"),
    ("Göteborg beviljas 400 000 kronor.", "Göteborg", "no_grant", "elva mottagare"),
    ("Ekerö får 1 480 000 kronor.", "1 480 000 kronor", "grantee_amount", "Ekerö: 300 000 kronor"),
    ("Karlstads kommun beviljas 1,5 miljoner kronor.", "1,5 miljoner kronor", "grantee_amount",
     "1 480 000"),
    ("Umeå får mest, 1 496 000 kronor.", "1 496 000 kronor", "grantee_amount", "1 500 000"),
    ("Mest, 1 250 000 kronor, går till Umeå.", "1 250 000 kronor", "grantee_amount", "1 500 000"),
    ("Till Umeå går 1 400 000 kronor.", "1 400 000 kronor", "grantee_amount", "1 500 000"),
    ("Stödet till Umeå är 1,4 miljoner kronor.", "1,4 miljoner kronor", "grantee_amount", "1 500"),
    ("Umeå kommun, som får 1 400 000 kronor, är glad.", "1 400 000 kronor", "grantee_amount",
     "1 500 000"),
    ("Nu får elva kommuner och en region stöd.", "elva kommuner", "kinds", "tio kommuner"),
    ("Elva mottagare får dela på 10 461 000 kronor, mer än förra året.", "10 461 000 kronor",
     "total", "10 641 000"),
    ("Ekerö (330 000 kronor) är med.", "330 000 kronor", "grantee_amount", "300 000"),
    ("Ekerö får 300 000 kronor och Karlstad 1 840 000 kronor.", "1 840 000 kronor",
     "grantee_amount", "Karlstad: 1 480 000"),
    ("Ekerö, Kristinehamn och Mariestad får tillsammans 800 000 kronor.", "800 000 kronor",
     "sum_of_parts", "900 000 kronor"),
    ("Kommunerna får 10 196 000 kronor och regionen 545 000 kronor.", "545 000 kronor",
     "sum_of_parts", "445 000 kronor"),
    ("Det blir 300 000 kronor och 445 000 kronor, sammanlagt 845 000 kronor.", "845 000 kronor",
     "sum_of_parts", "745 000 kronor"),
    ("Fyra av mottagarna är nya sökande.", "Fyra av mottagarna", "first_timers", "tre nya sökande"),
    ("Fyra nya sökande finns med.", "Fyra nya sökande", "first_timers", "tre nya sökande"),
    ("Två av kommunerna får bidrag för första gången.", "Två av kommunerna", "first_timers", "tre"),
    ("Tre av mottagarna är nya sökande: Ekerö, Kristinehamn och Umeå.", "Umeå",
     "not_first_timer", "Mariestad"),
    ("Karlstad är ny sökande.", "Karlstad", "not_first_timer", "Ekerö, Kristinehamn och Mariestad"),
    ("Karlstad samarbetar med An Giang.", "An Giang", "partner", "An Giang: Piteå"),
    ("Karlstads kommun arbetar tillsammans med An Giang i Vietnam.", "An Giang", "partner", "Pite"),
    ("Piteå samarbetar med en part i Kenya.", "Kenya", "country", "Piteå: Vietnam"),
    ("Karlstad samarbetar med en part i Uganda.", "Uganda", "country", "Karlstad: Kenya"),
    ("Karlstad arbetar med Makueni County i Vietnam.", "Vietnam", "country", "Kenya"),
    ("Elva mottagare får dela på 10 641 000 euro.", "10 641 000 euro", "currency", "kronor"),
    ("Elva mottagare får dela på £10,641,000.", "£10,641,000", "currency", "10 641 000 kronor"),
    ("Elva mottagare får dela på 10,6 miljoner norska kronor.", "10,6 miljoner norska kronor",
     "currency", "10 641 000 kronor"),
]  # fmt: skip

ENGLISH = [
    ("Eleven recipients will share SEK 10,461,000.", "SEK 10,461,000", "total", "SEK 10,641,000"),
    ("Eleven recipients will share 10.4 million kronor.", "10.4 million kronor", "total", "10,641"),
    ("A total of SEK 12 million is awarded.", "SEK 12 million", "total", "SEK 10,641,000"),
    ("Eleven recipients will share eleven million kronor.", "eleven million kronor", "total", "10"),
    ("Eleven recipients will share ten million four hundred thousand kronor.",
     "ten million four hundred thousand kronor", "total", "SEK 10,641,000"),
    ("Over SEK 11 million is allocated.", "Over SEK 11 million", "hedge", "SEK 10,641,000"),
    ("Nearly SEK 10 million is allocated.", "Nearly SEK 10 million", "hedge", "SEK 10,641,000"),
    ("More than SEK 10.7 million is allocated.", "More than SEK 10.7 million", "hedge", "10,641"),
    ("Almost ten million kronor is awarded.", "Almost ten million kronor", "hedge", "10,641,000"),
    ("SEK 10 million is allocated.", "SEK 10 million", "unhedged", "SEK 10,641,000"),
    ("Twelve municipalities will share the funding.", "Twelve municipalities", "count", "ten mun"),
    ("Eleven municipalities will share SEK 10,641,000.", "Eleven municipalities", "kinds", "one"),
    ("12 Swedish municipalities and regions share SEK 10,641,000.",
     "12 Swedish municipalities and regions", "count", "ten municipalities and one region"),
    ("Twelve recipients have been awarded grants.", "Twelve recipients", "count", "eleven"),
    ("Twenty-one projects are awarded funding.", "Twenty-one projects", "count", "eleven projects"),
    ("Ten municipalities and two regions share the funding.", "two regions", "count", "one region"),
    ("Funding goes to Kristinehman.", "Kristinehman", "name_misspelt", "Kristinehamn"),
    ("Funding has been awarded to Ekerö, Karlstad, Kristinehamn, Lycksele, Mariestad, Piteå,"
     " Region Östergötland, Ronneby, Umeå and Älmhult.", "Älmhult", "list_incomplete",
     "Öckerö"),
    (f"Funding has been awarded to {ALL}, Göteborg and Öckerö.", "Göteborg", "no_grant", "eleven"),
    ("Ekerö receives SEK 1,480,000.", "SEK 1,480,000", "grantee_amount", "Ekerö: SEK 300,000"),
    ("SEK 1,480,000 goes to Ekerö.", "SEK 1,480,000", "grantee_amount", "SEK 300,000"),
    ("Ekerö, Kristinehamn and Mariestad together receive SEK 800,000.", "SEK 800,000",
     "sum_of_parts", "SEK 900,000"),
    ("Four of the recipients are new applicants.", "Four of the recipients", "first_timers",
     "three"),
    ("Karlstad is a new applicant.", "Karlstad", "not_first_timer", "Ekerö, Kristinehamn and Mari"),
    ("Karlstad works together with An Giang.", "An Giang", "partner", "An Giang: Piteå"),
    ("Piteå works with a partner in Kenya.", "Kenya", "country", "Piteå: Vietnam"),
    ("Eleven recipients will share €10,641,000.", "€10,641,000", "currency", "SEK 10,641,000"),
    ("Eleven recipients will share $10.6 million.", "$10.6 million", "currency", "SEK 10,641,000"),
]  # fmt: skip

WRONG = [("sv", *case) for case in SWEDISH] + [("en", *case) for case in ENGLISH]


@pytest.mark.parametrize(("language", "sentence", "words", "code", "says"), WRONG)
def test_what_contradicts_the_round_is_found(
    language: str, sentence: str, words: str, code: str, says: str
) -> None:
    found = of(sentence, language)

    assert (code, words) in [(one.code, one.words) for one in found]
    one = next(one for one in found if (one.code, one.words) == (code, words))
    assert says in one.says.replace("\u00a0", " ")
    assert (one.severity is Grade.LOOK) == (
        code == "unhedged" or (code == "hedge" and "641 000" in words)
    )


RIGHT_IN_SWEDISH = [
    LEAD["sv"],
    "11 svenska kommuner och regioner får dela på 10 641 000 kronor.",
    "Elva kommuner/regioner får dela på 10 641 000 kronor.",
    "Tio miljoner, närmare bestämt 10 641 000 kronor, fördelas.",
    "Drygt 10,6 miljoner kronor fördelas.",
    "Drygt tio miljoner kronor delas ut.",
    "Över tio miljoner kronor delas ut.",
    "Mer än tio miljoner kronor delas ut.",
    "Nästan elva miljoner kronor delas ut.",
    "Knappt elva miljoner kronor fördelas.",
    "Närmare 10,7 miljoner kronor fördelas.",
    "Cirka 10,6 miljoner kronor fördelas.",
    "Omkring elva miljoner kronor fördelas.",
    "Tio miljoner sexhundrafyrtioett tusen kronor fördelas.",
    "10,641 miljoner kronor fördelas.",
    "Över 40 svenska kommuner och regioner deltar i dag i ett kommunalt partnerskap.",
    "Över 40 kommuner är intresserade av programmet.",
    "Fler än 100 projekt har genomförts sedan starten.",
    "Sveriges 290 kommuner kan söka.",
    "Sedan 2015 har programmet fördelat 200 miljoner kronor till 45 kommuner.",
    "Förra året fick nio kommuner dela ut 8,2 miljoner kronor.",
    "I förra omgången beviljades 8 400 000 kronor.",
    "23 kommuner ansökte om sammanlagt 25 miljoner kronor.",
    "Av 23 ansökningar beviljades elva.",
    "Beslutet fattades den 28 oktober 2022.",
    "Projekten pågår 2023–2025.",
    "Nästa ansökan öppnar kl. 9.00 den 1 mars 2023.",
    "Ring 072-450 01 50 eller 0498-29 91 00.",
    "Söderväg 1D, 621 58 Visby",
    "Läs mer på https://icld.se/2022/12/10641 eller skriv till a12@icld.se.",
    "Ungefär 26 procent av eleverna och 5 % av de vuxna deltog.",
    "Programmet vänder sig till unga mellan 13 och 25 år.",
    "Projektet har nått 3 000 elever i 14 skolor.",
    "Programmet har en årlig budget på 40 miljoner kronor.",
    "En kommun kan få högst 1,5 miljoner kronor.",
    "Varje projekt kan få upp till 1 500 000 kronor.",
    "Elva miljoner invånare bor i området.",
    "Ekerö får 300 000 kronor och Karlstad 1 480 000 kronor.",
    "Ekerö, Kristinehamn och Mariestad får 300 000 kronor vardera.",
    "Ekerö, Kristinehamn och Mariestad får tillsammans 900 000 kronor.",
    "Mest får Umeå, 1,5 miljoner kronor.",
    "Piteå kommun beviljas knappt 1,5 miljoner kronor.",
    "Mest, 1 500 000 kronor, går till Umeå.",
    "Region Östergötland (445 000 kronor) arbetar med hälsa.",
    "Kommunerna får 10 196 000 kronor och regionen 445 000 kronor.",
    "Tre av mottagarna är nya sökande: Ekerö, Kristinehamn och Mariestad.",
    "Tre nya sökande finns med: Ekerö, Kristinehamn och Mariestad.",
    "Ekerö är ny sökande.",
    "Karlstad är inte ny sökande.",
    f"De som har beviljats medel är {ALL} och Öckerö.",
    "Bland annat Ekerö, Karlstad, Kristinehamn, Lycksele, Mariestad, Piteå och Umeå får stöd.",
    "Stödet går till Ekerö, Karlstad och Öckerö.",
    "Karlstads kommun samverkar med Makueni County i Kenya.",
    "Eller Piteå och An Giang, Vietnam som tillsammans arbetar med unga.",
    "Karlstad samarbetar med Makueni County och Piteå med An Giang.",
    "Karlstad har tidigare samarbetat med Uganda.",
    "Tre kommuner samarbetar med parter i Kenya.",
    "Umeåborna och Karlstadsborna får vara med.",
    "Anna Lundh och Karl Stadin leder arbetet i Karlskrona.",
    "Carin Jämtin, generaldirektör på Sida, är med.",
    "Göteborg fick avslag.",
    "Östergötland och Uasin Gishu County i Kenya lär av varandra.",
    "Sida, SKR och Regeringskansliet följer arbetet i Kina och Mali.",
    "I en kommun arbetar man med klimat.",
    "Ekerö är en av elva mottagare.",
    "En region och tio kommuner är med.",
    "Stödet motsvarar ungefär 950 000 euro.",
    "Handlingarna har dnr 2022/123 och § 12.",
    "Det är 2:a gången, på 11:e plats.",
    "Falu kommun och Borås stad är inte med i omgången.",
    "Totalt 10 641 000 kronor går till elva svenska kommuner och regioner, varav tre är nya.",
    "Elva kommuner och regioner delar på drygt tio miljoner kronor.",
    "Nu får tio kommuner och en region stöd för att utveckla demokratin.",
    "Programmet har sedan 2008 gett stöd till 250 partnerskap i 23 länder.",
    "Av de elva är tre nya i programmet.",
    "Tre kommuner som inte har deltagit tidigare finns med: Ekerö, Kristinehamn och Mariestad.",
    "Flera av projekten pågår i Kenya, där Karlstad, Lycksele och Region Östergötland har sina"
    " partner.",
    "Fyra av projekten har en partner, tre i Kenya och ett i Vietnam.",
    "Karlstad får 1,48 miljoner kronor för arbetet med jämställdhet.",
    "Ronneby beviljas 1 350 000 kronor och Umeå 1 500 000 kronor.",
    "Stödet till Umeå är på 1,5 miljoner kronor.",
    "Det största bidraget är 1,5 miljoner kronor och det minsta 300 000 kronor.",
    "I snitt får varje mottagare knappt en miljon kronor.",
    "Ansökningarna omfattade 25 miljoner kronor, och 10 641 000 kronor har beviljats.",
    "Sida har beviljat ICLD 90 miljoner kronor för 2022.",
    "ICLD fördelar medel två gånger per år.",
    "Nästa omgång fördelas 12 miljoner kronor.",
    "För 50 år sedan bildades nätverket med tolv kommuner.",
    "Maria Jansson, kommunikationsstrateg på ICLD, Söderväg 1D.",
    "Kalmar kommun har tidigare fått stöd.",
    "Länderna är Kenya och Vietnam.",
    "Ekerö och Kristinehamn får 300 000 kronor vardera.",
    "Karlstad, Lycksele och Piteå får tillsammans drygt 4,2 miljoner kronor.",
    "Alla elva projekt startar i januari.",
    "Två av kommunerna arbetar med klimat.",
    "En av regionerna och flera kommuner samarbetar.",
    "Pengarna räcker till 11 projekt i Sverige.",
    "Region Östergötland är den enda regionen.",
    "I Piteå bor 42 000 invånare och i Umeå 130 000.",
    "Projektet i Umeå kostar 2 miljoner kronor varav kommunen själv betalar 500 000 kronor.",
    "Kostnaden är 3 500 000 kronor.",
    "Kommunen satsar själv 200 000 kronor.",
    "Umeås och Piteås projekt pågår till 2025.",
    "Johanna Ekeröth, projektledare i Umeå",
    "Karl Karlsson och Mariann Stad är kontaktpersoner.",
]
RIGHT_IN_ENGLISH = [
    LEAD["en"],
    "Eleven Swedish municipalities and regions will share SEK 10,641,000.",
    "Over SEK 10.6 million is allocated.",
    "More than ten million kronor is awarded.",
    "Nearly SEK 11 million is awarded.",
    "About SEK 10.6 million is awarded.",
    "Ten million six hundred and forty-one thousand kronor is awarded.",
    "Over 40 Swedish municipalities and regions participate today.",
    "Since 2015 the programme has awarded SEK 200 million to 45 municipalities.",
    "Last year, nine municipalities received SEK 8.2 million.",
    "The decision was made on 28 October 2022 at 9:00.",
    "The programme runs from 2023 to 2025 for people aged 13 to 25.",
    "Call +46 72 450 01 50.",
    "Some 26 per cent of the pupils took part.",
    "The programme has an annual budget of SEK 40 million.",
    "Projects may receive up to SEK 1.5 million.",
    "Ekerö receives SEK 300,000 and Karlstad SEK 1,480,000.",
    "SEK 1.5 million goes to Umeå.",
    "Three of the recipients are new applicants: Ekerö, Kristinehamn and Mariestad.",
    f"Funding has been awarded to {ALL} and Öckerö.",
    "Karlstads kommun works together with Makueni County in Kenya.",
    "The municipality of Karlstad learns from Kenyan and Vietnamese partners.",
    "One municipality works on climate.",
    "Piteå’s partner is An Giang in Vietnam.",
    "Two municipalities work with partners in Kenya.",
    "The eleven recipients have until 31 March 2023 to start.",
    "Three of the eleven recipients are new applicants.",
    "Swedish municipalities can apply for up to SEK 1,500,000 twice a year.",
    "Karlstad will receive SEK 1.48 million for its work with Makueni County.",
    "The largest grant, SEK 1.5 million, goes to Umeå.",
    "Of the 290 municipalities in Sweden, ten are recipients this time.",
    "ICLD, the Swedish International Centre for Local Democracy, is funded by Sida.",
    "In Kenya, three Swedish recipients work with county governments.",
    "Last autumn, 12 municipalities shared SEK 9 million.",
    "One region, Region Östergötland, is among the recipients.",
]
RIGHT = [("sv", sentence) for sentence in RIGHT_IN_SWEDISH]
RIGHT += [("en", sentence) for sentence in RIGHT_IN_ENGLISH]


@pytest.mark.parametrize(("language", "sentence"), RIGHT)
def test_what_is_right_or_beyond_the_round_is_left_alone(language: str, sentence: str) -> None:
    assert of(sentence, language) == []
    assert of(sentence, language, part="lead") == []


def test_the_tables_are_long_enough() -> None:
    assert len(WRONG) >= 60 and len(RIGHT) >= 60


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_untouched_draft_gives_no_findings(shape: str, language: str) -> None:
    rows = SHAPES[shape]

    for purpose in ("", "demokrati"):
        parts = parts_of(made(rows, language=language, purpose=purpose))
        unbound = {name: re.sub(r"</?data[^>]*>", "", text) for name, text in parts.items()}

        assert checked(parts, rows, language) == []
        assert checked(unbound, rows, language) == []


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("currency", ["EUR", "GBP", "USD", "NOK"])
@pytest.mark.parametrize("total", ["53195.50", "116100000", "1500000"])
def test_drafts_in_other_currencies_give_no_findings(
    total: str, currency: str, language: str
) -> None:
    rows = invented(11, total)
    parts = parts_of(made(rows, language=language, currency=currency))

    assert checked(parts, rows, language, currency) == []


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_seeds_own_draft_gives_no_findings(language: str) -> None:
    assert checked(parts_of(drafted(language)), seed(), language) == []


@pytest.mark.parametrize("language", ["sv", "en"])
@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(1, 40), total=st.integers(10**6, 2 * 10**9), digit=st.integers(0, 9),
    place=st.integers(0, 9),
)  # fmt: skip
def test_one_wrong_digit_in_the_total_is_always_found(
    language: str, n: int, total: int, digit: int, place: int
) -> None:
    rows = invented(n, total)
    parts = parts_of(made(rows, language=language))
    figure = re.search(r'(?<=data-figure="total">)[^<]*', parts["lead"])
    assert figure is not None
    digits = [m.start() for m in re.finditer(r"\d", figure[0])]
    at = digits[place % len(digits)]
    if figure[0][at] == str(digit):
        return
    wrong = figure[0][:at] + str(digit) + figure[0][at + 1 :]
    parts["lead"] = parts["lead"][: figure.start()] + wrong + parts["lead"][figure.end() :]

    found = checked(parts, rows, language)

    assert any(one.severity is Grade.CONTRADICTS and one.part == "lead" for one in found)


def test_a_headline_without_a_hedge_is_only_something_to_look_at() -> None:
    found = of("Tio miljoner till stärkt demokratisamarbete i svenska kommuner", part="headline")

    assert [(one.code, one.severity) for one in found] == [("unhedged", Grade.LOOK)]
    assert found[0].says == "10\u00a0641\u00a0000\u00a0kronor"


@pytest.mark.parametrize(
    "paragraph",
    [
        "– Det är fantastiskt att tolv kommuner får dela på pengarna, säger Karin Ek.",
        "”Tolv kommuner får dela på pengarna”, säger Karin Ek.",
        "“Tolv kommuner får dela på pengarna,” säger Karin Ek.",
    ],
)
def test_numbers_in_a_quote_are_told_softly_and_once(paragraph: str) -> None:
    body = f"<blockquote><p>{paragraph}</p></blockquote><p>{paragraph}</p>"

    found = checked({"body": body}, seed())

    assert [(one.code, one.severity) for one in found] == [("in_quote", Grade.LOOK)]


def test_a_figure_that_has_changed_is_told_with_what_the_round_says_now() -> None:
    body = '<p>Det blir <data value="10" data-figure="total">10 kronor</data>.</p>'

    (one,) = checked({"body": body}, seed())

    assert (one.code, one.figure, one.words) == ("figure", "total", "10 kronor")
    assert one.says == "10\u00a0641\u00a0000\u00a0kronor"


def test_a_figures_words_cannot_drift_from_its_value() -> None:
    body = (
        '<p>De får dela på <data value="10641000" data-figure="total">10 461 000 kronor</data>.</p>'
    )

    assert [one.code for one in checked({"body": body}, seed())] == ["total"]


def test_a_finding_knows_its_place_in_the_html_and_its_sentence() -> None:
    body = (
        "<p>Nu&nbsp;är det klart. <em>Tolv</em>&#160;kommuner får dela på <b>stödet</b>. Bra.</p>"
    )

    (one,) = checked({"body": body}, seed())

    assert body[one.start : one.end] == "Tolv</em>&#160;kommuner"
    assert (one.before, one.words, one.after) == ("", "Tolv kommuner", " får dela på stödet.")
    shown = underlined(body, [(one.start, one.end, ' class="finding" id="f1"')])
    assert shown == (
        '<p>Nu&nbsp;är det klart. <em><mark class="finding" id="f1">Tolv</mark></em>'
        '<mark class="finding">&#160;kommuner</mark> får dela på <b>stödet</b>. Bra.</p>'
    )


def test_each_cell_of_a_table_is_read_alone() -> None:
    row = '<table><tr><th scope="row">Falun</th><td>1</td><td>200 000 kronor</td></tr></table>'

    assert [found.text for found in passages({"body": row}) if found.text] == [
        "Falun",
        "1",
        "200 000 kronor",
    ]


def test_letters_in_two_pieces_are_read_as_one() -> None:
    (passage,) = passages({"body": "<p>Umea\u030a och O\u0308ckero\u0308</p>"})

    assert passage.text == "Umeå och Öckerö"


def test_one_grantee_in_anothers_place_is_told_as_two_slips() -> None:
    listed = ALL.replace("Älmhult", "Göteborg")

    found = of(f"De som har beviljats medel är {listed} och Öckerö.")

    assert [(one.code, one.words) for one in found] == [
        ("no_grant", "Göteborg"),
        ("list_incomplete", "Öckerö"),
    ]


def test_a_round_without_kinds_counts_recipients() -> None:
    rows = [replace(row, kind=None) for row in seed()]

    assert checked({"body": "<p>Elva kommuner får dela på pengarna.</p>"}, rows) == []
    (one,) = checked({"body": "<p>Tolv kommuner får dela på pengarna.</p>"}, rows)
    assert one.says == "elva mottagare"


def test_a_round_without_first_timers_says_nothing_of_them() -> None:
    rows = [replace(row, first_timer=None) for row in seed()]

    assert checked({"body": "<p>Fyra nya sökande finns med.</p>"}, rows) == []


def test_a_round_without_awards_has_nothing_to_say() -> None:
    assert checked({"body": "<p>Tolv kommuner får 3 kronor.</p>"}, [REFUSED]) == []


def test_three_hundred_grantees_are_checked_in_a_blink() -> None:
    rows = SHAPES["three hundred"]
    parts = parts_of(made(rows, language="sv"))
    parts["body"] += "<p>Kristinehman och Lyksele får 3 miljoner kronor.</p>" * 20
    checked(parts, rows)

    times = []
    for _ in range(3):
        began = time.process_time()
        checked(parts, rows)
        times.append(time.process_time() - began)

    assert min(times) < 0.2  # a tenth of a second on an idle machine


def parts_of(made: Draft) -> dict[str, str]:
    return {"headline": made.headline, "lead": made.lead, "body": made.body}
