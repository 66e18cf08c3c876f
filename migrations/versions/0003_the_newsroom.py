"""The newsroom: lists, search, press kits, old addresses, WebSub, and the generation of it all.

Triggers count the generation up. SQLite forgets the triggers of a table that a later migration
makes anew (batch mode): such a migration has to hang them up again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "follower",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("feed_url", sa.String(length=600), nullable=False),
        sa.Column("callback", sa.String(length=1000), nullable=False),
        sa.Column("secret", sa.String(length=1000), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "active",
                "leaving",
                "ended",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("lease_seconds", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follower")),
        sa.UniqueConstraint("key", name=op.f("uq_follower_key")),
    )
    with op.batch_alter_table("follower", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follower_due_at"), ["due_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_follower_feed_url_state"), ["feed_url", "state"], unique=False
        )

    op.create_table(
        "generation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_generation_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generation")),
    )
    op.create_table(
        "hub_ping",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed_url", sa.String(length=600), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("pinged_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_ping")),
        sa.UniqueConstraint("feed_url", name=op.f("uq_hub_ping_feed_url")),
    )
    with op.batch_alter_table("hub_ping", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hub_ping_due_at"), ["due_at"], unique=False)

    op.create_table(
        "story_topic",
        sa.Column("story_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("topic_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["story_id"], ["story.id"], name=op.f("fk_story_topic_story_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_story_topic_topic_id")),
        sa.PrimaryKeyConstraint("story_id", "topic_id", name=op.f("pk_story_topic")),
    )
    op.create_table(
        "archived_item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column(
            "release_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["release.id"],
            name=op.f("fk_archived_item_release_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archived_item")),
        sa.UniqueConstraint("key", name=op.f("uq_archived_item_key")),
    )
    with op.batch_alter_table("archived_item", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_archived_item_release_id"), ["release_id"], unique=False
        )

    op.create_table(
        "listing",
        sa.Column(
            "release_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "programme",
                "topic",
                "place",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_listing_release_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("release_id", "kind", "key", name=op.f("pk_listing")),
    )
    with op.batch_alter_table("listing", schema=None) as batch_op:
        batch_op.create_index(
            "ix_listing_order",
            ["kind", "key", "language", "published_at", "release_id"],
            unique=False,
        )

    op.create_table(
        "old_address",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.String(length=600), nullable=False),
        sa.Column(
            "release_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["release.id"],
            name=op.f("fk_old_address_release_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_old_address")),
        sa.UniqueConstraint("path", name=op.f("uq_old_address_path")),
    )
    with op.batch_alter_table("old_address", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_old_address_release_id"), ["release_id"], unique=False)

    op.create_table(
        "press_kit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "release_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "revision_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("zip_size", sa.Integer(), nullable=False),
        sa.Column("pdf_size", sa.Integer(), nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_press_kit_release_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revision.id"], name=op.f("fk_press_kit_revision_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_press_kit")),
        sa.UniqueConstraint("key", name=op.f("uq_press_kit_key")),
        sa.UniqueConstraint(
            "release_id", "revision_id", name=op.f("uq_press_kit_release_id_revision_id")
        ),
    )
    with op.batch_alter_table("award", schema=None) as batch_op:
        batch_op.add_column(sa.Column("place", sa.String(length=4), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_award_place_round_id"), ["place", "round_id"], unique=False
        )

    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.true())
        )

    with op.batch_alter_table("image", schema=None) as batch_op:
        batch_op.add_column(sa.Column("focal_x", sa.Integer(), nullable=False, server_default="50"))
        batch_op.add_column(sa.Column("focal_y", sa.Integer(), nullable=False, server_default="50"))
        batch_op.add_column(sa.Column("encoded_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("encode_failures", sa.Integer(), nullable=False, server_default="0")
        )
        batch_op.create_index(
            "ix_image_to_encode",
            ["id"],
            unique=False,
            sqlite_where=sa.text("encoded_at IS NULL"),
            postgresql_where=sa.text("encoded_at IS NULL"),
        )

    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("accent", sa.String(length=7), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("typeface", sa.String(length=20), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("logo_key", sa.String(length=64), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("logo_type", sa.String(length=60), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("logo_width", sa.Integer(), nullable=False, server_default="0")
        )
        batch_op.add_column(
            sa.Column("logo_height", sa.Integer(), nullable=False, server_default="0")
        )
        batch_op.add_column(
            sa.Column("tag_host", sa.String(length=253), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("hub_url", sa.String(length=500), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("own_hub", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(
            sa.Column("accessibility_sv", sa.Text(), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("accessibility_en", sa.Text(), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("accessibility_on", sa.Date(), nullable=True))

    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "listed_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
            )
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_release_listed_id"), "revision", ["listed_id"], ["id"], use_alter=True
        )

    with op.batch_alter_table("topic", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("name_sv", sa.String(length=200), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("name_en", sa.String(length=200), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true())
        )
    op.execute(
        "UPDATE topic SET name_sv = 'Pressmeddelanden', name_en = 'Press releases'"
        " WHERE slug = 'press-releases'"
    )
    op.execute("INSERT INTO generation (id, number) VALUES (1, 1)")
    _make_searchable()
    _count_generations()


def _make_searchable() -> None:
    """The words of what is live, stemmed before they come here. `rowid` is the release's id."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE release_search USING fts5"
            "(language UNINDEXED, title, lead, body, tokenize = 'unicode61 remove_diacritics 0')"
        )
        return
    op.execute(
        "CREATE TABLE release_search (release_id bigint PRIMARY KEY REFERENCES release (id)"
        " ON DELETE CASCADE, language varchar(2) NOT NULL, words tsvector NOT NULL)"
    )
    op.execute("CREATE INDEX ix_release_search_words ON release_search USING gin (words)")


