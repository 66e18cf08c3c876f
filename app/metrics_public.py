"""`/metrics` for Prometheus: what waits, what is stopped, who works. Never an address or a subject.

Closed unless PRESSRUM_METRICS_TOKEN is set; then whoever asks gives it as a bearer token. Nobody is
let in for being on this machine: behind a proxy everybody seems to be. All values are read from the
database: they are the same whichever process of whichever machine is asked, and outlive them all.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa
from flask import Blueprint, Response, abort, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.core.alerts import Alert
from app.core.beats import WorkerBeat, code_version
from app.core.clock import now
from app.core.db import db
from subscribers.audience.models import ImportRun, ImportState, Suppression
from subscribers.mailings import questions
from subscribers.mailings.models import (
    Delivery,
    DeliveryState,
    DomainGroup,
    InboundEvent,
    Lane,
    Mailing,
)
from subscribers.mailings.questions import OF_MANY
from subscribers.mailings.watching.alarming import SILENT_AFTER
from subscribers.mailings.watching.figures import active_now

blueprint = Blueprint("metrics", __name__)

KEPT_SECONDS = 5.0  # between two countings, however often it is asked
SLOW_SECONDS = 60.0  # of what counts whole tables
MAILINGS = 20  # open mailings that are named, the newest

Value = TypeVar("Value")
_lock = threading.Lock()


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """404 without the token, as if it were not there."""
    token = current_app.config["METRICS_TOKEN"]
    given = request.headers.get("Authorization", "").encode()
    if not token or not hmac.compare_digest(given, f"Bearer {token}".encode()):
        abort(404)
    with _lock:  # who comes while another counts is given that one's answer
        page = _kept("page", KEPT_SECONDS, _page)
    answer = Response(page, content_type=CONTENT_TYPE_PLAIN_0_0_4)
    answer.headers["Cache-Control"] = "no-store"
    return answer


class _Office(Collector):
    """The office's values at one moment."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def collect(self) -> Iterable[Metric]:
        yield from _deliveries(self.at)
        yield from _mailings(self.at)
        yield from _groups(self.at)
        yield from _office(self.at)
        yield from _kept("slow", SLOW_SECONDS, lambda: list(_slow()))


def _page() -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Office(now()))
    return generate_latest(registry)


def _kept(name: str, seconds: float, make: Callable[[], Value]) -> Value:
    """What was made less than so many seconds ago, by this process."""
    known: dict[str, tuple[float, Value]] = current_app.extensions.setdefault("metrics", {})
    if name not in known or time.monotonic() - known[name][0] >= seconds:
        value = make()
        known[name] = (time.monotonic(), value)
    return known[name][1]


def _deliveries(at: datetime) -> Iterator[Metric]:
    """What waits, by lane and provider, from the index of what is due."""
    waiting = GaugeMetricFamily(
        "pressrum_deliveries_waiting",
        "Mails that are due now, by lane and provider.",
        labels=["lane", "group"],
    )
    later = GaugeMetricFamily(
        "pressrum_deliveries_deferred",
        "Mails that are tried again later, by lane and provider.",
        labels=["lane", "group"],
    )
    oldest = GaugeMetricFamily(
        "pressrum_delivery_oldest_due_seconds",
        "How long the longest waiting mail of a lane has been due.",
        labels=["lane"],
    )
    ages: dict[str, float] = {}
    is_later = sa.func.count(sa.case((Delivery.due_at > at, 1)))
    rows = db.session.execute(
        sa.select(
            Mailing.lane,
            Delivery.domain_group,
            sa.func.count(),
            is_later,
            sa.func.min(Delivery.due_at),
        )
        .join(Delivery, Delivery.mailing_id == Mailing.id)
        .where(Mailing.finished_at.is_(None), Delivery.due_at.is_not(None))
        .group_by(Mailing.lane, Delivery.domain_group)
    )
    for number, group, count, deferred, due_at in rows:
        lane = Lane(number).name.lower()
        waiting.add_metric([lane, group], count - deferred)
        later.add_metric([lane, group], deferred)
        if due_at is not None:
            ages[lane] = max(ages.get(lane, 0.0), (at - due_at).total_seconds())
    for one in Lane:
        oldest.add_metric([one.name.lower()], max(0.0, ages.get(one.name.lower(), 0.0)))
    yield waiting
    yield later
    yield oldest
    held = GaugeMetricFamily(
        "pressrum_deliveries_in_the_open",
        "Mails that a worker holds, by state and provider.",
        labels=["state", "group"],
    )
    counts: dict[tuple[str, str], int] = {}
    of_all = sa.select(Delivery.state, Delivery.domain_group).where(
        Delivery.lease_until > questions.LONG_AGO
    )
    for state, group in db.session.execute(of_all):
        counts[state.value, group] = counts.get((state.value, group), 0) + 1
    for names, count in counts.items():
        held.add_metric(names, count)
    yield held


