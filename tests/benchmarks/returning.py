"""What comes back: reports from a Maildir, and a hundred refusals in one transaction.

    python -m tests.benchmarks.returning [--recipients 20000] [--reports 3000] [--database URL]

In processor time of this process, which other work on the machine does not change; on PostgreSQL
the server's own is told beside it where it can be read. Half of the people are at one large
provider, as they are in life. `--database` names an empty one; without it a SQLite file is made.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.sending import office

WANTED_REPORTS = 500  # in a second of processor time
WANTED_REFUSALS_MS = 50  # for a hundred in one transaction
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


def fill(recipients: int) -> None:
    """People of many domains, and one mailing that all of them have been sent."""
    import sqlalchemy as sa

    from app.core.db import db
    from subscribers.audience.models import Subscriber, Subscription, SubscriptionState, Topic
    from subscribers.mailings.models import (
        Delivery,
        DeliveryState,
        Lane,
        Mailing,
        MailingKind,
        MailingState,
    )

    topic = db.session.scalars(sa.select(Topic.id).order_by(Topic.id)).first()
    mailing = Mailing(
        key="release:1:r1:sv",
        kind=MailingKind.RELEASE,
        lane=Lane.RELEASE,
        state=MailingState.RUNNING,
        language="sv",
        topics=["press-releases"],
        subject="Mer till demokratisamarbete",
        queued_at=AT,
    )
    db.session.add(mailing)
    db.session.flush()
    for first in range(1, recipients + 1, 10_000):
        numbers = range(first, min(first + 10_000, recipients + 1))
        people, yeses, mails = [], [], []
        for n in numbers:
            domain = "large.example" if n % 2 else f"d{n % 400}.example"
            address, hash_ = f"r{n}@{domain}", _hash(f"r{n}@{domain}")
            of = {"address": address, "address_hash": hash_}
            people.append({"id": n, "domain": domain, "language": "sv", "created_at": AT, **of})
            yeses.append(
                {
                    "id": n,
                    "subscriber_id": n,
                    "topic_id": topic,
                    "state": SubscriptionState.ACTIVE,
                    "asked_at": AT,
                    "consent_at": AT,
                }
            )
            mails.append(
                {
                    "id": n,
                    "mailing_id": mailing.id,
                    "subscriber_id": n,
                    "subscription_id": n,
                    "state": DeliveryState.SENT,
                    "attempts": 1,
                    "first_try_at": AT,
                    "sent_at": AT,
                    **of,
                }
            )
        db.session.execute(sa.insert(Subscriber), people)
        db.session.execute(sa.insert(Subscription), yeses)
        db.session.execute(sa.insert(Delivery), mails)
    db.session.commit()


def _hash(address: str) -> bytes:
    from subscribers.audience import addresses

    return addresses.read(address, secrets=addresses.secrets_in_force()).hash


def reports(folder: Path, number: int, recipients: int) -> None:
    """A Maildir of what five kinds of servers write, each of another mail."""
    from app.core.db import db
    from subscribers.mailings.models import Delivery
    from subscribers.mailings.sending import envelopes
    from tests.subscribers.mailings.returns import samples

    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    writers = list(samples.REPORTERS.values())[:5]
    for n in range(number):
        mail = db.session.get(Delivery, 1 + n * recipients // number)
        assert mail is not None and mail.address is not None
        about = samples.About(
            to=envelopes.sender(mail.id),
            recipient=mail.address,
            message_id=envelopes.message_id(mail.id),
        )
        reason = samples.REASONS["unknown" if n % 2 else "full"]
        raw = writers[n % len(writers)](about, reason)
        (folder / "new" / f"{n:06}.report").write_bytes(raw)
    db.session.rollback()


def refusals(first: int, number: int = 100) -> list[Any]:
    import sqlalchemy as sa

    from app.core.db import db
    from subscribers.mailings.models import Delivery, MailingKind
    from subscribers.mailings.sending.outcomes import Outcome
    from subscribers.mailings.sending.replies import Reply

    mails = db.session.scalars(
        sa.select(Delivery).where(Delivery.id.between(first, first + number - 1))
    ).all()
    return [
        Outcome(
            delivery_id=one.id,
            mailing_id=one.mailing_id,
            kind=MailingKind.RELEASE,
            domain_group=one.domain_group,
            subscriber_id=one.subscriber_id,
            domain=(one.address or "").rpartition("@")[2],
            reply=Reply(550, "5.1.1 no such user"),
        )
        for one in mails
    ]


def processor_time(what: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    what()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def servers_time() -> float | None:
    """What the PostgreSQL process behind our connection has used; None where nobody can say."""
    import sqlalchemy as sa

    from app.core.db import db

    if db.engine.dialect.name != "postgresql":
        return None
    pid = db.session.scalar(sa.text("SELECT pg_backend_pid()"))
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / 100


def measure(url: str, folder: Path, *, recipients: int, number: int) -> dict[str, float]:
    from flask_migrate import upgrade

    from app.core.db import db
    from subscribers.mailings.returns import mailboxes, refusals
    from subscribers.mailings.sending import breaking

    with office(url, folder).app_context():
        upgrade()
        fill(recipients)
        maildir = folder / "returned"
        reports(maildir, number, recipients)
        begun = servers_time()
        took = processor_time(lambda: mailboxes.empty(mailboxes.Maildir(maildir)))
        ended = servers_time()
        storms = []
        for storm in range(5):
            outcomes = refusals(recipients // 2 + storm * 100)

            def learn(outcomes: list[Any] = outcomes) -> None:
                refusals.mark_refusals(outcomes, at=datetime.now(UTC))
                breaking.learn(outcomes, at=datetime.now(UTC))
                db.session.commit()

            storms.append(processor_time(learn) * 1000)
        db.session.remove()
        db.engine.dispose()
    found = {"reports_per_second": number / took, "hundred_refusals_ms": sorted(storms)[2]}
    if begun is not None and ended is not None:
        found["server_seconds"] = ended - begun
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--reports", type=int, default=3_000)
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        url = given.database or f"sqlite:///{folder / 'pressrum.db'}"
        found = measure(url, folder, recipients=given.recipients, number=given.reports)
    per_second, storm = found["reports_per_second"], found["hundred_refusals_ms"]
    below = "" if per_second >= WANTED_REPORTS else f"  below {WANTED_REPORTS}"
    print(f"Reports taken in from a Maildir: {per_second:,.0f} a processor second{below}")
    above = "" if storm < WANTED_REFUSALS_MS else f"  above {WANTED_REFUSALS_MS}"
    print(f"A hundred refusals in one transaction: {storm:.1f} ms of processor time{above}")
    if "server_seconds" in found:
        print(f"PostgreSQL itself: {found['server_seconds']:.2f} s for all reports")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