# What visitors read from, and which changes of it they see: table -> act -> columns and condition.
PUBLIC = "live_id IS NOT NULL"
SEEN = {
    "organisation": {"INSERT": "", "UPDATE": ""},
    "programme": {"UPDATE": ""},
    "topic": {"INSERT": "", "UPDATE": ""},
    "story_topic": {"INSERT": "", "DELETE": ""},
    "contact": {"INSERT": "", "UPDATE": "", "DELETE": ""},
    "round": {"UPDATE OF name, decided_on, currency": ""},
    "release": {
        "UPDATE OF live_id, published_at, changed_at, slug, language, state, withdrawn_reason,"
        " listed_id": f"OLD.{PUBLIC} OR NEW.{PUBLIC}",
        "INSERT": f"NEW.{PUBLIC}",
        "DELETE": f"OLD.{PUBLIC}",
    },
    "publication": {"INSERT": "", "UPDATE": "", "DELETE": ""},
    "image": {"UPDATE": "", "DELETE": ""},
    "document": {"UPDATE": "", "DELETE": ""},
    "press_kit": {"UPDATE": "", "DELETE": ""},
}


def _count_generations() -> None:
    """In PostgreSQL at the end of the transaction, so that no two wait for each other's rows."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(
            "CREATE FUNCTION next_generation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF current_setting('pressrum.counted', true) IS DISTINCT FROM txid_current()::text"
            " THEN UPDATE generation SET number = number + 1;"
            " PERFORM set_config('pressrum.counted', txid_current()::text, true);"
            " END IF; RETURN NULL; END $$"
        )
    for table, acts in SEEN.items():
        for act, condition in acts.items():
            name = f"generation_{table}_{act.split()[0].lower()}"
            when = f" WHEN ({condition})" if condition else ""
            if postgresql:
                op.execute(
                    f"CREATE CONSTRAINT TRIGGER {name} AFTER {act} ON {table}"
                    f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW{when}"
                    " EXECUTE FUNCTION next_generation()"
                )
            else:
                count = "UPDATE generation SET number = number + 1"
                op.execute(
                    f"CREATE TRIGGER {name} AFTER {act} ON {table} FOR EACH ROW{when}"
                    f" BEGIN {count}; END"
                )


def downgrade() -> None:
    """There is no way back but a backup, as with the revision before."""
    raise NotImplementedError
