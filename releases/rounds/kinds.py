"""The kinds of grantee and the words for them in grants officers' files.

A kind is a key; its words for readers ("tio kommuner") belong to drafting. A word that is not in
the list has no kind: `reading` then tells the officer instead of guessing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_WORDS = {
    "kommun": """kommun, kommuner, kommunen, primärkommun, primärkommuner, stad, städer,
        svensk kommun, svenska kommuner, municipality, municipalities, swedish municipality,
        swedish municipalities, city, cities, town, towns""",
    "region": """region, regioner, regionen, landsting, landstinget, regionkommun, regionkommuner,
        sekundärkommun, landsting region, region landsting, svensk region, svenska regioner,
        regions, swedish region, regional authority, regional authorities, regional council,
        regional councils, regional government""",
    "kommunalforbund": """kommunalförbund, kommunalförbundet, kommunalförbunden, regionförbund,
        municipal association, municipal associations, municipal federation,
        municipal federations, local federation, local federations, federation of municipalities,
        association of municipalities, associations of municipalities, joint authority""",
    "lansstyrelse": """länsstyrelse, länsstyrelser, länsstyrelsen, county administrative board,
        county administrative boards""",
    "forening": """förening, föreningar, föreningen, ideell förening, ideella föreningar,
        ekonomisk förening, ekonomiska föreningar, ideell organisation, ideella organisationer,
        idrottsförening, idrottsföreningar, hembygdsförening, hembygdsföreningar, kulturförening,
        kulturföreningar, bostadsrättsförening, bostadsrättsföreningar, brf, klubb, klubbar,
        samfällighetsförening, samfällighetsföreningar, intresseförening, intresseföreningar,
        studieförbund, riksförbund,
        association, associations, non profit association, non profit associations,
        member association, club, clubs, society, societies""",
    "stiftelse": """stiftelse, stiftelser, stiftelsen, insamlingsstiftelse, insamlingsstiftelser,
        foundation, foundations, trust, trusts""",
    "foretag": """företag, företagen, företaget, bolag, bolaget, ab, aktiebolag, aktiebolaget, hb,
        handelsbolag, kb, kommanditbolag, enskild firma, enskild näringsidkare, näringsidkare,
        näringsliv, näringslivet, privat företag, privata företag, kommunalt bolag,
        kommunala bolag, småföretag, company, companies, limited company, limited companies,
        private company, private companies, private sector, private for profit,
        private for profit entity, business, businesses, enterprise, enterprises, sme, smes,
        corporation, corporations, firm, firms, ltd, limited, plc, gmbh, inc""",
    "universitet": """universitet, universiteten, universitetet, lärosäte, lärosäten,
        universitet högskola, universitet och högskola, universitet och högskolor, university,
        universities, higher education, higher education institution,
        higher education institutions, higher or secondary education establishment,
        higher or secondary education establishments, universities and colleges""",
    "hogskola": """högskola, högskolor, högskolan, university college, university colleges""",
    "skola": """skola, skolor, skolan, grundskola, grundskolor, gymnasieskola, gymnasieskolor,
        gymnasium, gymnasier, folkhögskola, folkhögskolor, förskola, förskolor, friskola,
        friskolor, school, schools, academy, academies, folk high school, folk high schools""",
    "myndighet": """myndighet, myndigheter, myndigheten, statlig myndighet, statliga myndigheter,
        offentlig myndighet, offentliga myndigheter, government agency, government agencies,
        agency, agencies, public agency, public authority, public authorities, public body,
        public bodies, government department, government departments""",
    "samfund": """samfund, trossamfund, registrerat trossamfund, församling, församlingar,
        kyrka, kyrkor, faith community, faith communities, faith organisation,
        faith organisations, faith group, faith groups, religious community,
        religious communities, congregation, congregations, church, churches, parish, parishes""",
    "organisation": """organisation, organisationer, organisationen, civilsamhälle,
        civilsamhället, civilsamhällesorganisation, civilsamhällesorganisationer, organisations,
        organization, organizations, ngo, ngos, cso, csos, civil society,
        civil society organisation, civil society organisations, civil society organization,
        non governmental organisation, non governmental organisations,
        non governmental organization, non governmental organisation association, non profit,
        nonprofit, not for profit,
        non profit organisation, non profit organisations, non profit organization,
        research organisation, research organisations""",
    "privatperson": """privatperson, privatpersoner, enskild person, enskilda personer,
        person, personer, individ, individer, individual, individuals, private individual,
        private individuals, private person, private persons, persons""",
    "charity": """charity, charities, registered charity, registered charities, exempt charity,
        scottish charity, charitable organisation, charitable organisations, charitable trust,
        charitable company, charitable incorporated organisation, cio, cios""",
    "cic": "cic, cics, community interest company, community interest companies",
    "council": """council, councils, local authority, local authorities, local council,
        local councils, local government, county council, county councils, borough council,
        district council, city council, town council, parish council, unitary authority""",
    "community_group": """community group, community groups, unregistered community group,
        unincorporated association, unincorporated associations, community organisation,
        community organisations, unregistered vco or group, voluntary group, voluntary groups,
        voluntary organisation, voluntary organisations, constituted group, grassroots group,
        community or voluntary organisation, community or voluntary organisations""",
}

KINDS = tuple(_WORDS)


def kind_of(text: str) -> str | None:
    """The kind a cell speaks of, in Swedish or English, or None when it is blank or unknown.

    `Förening/klubb` is a kind, since both words mean the same; `Kommun/region` is not.
    """
    if whole := _kinds_by_word().get(_plain(text)):
        return whole
    either = {_kinds_by_word().get(_plain(part)) for part in text.split("/")}
    return either.pop() if len(either) == 1 else None


@cache
def _kinds_by_word() -> dict[str, str]:
    return {_plain(word): kind for kind, words in _WORDS.items() for word in words.split(",")}


def _plain(text: str) -> str:
    """Words only: "Ideell förening (allmännyttig)" and "ideell förening" are the same kind."""
    words = re.sub(r"\([^)]*\)", " ", unicodedata.normalize("NFC", text).casefold())
    return " ".join(re.findall(r"\w+", words))
