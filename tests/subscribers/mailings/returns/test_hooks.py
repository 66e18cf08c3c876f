"""Providers that tell by HTTP: only who proves it is believed, and once."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.db import db
from subscribers.audience.models import SubscriptionState, Suppression
from subscribers.mailings.models import Bounce, Delivery, InboundEvent
from subscribers.mailings.returns import verifying
from subscribers.mailings.sending import envelopes
from tests.subscribers.mailings.returns.cast import count, mailing, reader, sent

TOPIC = "arn:aws:sns:eu-north-1:123456789012:bounces"
CERT_URL = "https://sns.eu-north-1.amazonaws.com/SimpleNotificationService-0.pem"
SECRET = "shared secret"


@pytest.fixture(scope="module")
def amazon() -> tuple[rsa.RSAPrivateKey, bytes]:
    """A key as Amazon's, and its certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def sendgrid_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(autouse=True)
def doors(
    app: Flask,
    amazon: tuple[rsa.RSAPrivateKey, bytes],
    sendgrid_key: ec.EllipticCurvePrivateKey,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """Every provider is set; Amazon's certificate is where only its address may lead."""
    public = sendgrid_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    app.config |= {
        "HOOK_SES_TOPIC": TOPIC,
        "HOOK_SECRET_POSTMARK": SECRET,
        "HOOK_SECRET_MAILGUN": SECRET,
        "HOOK_SECRET_SENDGRID": base64.b64encode(public).decode(),
        "HOOK_SECRET_BREVO": SECRET,
    }
    monkeypatch.setattr(verifying, "_certificate", {CERT_URL: amazon[1]}.__getitem__)
    yield


class Hook:
    """Notices as each provider sends them, signed as it signs them unless `spoilt`."""

    def __init__(
        self, client: FlaskClient, key: rsa.RSAPrivateKey, curve: ec.EllipticCurvePrivateKey
    ) -> None:
        self.client, self.key, self.curve = client, key, curve

    def ses(self, told: dict[str, Any], *, spoilt: bool = False, **changes: str) -> TestResponse:
        body: dict[str, Any] = {
            "Type": "Notification",
            "MessageId": "m-1",
            "TopicArn": TOPIC,
            "Message": json.dumps(told),
            "Timestamp": "2026-11-23T09:00:00.000Z",
            "SignatureVersion": "2",
            "SigningCertURL": CERT_URL,
            **changes,
        }
        names = verifying.SIGNED.get(body["Type"], ())
        text = "".join(f"{name}\n{body[name]}\n" for name in names if name in body)
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        body["Signature"] = base64.b64encode(signature).decode()
        if spoilt:
            body["Message"] = body["Message"].replace("anna", "Anna") + " "
        return self.client.post("/hooks/ses", data=json.dumps(body))

    def postmark(self, told: dict[str, Any], *, spoilt: bool = False) -> TestResponse:
        password = "wrong" if spoilt else SECRET
        given = base64.b64encode(f"x:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {given}"}
        return self.client.post("/hooks/postmark", json=told, headers=headers)

    def mailgun(self, told: dict[str, Any], *, spoilt: bool = False) -> TestResponse:
        signed = hmac.digest(SECRET.encode(), b"17000token", "sha256").hex()
        token = "another" if spoilt else "token"
        signature = {"timestamp": "17000", "token": token, "signature": signed}
        return self.client.post("/hooks/mailgun", json={"signature": signature, "event-data": told})

    def sendgrid(self, told: list[dict[str, Any]], *, spoilt: bool = False) -> TestResponse:
        body = json.dumps(told).encode()
        signature = self.curve.sign(b"1700000000" + body, ec.ECDSA(hashes.SHA256()))
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": "1700000001" if spoilt else "1700000000",
        }
        return self.client.post("/hooks/sendgrid", data=body, headers=headers)

    def brevo(self, told: dict[str, Any], *, spoilt: bool = False) -> TestResponse:
        headers = {"Authorization": f"Bearer {'wrong' if spoilt else SECRET}"}
        return self.client.post("/hooks/brevo", json=told, headers=headers)


@pytest.fixture
def hook(
    client: FlaskClient,
    amazon: tuple[rsa.RSAPrivateKey, bytes],
    sendgrid_key: ec.EllipticCurvePrivateKey,
) -> Hook:
    return Hook(client, amazon[0], sendgrid_key)


def bounce(provider: str, mail: Delivery) -> Any:
    """No such user, as each provider says it, with our marks where it hands them on."""
    marked = f"<{envelopes.message_id(mail.id)}>"
    said = "550 5.1.1 no such user"
    return {
        "ses": {
            "notificationType": "Bounce",
            "mail": {"source": envelopes.sender(mail.id), "messageId": "0100"},
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "feedbackId": "f-1",
                "bouncedRecipients": [
                    {"emailAddress": mail.address, "status": "5.1.1", "diagnosticCode": said}
                ],
            },
        },
        "postmark": {
            "RecordType": "Bounce",
            "Type": "HardBounce",
            "ID": 42,
            "Email": mail.address,
            "Details": "smtp;550 5.1.1 no such user",
        },
        "mailgun": {
            "event": "failed",
            "severity": "permanent",
            "id": "mg-1",
            "recipient": mail.address,
            "delivery-status": {"code": 550, "message": "5.1.1 no such user"},
            "message": {"headers": {"message-id": envelopes.message_id(mail.id)}},
        },
        "sendgrid": [
            {
                "event": "bounce",
                "type": "bounce",
                "email": mail.address,
                "status": "5.1.1",
                "reason": said,
                "smtp-id": marked,
                "sg_event_id": "sg-1",
            }
        ],
        "brevo": {
            "event": "hard_bounce",
            "email": mail.address,
            "id": 7,
            "message-id": marked,
            "reason": said,
        },
    }[provider]


