"""What the doctor reads out of DNS, asked of a real name server."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.doctor import dmarc, relay, sender, spf
from app.doctor.findings import Finding, Level, Record
from app.doctor.names import Names, Silent
from app.doctor.sender import Sender
from subscribers.mailings.writing.keys import Key, new_key, read_key
from tests.nameserver import NameServer

PUBLIC = "93.184.215.14"
OFFICE = Sender(
    base_url="https://press.example.org",
    mail_domain="example.org",
    bounce_domain="bounce.example.org",
    relay="smtp.example.org",
    signing_domain="example.org",
    reads_returns=True,
)


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with NameServer() as server:
        yield server


@pytest.fixture
def names(dns: NameServer) -> Names:
    return Names(dns.address)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    path = tmp_path_factory.mktemp("keys") / "rsa.pem"
    path.write_bytes(new_key("rsa"))
    return read_key(path, selector="press1", domain="example.org")


def keys(findings: Iterator[Finding]) -> list[str]:
    return [finding.key for finding in findings]


# Asking


def test_a_name_that_is_not_there_has_no_records(names: Names) -> None:
    assert names.texts("nothing.example.org") == []


def test_a_resolver_that_fails_is_no_answer_at_all(dns: NameServer, names: Names) -> None:
    dns.silent.add("example.org")

    with pytest.raises(Silent):
        names.texts("example.org")


def test_what_is_no_name_has_no_records(names: Names) -> None:
    assert names.texts("x" * 64 + ".example.org") == []
    assert names.texts("a..example.org") == []


def test_a_question_is_asked_once(dns: NameServer, names: Names) -> None:
    dns.say("example.org", "TXT", "hello")

    assert [names.texts("example.org"), names.texts("Example.org.")] == [["hello"], ["hello"]]
    assert len(dns.asked) == 1


def test_a_long_record_comes_whole(dns: NameServer, names: Names) -> None:
    dns.say("example.org", "TXT", "x" * 2000)

    assert names.texts("example.org") == ["x" * 2000]


# SPF


@pytest.mark.parametrize(
    ("record", "address", "verdict"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.9", "pass"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "198.51.100.1", "fail"),
        ("v=spf1 ip4:192.0.2.0/24 ~all", "198.51.100.1", "softfail"),
        ("v=spf1 ip4:192.0.2.9 ?all", "198.51.100.1", "neutral"),
        ("v=spf1 ip4:192.0.2.9", "198.51.100.1", "neutral"),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::9", "pass"),
        ("v=spf1 ip6:2001:db8::/32 -all", "192.0.2.9", "fail"),
        ("v=spf1 a:host.example.org -all", PUBLIC, "pass"),
        ("v=spf1 a:host.example.org/16 -all", "93.184.1.1", "pass"),
        ("v=spf1 mx -all", PUBLIC, "pass"),
        ("v=spf1 include:provider.example -all", "203.0.113.7", "pass"),
        ("v=spf1 include:provider.example -all", "192.0.2.1", "fail"),
        ("v=spf1 redirect=provider.example", "203.0.113.7", "pass"),
        ("v=spf1 exists:host.example.org -all", "192.0.2.1", "pass"),
        ("v=spf1 include:nothing.example -all", "192.0.2.1", "permerror"),
        ("v=spf1 nonsense -all", "192.0.2.1", "permerror"),
        ("v=spf1 ip4:512.0.2.1 -all", "192.0.2.1", "permerror"),
        ("V=SPF1 IP4:192.0.2.9 -ALL", "192.0.2.9", "pass"),
        ("v=spf10 ip4:192.0.2.9 -all", "192.0.2.9", "none"),
        ("v=spf1 -ip4:192.0.2.9 +all", "192.0.2.9", "fail"),
        ("v=spf1 exp=why.example.org unknown=x ip4:192.0.2.9 -all", "192.0.2.9", "pass"),
    ],
)
def test_spf_is_read_as_a_receiver_reads_it(
    dns: NameServer, names: Names, record: str, address: str, verdict: str
) -> None:
    dns.say("example.org", "TXT", "another record", record)
    dns.say("example.org", "MX", "10 host.example.org.")
    dns.say("host.example.org", "A", PUBLIC)
    dns.say("provider.example", "TXT", "v=spf1 ip4:203.0.113.0/24 ~all")

    assert spf.check("example.org", address, names) == (spf.Verdict(verdict), True)


def test_spf_that_depends_on_the_mail_is_not_sure(dns: NameServer, names: Names) -> None:
    dns.say("example.org", "TXT", "v=spf1 exists:%{i}._spf.example.org -all")

    assert spf.check("example.org", "192.0.2.1", names) == (spf.Verdict.FAIL, False)


def look(names: Names, **changes: object) -> list[str]:
    return keys(sender.look_at_spf(replace(OFFICE, **changes), names))  # type: ignore[arg-type]


def test_a_domain_without_spf_is_told_what_to_put_into_dns(dns: NameServer, names: Names) -> None:
    dns.say("smtp.example.org", "A", PUBLIC)

    (finding,) = sender.look_at_spf(OFFICE, names)

    assert finding.key == "spf.none"
    assert finding.level is Level.WRONG
    assert str(finding.record) == 'bounce.example.org. TXT "v=spf1 a:smtp.example.org -all"'


@pytest.mark.parametrize(
    ("server", "named"), [("93.184.215.14", "ip4:93.184.215.14"), ("10.0.0.5", "mx")]
)
def test_a_mail_server_that_has_only_an_address_is_named_by_it(
    names: Names, server: str, named: str
) -> None:
    (finding,) = sender.look_at_spf(replace(OFFICE, relay=server), names)

    assert finding.record is not None
    assert finding.record.value == f"v=spf1 {named} -all"


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (["v=spf1 a:smtp.example.org -all"], ["spf.ok"]),
        (["v=spf1 a:smtp.example.org ~all"], ["spf.ok"]),
        (["v=spf1 ip4:192.0.2.1 -all"], ["spf.ok", "spf.elsewhere"]),
        (["v=spf1 +all"], ["spf.everybody"]),
        (["v=spf1 a:smtp.example.org"], ["spf.open"]),
        (["v=spf1 a:smtp.example.org ?all"], ["spf.open"]),
        (["v=spf1 -all", "v=spf1 mx -all"], ["spf.several"]),
        (["v=spf1 include:nothing.example -all"], ["spf.nothing"]),
        (["v=spf1 ipv4:192.0.2.1 -all"], ["spf.term"]),
    ],
)
def test_what_the_doctor_says_of_spf(
    dns: NameServer, names: Names, records: list[str], expected: list[str]
) -> None:
    dns.say("smtp.example.org", "A", PUBLIC)
    dns.say("bounce.example.org", "TXT", *records)

    assert look(names) == expected


def test_spf_that_needs_eleven_lookups_is_wrong_and_ten_are_not(
    dns: NameServer, names: Names
) -> None:
    for number in range(11):
        dns.say(f"i{number}.example", "TXT", "v=spf1 ip4:192.0.2.1 -all")
    include = [f"include:i{number}.example" for number in range(11)]

    dns.say("bounce.example.org", "TXT", f"v=spf1 {' '.join(include[:10])} -all")
    ten = look(Names(dns.address))
    dns.say("bounce.example.org", "TXT", f"v=spf1 {' '.join(include)} -all")
    eleven = look(Names(dns.address))

    assert (ten, eleven) == (["spf.ok"], ["spf.lookups"])


def test_spf_that_includes_itself_ends(dns: NameServer, names: Names) -> None:
    dns.say("bounce.example.org", "TXT", "v=spf1 include:bounce.example.org -all")

    assert look(names) == ["spf.lookups"]


# DKIM


def test_a_key_that_dns_has_is_fine(dns: NameServer, names: Names, key: Key) -> None:
    dns.say(key.name, "TXT", key.record)

    assert keys(sender.look_at_dkim(replace(OFFICE, keys=[key]), names)) == ["dkim.ok"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (None, "dkim.missing"),
        ("v=DKIM1; k=rsa; p=", "dkim.revoked"),
        ("v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC", "dkim.differs"),
    ],
)
def test_a_key_that_dns_contradicts_is_wrong_and_the_line_to_paste_is_given(
    dns: NameServer, names: Names, key: Key, record: str | None, expected: str
) -> None:
    if record is not None:
        dns.say(key.name, "TXT", record)

    finding = sender.look_at_key(key, names)

    assert (finding.key, finding.level) == (expected, Level.WRONG)
    assert finding.record == Record("press1._domainkey.example.org", "TXT", key.record)


def test_a_long_record_is_given_in_strings_that_dns_takes(
    dns: NameServer, names: Names, key: Key
) -> None:
    name, _, line = str(Record(key.name, "TXT", key.record)).partition(". TXT ")
    strings = line.strip('"').split('" "')

    assert len(strings) == 2
    assert max(map(len, strings)) == 255
    dns.records[name, "TXT"] = [line]
    assert sender.look_at_key(key, names).key == "dkim.ok"


def test_a_key_that_is_on_trial_is_pointed_out(dns: NameServer, names: Names, key: Key) -> None:
    dns.say(key.name, "TXT", f"{key.record}; t=y:s")

    assert sender.look_at_key(key, names).key == "dkim.testing"


def test_a_key_file_that_others_can_read_is_pointed_out(
    dns: NameServer, names: Names, key: Key, tmp_path: Path
) -> None:
    dns.say(key.name, "TXT", key.record)
    path = tmp_path / "key.pem"
    path.touch()
    path.chmod(stat.S_IRUSR | stat.S_IROTH)

    office = replace(OFFICE, keys=[key], key_files=[path])

    assert keys(sender.look_at_dkim(office, names)) == ["dkim.readable", "dkim.ok"]


def test_nobody_claims_to_know_whether_the_mail_server_signs(names: Names) -> None:
    (finding,) = sender.look_at_dkim(OFFICE, names)

    assert (finding.key, finding.level) == ("dkim.relay", Level.UNKNOWN)


@pytest.mark.parametrize("is_there", [True, False])
def test_the_record_the_mail_server_signs_with_is_looked_for(
    dns: NameServer, names: Names, is_there: bool
) -> None:
    if is_there:
        dns.say("s1._domainkey.example.org", "TXT", "v=DKIM1; p=abc")

    found = keys(sender.look_at_dkim(replace(OFFICE, selectors=["s1"]), names))

    assert found == ["dkim.relay_ok" if is_there else "dkim.relay_missing"]


# DMARC


@pytest.mark.parametrize(
    ("records", "domain", "organisational"),
    [
        ({}, "a.example.org", "a.example.org"),
        ({"example.org": "v=DMARC1; p=none"}, "a.b.example.org", "example.org"),
        (
            {"example.org": "v=DMARC1; p=none", "a.example.org": "v=DMARC1; p=reject"},
            "a.example.org",
            "example.org",
        ),
        (
            {"example.org": "v=DMARC1; p=none", "a.example.org": "v=DMARC1; p=reject; psd=n"},
            "b.a.example.org",
            "a.example.org",
        ),
        ({"gov.example": "v=DMARC1; p=none; psd=y"}, "x.lund.gov.example", "lund.gov.example"),
    ],
)
def test_the_organisational_domain_is_found_by_walking_up(
    dns: NameServer, names: Names, records: dict[str, str], domain: str, organisational: str
) -> None:
    for name, record in records.items():
        dns.say(f"_dmarc.{name}", "TXT", record)

    assert dmarc.organisational_domain(domain, names) == organisational


def test_a_long_name_is_walked_up_in_eight_steps(dns: NameServer, names: Names) -> None:
    dns.say("_dmarc.example.org", "TXT", "v=DMARC1; p=reject")
    long = ".".join("abcdefghijkl") + ".example.org"

    assert dmarc.organisational_domain(long, names) == "example.org"
    assert len({name for name, _ in dns.asked}) == 8


REJECT = "v=DMARC1; p=reject; rua=mailto:d@example.org"


@pytest.mark.parametrize(
    ("record", "changes", "expected"),
    [
        (REJECT, {}, ["dmarc.ok"]),
        ("v=DMARC1; p=none; rua=mailto:d@example.org", {}, ["dmarc.watching"]),
        ("v=DMARC1; p=reject", {}, ["dmarc.silent"]),
        (None, {}, ["dmarc.none"]),
        (f"{REJECT}; aspf=s", {}, ["dmarc.ok", "align.spf"]),
        (REJECT, {"bounce_domain": "bounces.provider.example"}, ["dmarc.ok", "align.spf"]),
        (REJECT, {"signing_domain": "mail.example.org"}, ["dmarc.ok"]),
        (
            f"{REJECT}; adkim=s",
            {"signing_domain": "mail.example.org"},
            ["dmarc.ok", "align.dkim"],
        ),
    ],
)
def test_what_the_doctor_says_of_dmarc(
    dns: NameServer,
    names: Names,
    record: str | None,
    changes: dict[str, str],
    expected: list[str],
) -> None:
    if record:
        dns.say("_dmarc.example.org", "TXT", record)

    office = replace(OFFICE, **changes)  # type: ignore[arg-type]

    assert keys(sender.look_at_dmarc(office, names)) == expected


def test_two_dmarc_records_are_as_none(dns: NameServer, names: Names) -> None:
    dns.say("_dmarc.example.org", "TXT", REJECT, "v=DMARC1; p=none")

    assert keys(sender.look_at_dmarc(OFFICE, names)) == ["dmarc.several"]


# Coming back, names and lists


@pytest.mark.parametrize(
    ("records", "reads", "expected"),
    [
        ({"MX": "10 mx.example.org."}, True, ["mx.ok", "sts.none"]),
        ({"MX": "10 mx.example.org."}, False, ["mx.ok", "returns.unread", "sts.none"]),
        ({"MX": "0 ."}, True, ["mx.refused"]),
        ({"A": "192.0.2.1"}, True, ["mx.implied"]),
        ({}, True, ["mx.none"]),
    ],
)
def test_what_the_doctor_says_of_the_way_back(
    dns: NameServer, names: Names, records: dict[str, str], reads: bool, expected: list[str]
) -> None:
    for kind, value in records.items():
        dns.say("bounce.example.org", kind, value)

    office = replace(OFFICE, reads_returns=reads)

    assert keys(sender.look_at_returns(office, names)) == expected


@pytest.mark.parametrize(
    ("called", "leads_to", "expected"),
    [
        ("smtp.example.org.", PUBLIC, "ptr.ok"),
        ("other.example.org.", "192.0.2.1", "ptr.differs"),
        (None, PUBLIC, "ptr.none"),
    ],
)
def test_what_the_doctor_says_of_the_servers_name(
    dns: NameServer, names: Names, called: str | None, leads_to: str, expected: str
) -> None:
    dns.say("smtp.example.org", "A", PUBLIC)
    if called:
        dns.say("14.215.184.93.in-addr.arpa", "PTR", called)
        if expected == "ptr.differs":
            dns.say("other.example.org", "A", leads_to)

    assert keys(relay.look_at_name("smtp.example.org", names)) == [expected]


def test_of_a_server_in_our_own_network_nobody_claims_to_know_the_name(
    dns: NameServer, names: Names
) -> None:
    dns.say("smtp.example.org", "A", "10.0.0.5")

    assert keys(relay.look_at_name("smtp.example.org", names)) == ["ptr.elsewhere"]


def answering_lists(dns: NameServer) -> None:
    for place in relay.ADDRESS_LISTS:
        dns.say(f"2.0.0.127.{place}", "A", "127.0.0.2")
    dns.say(f"dbltest.com.{relay.DOMAIN_LIST}", "A", "127.0.1.2")
    dns.say("smtp.example.org", "A", PUBLIC)


def lists(names: Names) -> list[str]:
    return keys(relay.look_at_lists("smtp.example.org", "example.org", names))


def test_a_server_on_no_list_is_fine(dns: NameServer, names: Names) -> None:
    answering_lists(dns)

    assert lists(names) == ["lists.ok"]


def test_a_server_on_a_list_is_wrong(dns: NameServer, names: Names) -> None:
    answering_lists(dns)
    dns.say("14.215.184.93.zen.spamhaus.org", "A", "127.0.0.4")

    assert lists(names) == ["lists.listed", "lists.ok"]


def test_a_list_that_refuses_our_resolver_says_nothing_of_us(dns: NameServer, names: Names) -> None:
    answering_lists(dns)
    dns.say("2.0.0.127.zen.spamhaus.org", "A", "127.255.255.254")
    dns.say("14.215.184.93.zen.spamhaus.org", "A", "127.255.255.254")

    assert lists(names) == ["lists.ok", "lists.silent"]


def test_lists_that_nobody_answers_for_say_nothing(dns: NameServer, names: Names) -> None:
    dns.say("smtp.example.org", "A", PUBLIC)

    assert lists(names) == ["lists.silent"]