def _mailings(_at: datetime) -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "pressrum_mailings_open", "Mailings that have not ended, by state.", labels=["state"]
    )
    rows = db.session.execute(
        sa.select(Mailing.state, sa.func.count())
        .where(Mailing.finished_at.is_(None))
        .group_by(Mailing.state)
    )
    for state, count in rows:
        states.add_metric([state.value], count)
    yield states
    running = GaugeMetricFamily(
        "pressrum_mailing_deliveries",
        "Recipients of each mailing to many that has not ended, by state.",
        labels=["mailing", "state"],
    )
    ids = db.session.scalars(
        sa.select(Mailing.id)
        .where(Mailing.finished_at.is_(None), Mailing.kind.in_(OF_MANY))
        .order_by(Mailing.id.desc())
        .limit(MAILINGS)
    ).all()
    for mailing_id, progress in questions.progress_of(ids).items():
        for one in DeliveryState:
            running.add_metric([str(mailing_id), one.value], progress.counts[one])
    yield running


def _groups(at: datetime) -> Iterator[Metric]:
    held = GaugeMetricFamily(
        "pressrum_group_held", "1 while nothing is sent to a provider.", labels=["group"]
    )
    factor = GaugeMetricFamily(
        "pressrum_group_speed_ratio",
        "The share of its limits that a provider is sent to with.",
        labels=["group"],
    )
    backs_off = GaugeMetricFamily(
        "pressrum_group_backoff_seconds",
        "For how long yet nothing is sent to a provider that asked for a pause.",
        labels=["group"],
    )
    for row in db.session.scalars(sa.select(DomainGroup).order_by(DomainGroup.name)):
        held.add_metric([row.name], int(row.held_at is not None))
        factor.add_metric([row.name], row.factor)
        rest = (row.backoff_until - at).total_seconds() if row.backoff_until else 0.0
        backs_off.add_metric([row.name], max(0.0, rest))
    yield held
    yield factor
    yield backs_off


def _office(at: datetime) -> Iterator[Metric]:
    alerts = GaugeMetricFamily("pressrum_alerts_open", "Open alerts, by code.", labels=["code"])
    rows = db.session.execute(
        sa.select(Alert.code, sa.func.count())
        .where(Alert.cleared_at.is_(None))
        .group_by(Alert.code)
    )
    for code, count in rows:
        alerts.add_metric([code], count)
    yield alerts
    seen = db.session.execute(
        sa.select(WorkerBeat.seen_at, WorkerBeat.clock_ahead_ms).where(
            WorkerBeat.ended_at.is_(None), WorkerBeat.seen_at > at - timedelta(days=1)
        )
    ).all()
    alive = [row for row in seen if row.seen_at >= at - SILENT_AFTER]
    yield GaugeMetricFamily(
        "pressrum_workers", "Workers that have been heard of lately.", value=len(alive)
    )
    yield GaugeMetricFamily(
        "pressrum_worker_last_seen_timestamp_seconds",
        "When any worker was last heard of.",
        value=max((row.seen_at.timestamp() for row in seen), default=0.0),
    )
    yield GaugeMetricFamily(
        "pressrum_worker_clock_offset_seconds",
        "How far the worst clock of a worker is from the database's.",
        value=max((abs(row.clock_ahead_ms) / 1000 for row in alive), default=0.0),
    )
    imports = db.session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(ImportRun.rows_done), 0)).where(
            ImportRun.state == sa.literal_column(f"'{ImportState.RUNNING.value}'")
        )
    ).one()
    yield GaugeMetricFamily(
        "pressrum_imports_running", "Lists of addresses being brought in.", value=imports[0]
    )
    yield GaugeMetricFamily(
        "pressrum_import_rows_done", "Rows done of the lists being brought in.", value=imports[1]
    )


def _slow() -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "pressrum_subscriptions_active", "Subscriptions in force.", value=active_now()
    )
    yield GaugeMetricFamily(
        "pressrum_suppressions",
        "Addresses that are never written to.",
        value=db.session.scalar(sa.select(sa.func.count()).select_from(Suppression)) or 0,
    )
    events = GaugeMetricFamily(
        "pressrum_inbound_events", "What came back and is kept, by kind.", labels=["kind"]
    )
    rows = db.session.execute(
        sa.select(InboundEvent.kind, sa.func.count()).group_by(InboundEvent.kind)
    )
    for kind, count in rows:
        events.add_metric([kind.value], count)
    yield events
    build = GaugeMetricFamily("pressrum_build_info", "Which Pressrum this is.", labels=["version"])
    build.add_metric([code_version()], 1)
    yield build
