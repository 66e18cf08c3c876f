"""Our DKIM signatures, as another implementation of the rules sees them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from subscribers.mailings.models import MailingKind
from subscribers.mailings.writing.headers import of_a_list
from subscribers.mailings.writing.keys import BadKey, Key, new_key, read_key, read_keys
from subscribers.mailings.writing.messages import Prepared, Slot, freeze
from subscribers.mailings.writing.signing import Signed, relaxed_body, relaxed_field
from tests.subscribers.mailings.test_messages import ANYTHING, VALUES, letter

VALUES = {
    **VALUES,
    Slot.LEAVE_BY_MAIL: b"u+12.0123456789abcdef@bounce.press.example",
    Slot.RETURN: b"b+12.0123456789abcdef@bounce.press.example",
}
KEYS: dict[str, Key] = {}


class _Curve:
    """The one step of Ed25519 that dkimpy leaves to another package."""

    def __init__(self, text: bytes, encoder: object) -> None:
        self.public = Ed25519PublicKey.from_public_bytes(base64.b64decode(text))

    def verify(self, digest: bytes, signature: bytes) -> bool:
        self.public.verify(signature, digest)
        return True


dkim.nacl = SimpleNamespace(
    signing=SimpleNamespace(VerifyKey=_Curve),
    encoding=SimpleNamespace(Base64Encoder=None),
    exceptions=SimpleNamespace(ValueError=ValueError, BadSignatureError=InvalidSignature),
)


def key(kind: str) -> Key:
    """Making an RSA key takes longer than most tests."""
    if kind not in KEYS:
        private = load_pem_private_key(new_key(kind), password=None)
        KEYS[kind] = Key("press.example", kind, private)  # type: ignore[arg-type]
    return KEYS[kind]


def dns(name: bytes, timeout: int = 5) -> bytes | None:
    """The records of the keys, as a receiver finds them."""
    found = {f"{one.name}.": one.record for one in KEYS.values()}
    record = found.get(name.decode())
    return record.encode() if record else None


def on_the_wire(message: Prepared, values: dict[Slot, bytes] = VALUES) -> bytes:
    """As the receiver has it: the doubled dots undone."""
    return re.sub(rb"(?m)^\.\.", b".", message.fill(values))


def verifies(raw: bytes, *, which: int = 0) -> bool:
    try:
        return bool(dkim.DKIM(raw).verify(idx=which, dnsfunc=dns))
    except dkim.ValidationError:
        return False


def list_mail(**changes: object) -> bytes:
    lines = of_a_list(
        topic="press-releases",
        key="release:1",
        kind=MailingKind.RELEASE,
        language="sv",
        domain="press.example",
        base_url="https://press.example",
        reports=True,
    )
    given: dict[str, object] = {
        "headers": lines,
        "text": f"Hej\n.\nLämna: https://press.example/unsubscribe/{Slot.UNSUBSCRIBE}\n",
        "html": f'<p>Hej <a href="https://press.example/unsubscribe/{Slot.UNSUBSCRIBE}">x</a>',
    }
    return freeze(letter(**{**given, **changes}))


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_signature_verifies(kind: str) -> None:
    assert verifies(on_the_wire(Signed(list_mail(), [key(kind)])))


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
@pytest.mark.parametrize(
    "header", [b"List-Unsubscribe", b"List-Unsubscribe-Post", b"Subject", b"To"]
)
def test_a_signature_covers_what_it_must(kind: str, header: bytes) -> None:
    raw = on_the_wire(Signed(list_mail(), [key(kind)]))

    changed = re.sub(rb"(?m)^(%s: )" % header, rb"\1x", raw)

    assert changed != raw
    assert not verifies(changed)


@pytest.mark.parametrize("header", [b"From", b"Subject", b"Reply-To", b"Cc", b"To", b"Date"])
def test_a_second_header_above_ours_breaks_the_signature(header: bytes) -> None:
    raw = on_the_wire(Signed(list_mail(), [key("ed25519")]))

    assert not verifies(header + b": somebody@else.example\r\n" + raw)


def test_a_changed_text_breaks_the_signature() -> None:
    raw = on_the_wire(Signed(list_mail(), [key("ed25519")]))

    assert not verifies(raw.replace(b"Hej", b"Hoj", 1))


def test_two_keys_give_two_signatures_that_both_verify() -> None:
    raw = on_the_wire(Signed(list_mail(), [key("rsa"), key("ed25519")]))

    assert raw.count(b"DKIM-Signature:") == 2
    assert verifies(raw, which=0)
    assert verifies(raw, which=1)


def test_each_recipients_mail_has_a_signature_of_its_own() -> None:
    message = Signed(list_mail(), [key("ed25519")])
    other = {**VALUES, Slot.TO: b"other@news.example", Slot.UNSUBSCRIBE: b"U" * 56}

    first, second = on_the_wire(message), on_the_wire(message, other)

    assert verifies(first)
    assert verifies(second)
    assert first.partition(b"\r\n\r\n")[0] != second.partition(b"\r\n\r\n")[0]


def test_a_signed_mail_is_the_same_mail_below_its_signature() -> None:
    template = list_mail()

    raw = Signed(template, [key("ed25519")]).fill(VALUES)

    assert raw.endswith(Prepared(template).fill(VALUES))
    assert max(len(line) for line in raw.partition(b"\r\nFrom:")[0].split(b"\r\n")) <= 78


@given(subject=ANYTHING, name=ANYTHING, text=ANYTHING, html=ANYTHING)
def test_whatever_is_written_the_signature_verifies(
    subject: str, name: str, text: str, html: str
) -> None:
    template = list_mail(
        subject=subject,
        from_name=name,
        text=f"{text}{Slot.UNSUBSCRIBE}{html}",
        html=f"{html}{Slot.PREFERENCES}{text}",
    )

    assert verifies(on_the_wire(Signed(template, [key("ed25519")])))


SPACED = st.lists(
    st.sampled_from([b" ", b"\t", b"\r\n", b"a", b".", b":", b"=20", b"\xc3\xa5"]), max_size=40
).map(b"".join)


@given(body=SPACED)
def test_a_body_has_the_plain_form_that_others_give_it(body: bytes) -> None:
    theirs = Relaxed.canonicalize_body(body + b"\r\n")

    assert relaxed_body(body + b"\r\n") == (b"" if not theirs.strip(b"\r\n") else theirs)


@given(value=SPACED.filter(lambda text: b"\r\n" not in text), fold=st.booleans())
def test_a_header_has_the_plain_form_that_others_give_it(value: bytes, fold: bool) -> None:
    value = value.replace(b" ", b"\r\n ") if fold else value

    ((name, theirs),) = Relaxed.canonicalize_headers([(b"Subject", value + b"\r\n")])

    assert relaxed_field(b"Subject:" + value) + b"\r\n" == name + b":" + theirs


def written(path: Path, private: bytes) -> Path:
    path.write_bytes(private)
    return path


def small_rsa() -> bytes:
    private = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def elliptic() -> bytes:
    private = ec.generate_private_key(ec.SECP256R1())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: b"nothing", "holds no private key"),
        (elliptic, "neither an RSA nor an Ed25519"),
    ],
)
def test_what_is_no_key_of_ours_is_refused(
    content: Callable[[], bytes], said: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "key.pem", content())

    with pytest.raises(BadKey, match=said):
        read_key(path, selector="s", domain="press.example")


def test_a_key_too_short_to_be_believed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subscribers.mailings.writing.keys.SHORTEST_RSA", 1025)

    with pytest.raises(BadKey, match="1024 bits"):
        read_key(written(tmp_path / "key.pem", small_rsa()), selector="s", domain="x.example")


def test_a_key_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadKey, match="cannot be read"):
        read_key(tmp_path / "none.pem", selector="s", domain="press.example")


@pytest.mark.parametrize("selectors", ["", "a,b,c", "a,a"])
def test_each_key_needs_a_selector_of_its_own(selectors: str, tmp_path: Path) -> None:
    one = written(tmp_path / "one.pem", new_key("ed25519"))

    with pytest.raises(BadKey, match="selectors"):
        read_keys(f"{one},{one}", selectors=selectors, domain="press.example")


def test_the_record_in_dns_is_the_public_key() -> None:
    assert key("rsa").record.startswith("v=DKIM1; k=rsa; p=MIIB")
    assert len(base64.b64decode(key("ed25519").public)) == 32