PROVIDERS = ["ses", "postmark", "mailgun", "sendgrid", "brevo"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_case_33_a_hook_with_a_bad_signature_has_no_effect(hook: Hook, provider: str) -> None:
    mail = sent(reader(), mailing())

    answer = getattr(hook, provider)(bounce(provider, mail), spoilt=True)

    assert answer.status_code == 403
    assert (count(InboundEvent), count(Bounce)) == (0, 0)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_case_33_a_good_hook_counts_and_replayed_counts_once(hook: Hook, provider: str) -> None:
    mail = sent(reader(), mailing())

    answers = [getattr(hook, provider)(bounce(provider, mail)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    event = db.session.scalars(sa.select(InboundEvent)).one()
    assert (event.source, event.delivery_id, event.enhanced) == (
        f"hook:{provider}",
        mail.id,
        "5.1.1",
    )
    assert (count(Bounce), count(Suppression)) == (1, 1)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_that_is_not_set_has_no_door(
    app: Flask, client: FlaskClient, provider: str
) -> None:
    for name in [name for name in app.config if name.startswith("HOOK_")]:
        app.config[name] = ""

    assert client.post(f"/hooks/{provider}", json={}).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": "arn:aws:sns:eu-north-1:999:theirs"},
        {"SigningCertURL": "https://sns.eu-north-1.amazonaws.com.evil.example/x.pem"},
        {"SigningCertURL": "http://sns.eu-north-1.amazonaws.com/x.pem"},
        {"SigningCertURL": "https://evil@sns.eu-north-1.amazonaws.com/x.pem"},
        {"SignatureVersion": "9"},
        {"Type": "UnsubscribeConfirmation"},
    ],
    ids=str,
)
def test_only_amazons_own_signature_on_our_topic_is_believed(
    hook: Hook, changes: dict[str, str]
) -> None:
    assert hook.ses(bounce("ses", sent(reader(), mailing())), **changes).status_code == 403


def test_case_28_an_undetermined_bounce_is_no_event(hook: Hook) -> None:
    told = bounce("ses", sent(reader(), mailing()))
    told["bounce"] |= {"bounceType": "Undetermined", "bounceSubType": "Undetermined"}

    assert hook.ses(told).status_code == 200
    assert count(InboundEvent) == 0


def test_an_answering_machine_that_amazon_calls_transient_is_no_event(hook: Hook) -> None:
    told = bounce("ses", sent(reader(), mailing()))
    told["bounce"] |= {
        "bounceType": "Transient",
        "bouncedRecipients": [{"emailAddress": "x@y.example"}],
    }

    hook.ses(told)

    assert count(InboundEvent) == 0


COMPLAINTS: dict[str, Any] = {
    "ses": lambda mail: {
        "eventType": "Complaint",
        "mail": {"source": envelopes.sender(mail.id)},
        "complaint": {
            "feedbackId": "c-1",
            "complaintFeedbackType": "abuse",
            "complainedRecipients": [{"emailAddress": mail.address}],
        },
    },
    "postmark": lambda mail: {"RecordType": "SpamComplaint", "ID": 1, "Email": mail.address},
    "mailgun": lambda mail: {"event": "complained", "id": "1", "recipient": mail.address},
    "sendgrid": lambda mail: [{"event": "spamreport", "email": mail.address, "sg_event_id": "1"}],
    "brevo": lambda mail: {"event": "spam", "email": mail.address, "id": 1},
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_complaint_told_by_a_provider_ends_everything(hook: Hook, provider: str) -> None:
    anna = reader()
    mail = sent(anna, mailing())

    getattr(hook, provider)(COMPLAINTS[provider](mail))

    db.session.expire_all()
    assert anna.state is SubscriptionState.ENDED
    assert db.session.scalars(sa.select(Suppression.reason)).all() == ["complaint"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_notice_about_another_address_than_its_mark_says_is_unmatched(
    hook: Hook, provider: str
) -> None:
    mail = sent(reader(), mailing())
    told = json.loads(json.dumps(bounce(provider, mail)).replace(mail.address or "", "bo@x.se"))

    getattr(hook, provider)(told)

    event = db.session.scalars(sa.select(InboundEvent)).one()
    assert event.unmatched in ("other_recipient", "no_mark")
    assert count(Bounce) == 0


def test_a_door_sets_no_cookie_and_does_not_read_what_is_too_long(client: FlaskClient) -> None:
    answer = client.post("/hooks/brevo", data=b"x" * (3 * 1024 * 1024))

    assert answer.status_code == 413
    assert "Set-Cookie" not in answer.headers
    assert client.get("/hooks/brevo").status_code in (404, 405)


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "3", '"x"', '{"event": {}}', "[[[1]]]"])
def test_nonsense_from_who_knows_the_secret_is_no_error_of_ours(
    client: FlaskClient, body: str
) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}

    assert client.post("/hooks/brevo", data=body, headers=headers).status_code in (200, 400)
    assert client.post("/hooks/postmark", data=body, headers=headers).status_code in (200, 400)
    assert client.post("/hooks/ses", data=body).status_code == 403
    assert client.post("/hooks/mailgun", data=body).status_code == 403


def test_of_a_long_notice_the_last_complaint_counts_too(hook: Hook) -> None:
    anna = reader()
    mail = sent(anna, mailing())
    others = [
        {"event": "spamreport", "email": "x@else.example", "sg_event_id": str(n)}
        for n in range(1_000)
    ]
    told = {"event": "spamreport", "email": mail.address, "sg_event_id": "last"}

    assert hook.sendgrid([*others, told]).status_code == 200

    db.session.expire_all()
    assert anna.state is SubscriptionState.ENDED
