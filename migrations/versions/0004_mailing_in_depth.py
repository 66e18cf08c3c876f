"""Mailing in depth: provider groups, what comes back, digests, imports, retention, who works."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The conditions that let in a new word: table -> column -> what it may say now.
WORDS = {
    "mailing": {"kind": "confirmation notice release correction digest welcome letter"},
    "delivery": {
        "state": "queued claimed transmitting sent deferred uncertain failed suppressed cancelled"
    },
    "subscription": {"ended_reason": "user_link one_click mailto bounce complaint admin erase"},
}
# The providers whose limits are their own, by the domains of their mailboxes.
DOMAIN_GROUPS = {
    "all": [],
    "other": [],
    "gmail": ["gmail.com", "googlemail.com"],
    "microsoft": [
        "hotmail.com",
        "hotmail.se",
        "hotmail.co.uk",
        "live.com",
        "live.se",
        "msn.com",
        "outlook.com",
        "outlook.se",
        "windowslive.com",
    ],
    "yahoo": ["aol.com", "rocketmail.com", "yahoo.com", "yahoo.co.uk", "yahoo.se", "ymail.com"],
    "apple": ["icloud.com", "mac.com", "me.com"],
    "national": [
        "bahnhof.se",
        "bredband.net",
        "bredband2.com",
        "comhem.se",
        "glocalnet.net",
        "passagen.se",
        "spray.se",
        "swipnet.se",
        "tele2.se",
        "telia.com",
    ],
}


def upgrade() -> None:

    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index(
            "uq_alert_open",
            ["code", "subject"],
            unique=True,
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )

    op.create_table(
        "announced",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("story", sa.String(length=60), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(length=500), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("page_url", sa.String(length=1000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announced")),
        sa.UniqueConstraint("story", "language", name=op.f("uq_announced_story_language")),
    )
    with op.batch_alter_table("announced", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_announced_language_at"), ["language", "at"], unique=False
        )

    op.create_table(
        "digest_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("frequency", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_run")),
        sa.UniqueConstraint(
            "frequency",
            "language",
            "starts_at",
            name=op.f("uq_digest_run_frequency_language_starts_at"),
        ),
    )
    op.create_table(
        "domain_group",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("domains", sa.Text(), nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("refilled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("factor", sa.Double(), nullable=False),
        sa.Column("factor_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("backoff_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recent", sa.String(length=500), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_because", sa.String(length=40), nullable=False),
        sa.Column("held_facts", sa.Text(), nullable=False),
        sa.Column("parted_from", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_domain_group")),
    )
    op.create_table(
        "job_minute",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job", sa.String(length=60), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_minute")),
        sa.UniqueConstraint("job", "minute", name=op.f("uq_job_minute_job_minute")),
    )
    with op.batch_alter_table("job_minute", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_minute_minute"), ["minute"], unique=False)

    op.create_table(
        "retention_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cleared", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_run")),
        sa.UniqueConstraint("rule", "day", name=op.f("uq_retention_run_rule_day")),
    )
    op.create_table(
        "worker_beat",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("machine", sa.String(length=60), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_ahead_ms", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker_beat")),
    )
    with op.batch_alter_table("worker_beat", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_worker_beat_seen_at"), ["seen_at"], unique=False)

    op.create_table(
        "data_request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column(
            "subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "access", "erase", name="kind", native_enum=False, create_constraint=True, length=20
            ),
            nullable=False,
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_data_request_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_data_request_public_id")),
    )
    with op.batch_alter_table("data_request", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_data_request_subscriber_id"), ["subscriber_id"], unique=False
        )

    op.create_table(
        "import_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file_key", sa.String(length=64), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column(
            "file_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum(
                "uploaded",
                "running",
                "done",
                "stopped",
                "failed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("basis", sa.String(length=500), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column(
            "frequency",
            sa.Enum(
                "immediate",
                "daily",
                "weekly",
                name="frequency",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("reading", sa.Text(), nullable=False),
        sa.Column("ask_first", sa.Boolean(), nullable=False),
        sa.Column(
            "rows_total", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "rows_done", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("imported", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("already", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("left_out", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(length=120), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_import_run_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.create_index(
            "ix_import_run_open",
            ["id"],
            unique=False,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )

    op.create_table(
        "mailing_item",
        sa.Column(
            "mailing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("story", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"],
            ["mailing.id"],
            name=op.f("fk_mailing_item_mailing_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("mailing_id", "key", name=op.f("pk_mailing_item")),
    )
    with op.batch_alter_table("mailing_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mailing_item_key"), ["key"], unique=False)
        batch_op.create_index(batch_op.f("ix_mailing_item_story"), ["story"], unique=False)

    op.create_table(
        "import_problem",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "last_line", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["import_run.id"], name=op.f("fk_import_problem_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "line", name=op.f("pk_import_problem")),
    )
    op.create_table(
        "inbound_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "hard",
                "soft",
                "policy",
                "delayed",
                "complaint",
                "not_spam",
                "unsubscribe",
                "auto_reply",
                "other",
                "unparsed",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("enhanced", sa.String(length=12), nullable=True),
        sa.Column("said", sa.String(length=500), nullable=False),
        sa.Column(
            "delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "mailing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("unmatched", sa.String(length=40), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
            name=op.f("fk_inbound_event_delivery_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["mailing_id"],
            ["mailing.id"],
            name=op.f("fk_inbound_event_mailing_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_inbound_event_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_event")),
        sa.UniqueConstraint("key", name=op.f("uq_inbound_event_key")),
    )
    with op.batch_alter_table("inbound_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_inbound_event_delivery_id"), ["delivery_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_inbound_event_kind_id"), ["kind", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_inbound_event_mailing_id"), ["mailing_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_inbound_event_received_at"), ["received_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_inbound_event_subscriber_id"), ["subscriber_id"], unique=False
        )

    op.create_table(
        "bounce",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "mailing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("enhanced", sa.String(length=12), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_bounce_delivery_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["inbound_event.id"], name=op.f("fk_bounce_event_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailing.id"], name=op.f("fk_bounce_mailing_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_bounce_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_bounce_delivery_id")),
    )
    with op.batch_alter_table("bounce", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bounce_domain_at"), ["domain", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_bounce_event_id"), ["event_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_bounce_mailing_id_hard"), ["mailing_id", "hard"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_bounce_subscriber_id_at"), ["subscriber_id", "at"], unique=False
        )

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_delivery_held"), sqlite_where=sa.text("lease_until IS NOT NULL")
        )
        batch_op.create_index(
            "ix_delivery_held",
            ["lease_until", "domain_group"],
            unique=False,
            sqlite_where=sa.text("lease_until IS NOT NULL"),
            postgresql_where=sa.text("lease_until IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_delivery_settled",
            ["mailing_id", "domain_group", "state", "due_at", "lease_until"],
            unique=False,
            sqlite_where=sa.text("due_at IS NULL AND lease_until IS NULL"),
            postgresql_where=sa.text("due_at IS NULL AND lease_until IS NULL"),
        )
        batch_op.create_index(
            "ix_delivery_repeated",
            ["mailing_id"],
            unique=False,
            sqlite_where=sa.text("uncertain_count > 0"),
            postgresql_where=sa.text("uncertain_count > 0"),
        )

    with op.batch_alter_table("mailing", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "paused_because",
                sa.Enum(
                    "person",
                    "missed",
                    "hard_bounces",
                    "complaints",
                    name="paused_because",
                    native_enum=False,
                    create_constraint=True,
                    length=20,
                ),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column("pause_facts", sa.Text(), nullable=False, server_default="{}")
        )
        batch_op.add_column(
            sa.Column("hold_uncertain", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("outcome", sa.Text(), nullable=True))

    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("operator_email", sa.String(length=254), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("mailing_grace_minutes", sa.Integer(), nullable=False, server_default="30")
        )
        batch_op.add_column(
            sa.Column("digest_hour", sa.Integer(), nullable=False, server_default="7")
        )
        batch_op.add_column(
            sa.Column("digest_weekday", sa.Integer(), nullable=False, server_default="0")
        )
        batch_op.add_column(
            sa.Column("keep_addresses_days", sa.Integer(), nullable=False, server_default="30")
        )
        batch_op.add_column(
            sa.Column("keep_deliveries_days", sa.Integer(), nullable=False, server_default="400")
        )
        batch_op.add_column(
            sa.Column("keep_inbound_days", sa.Integer(), nullable=False, server_default="30")
        )
        batch_op.add_column(
            sa.Column("keep_ended_days", sa.Integer(), nullable=False, server_default="365")
        )

    with op.batch_alter_table("subscriber", schema=None) as batch_op:
        batch_op.add_column(sa.Column("domain", sa.String(length=253), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_subscriber_public_id"), type_="unique")
        batch_op.create_index(
            "ix_subscriber_address",
            ["address"],
            unique=False,
            postgresql_ops={"address": "text_pattern_ops"},
        )
        batch_op.create_index("ix_subscriber_domain", ["domain", "id"], unique=False)
        batch_op.create_index(
            "ix_subscriber_erased",
            ["erased_at"],
            unique=False,
            sqlite_where=sa.text("erased_at IS NOT NULL"),
            postgresql_where=sa.text("erased_at IS NOT NULL"),
        )
        batch_op.drop_column("public_id")

    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "frequency",
                sa.Enum(
                    "immediate",
                    "daily",
                    "weekly",
                    name="frequency",
                    native_enum=False,
                    create_constraint=True,
                    length=20,
                ),
                nullable=False,
                server_default="immediate",
            )
        )
        batch_op.drop_index(
            batch_op.f("ix_subscription_active"), sqlite_where=sa.text("state = 'active'")
        )
        batch_op.create_index(
            "ix_subscription_active",
            ["topic_id", "frequency", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )
        batch_op.create_index(
            "ix_subscription_consented",
            ["consent_at"],
            unique=False,
            sqlite_where=sa.text("consent_at IS NOT NULL"),
            postgresql_where=sa.text("consent_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_subscription_ended",
            ["ended_at", "ended_reason"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NOT NULL"),
            postgresql_where=sa.text("ended_at IS NOT NULL"),
        )

    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.create_index(
            "ix_subscription_other",
            ["state", "ended_reason", "id"],
            unique=False,
            sqlite_where=sa.text("state <> 'active'"),
            postgresql_where=sa.text("state <> 'active'"),
        )

    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
            )
        )
        batch_op.create_index(batch_op.f("ix_suppression_event_id"), ["event_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_suppression_event_id"),
            "inbound_event",
            ["event_id"],
            ["id"],
            ondelete="SET NULL",
        )
    with op.batch_alter_table("topic", schema=None) as batch_op:
        # A plain text as default: with an expression SQLite would make the table anew and lose the
        # triggers that count its changes.
        batch_op.add_column(
            sa.Column("of_programme", sa.Boolean(), nullable=False, server_default="0")
        )
    _renew_words()
    _fill_in_domains()
    _offer_programmes()
    _name_stories()
    for name, domains in DOMAIN_GROUPS.items():
        op.execute(
            sa.text(
                "INSERT INTO domain_group (name, domains, rate, concurrency, tokens, factor, recent,"
                " held_because, held_facts) VALUES (:name, :domains, 0, 0, 0, 1, '', '', '{}')"
            ).bindparams(name=name, domains=json.dumps(domains))
        )
    if op.get_bind().dialect.name == "postgresql":
        # Every mail writes its row some three times: room for that in its page, and early sweeping.
        op.execute(
            "ALTER TABLE delivery SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,"
            " autovacuum_analyze_scale_factor = 0.02)"
        )


def _renew_words() -> None:
    for table, columns in WORDS.items():
        with op.batch_alter_table(table) as batch_op:
            for column, words in columns.items():
                name = op.f(f"ck_{table}_{column}")
                known = ", ".join(repr(word) for word in words.split())
                batch_op.drop_constraint(name, type_="check")
                batch_op.create_check_constraint(name, sa.text(f"{column} IN ({known})"))


def _fill_in_domains() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("UPDATE subscriber SET domain = substr(address, instr(address, '@') + 1)")
    else:
        op.execute("UPDATE subscriber SET domain = split_part(address, '@', 2)")


def _offer_programmes() -> None:
    """Each programme of which something is public can be subscribed to."""
    op.execute(
        "INSERT INTO topic (slug, name_sv, name_en, active, of_programme)"
        " SELECT DISTINCT programme.slug, programme.name, programme.name_en, true, true"
        " FROM programme JOIN round ON round.programme_id = programme.id"
        " JOIN story ON story.round_id = round.id JOIN release ON release.story_id = story.id"
        " WHERE release.live_id IS NOT NULL AND release.state <> 'withdrawn'"
        " AND programme.slug NOT IN (SELECT slug FROM topic)"
    )


def _name_stories() -> None:
    """What the mailings so far have carried: `correction:42:r7:sv` was of `release:42`."""
    rows = op.get_bind().execute(
        sa.text("SELECT id, key FROM mailing WHERE kind IN ('release', 'correction')")
    )
    items = [
        {"mailing_id": row.id, "key": row.key, "story": f"release:{row.key.split(':')[1]}"}
        for row in rows
        if row.key.count(":") >= 3
    ]
    if items:
        item = sa.table(
            "mailing_item", sa.column("mailing_id"), sa.column("key"), sa.column("story")
        )
        op.get_bind().execute(item.insert(), items)


def downgrade() -> None:
    """There is no way back but a backup, as with the revisions before."""
    raise NotImplementedError
