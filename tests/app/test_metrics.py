"""What Prometheus is told, and who is told nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app.core.alerts import raise_alert
from app.core.beats import WorkerBeat
from app.core.clock import now
from app.core.db import db
from subscribers.mailings.models import DomainGroup
from subscribers.mailings.sending.materialising import materialise
from tests.factories import A_MORNING
from tests.subscribers.mailings.cast import queued, subscribers

TOKEN = "only for watching"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def watched(app: Flask) -> Flask:
    app.config["METRICS_TOKEN"] = TOKEN
    subscribers(3)
    queued(subject="Hemlig rubrik")
    while materialise(at=A_MORNING):
        pass
    return app


def values(client: FlaskClient) -> dict[tuple[str, tuple[str, ...]], float]:
    """(name, values of the labels in their order) -> value, as Prometheus reads them."""
    answer = client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    return {
        (sample.name, tuple(said for _, said in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_without_a_token_there_is_no_such_page(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_a_wrong_token_is_told_nothing(watched: Flask, client: FlaskClient) -> None:
    for said in ("", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer å"):
        assert client.get("/metrics", headers={"Authorization": said}).status_code == 404, said


def test_what_waits_is_told_by_lane_and_provider(watched: Flask, client: FlaskClient) -> None:
    found = values(client)

    assert found["pressrum_deliveries_waiting", ("other", "release")] == 3
    assert found["pressrum_mailings_open", ("running",)] == 1
    assert found["pressrum_mailing_deliveries", ("1", "queued")] == 3
    assert found["pressrum_subscriptions_active", ()] == 3
    assert found["pressrum_delivery_oldest_due_seconds", ("confirmation",)] == 0


def test_what_is_stopped_and_who_works_is_told(watched: Flask, client: FlaskClient) -> None:
    db.session.get_one(DomainGroup, "gmail").held_at = A_MORNING
    raise_alert("group_held", "gmail", at=A_MORNING)
    for name, seen in (("a", now()), ("b", now() - timedelta(hours=1))):
        db.session.add(
            WorkerBeat(name=name, machine="m", pid=1, started_at=A_MORNING, seen_at=seen)
        )
    db.session.commit()

    found = values(client)

    assert found["pressrum_group_held", ("gmail",)] == 1
    assert found["pressrum_group_held", ("other",)] == 0
    assert found["pressrum_alerts_open", ("group_held",)] == 1
    assert found["pressrum_workers", ()] == 1


def test_names_and_units_are_as_prometheus_wants_them(watched: Flask, client: FlaskClient) -> None:
    text = client.get("/metrics", headers=BEARER).text

    for family in text_string_to_metric_families(text):
        assert family.name.startswith("pressrum_")
        assert family.documentation
        assert not family.name.endswith(("_ms", "_minutes", "_percent"))


def test_no_address_and_no_headline_is_told(watched: Flask, client: FlaskClient) -> None:
    text = client.get("/metrics", headers=BEARER).text

    assert "@" not in text
    assert "reader0" not in text
    assert "Hemlig" not in text


def test_asking_often_counts_seldom(watched: Flask, client: FlaskClient) -> None:
    before = values(client)
    raise_alert("disk_full", at=A_MORNING)
    db.session.commit()

    assert values(client) == before
