"""A person's subscriptions are found by an index, those that have ended too."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_subscription_subscriber_id", "subscription", ["subscriber_id"])


def downgrade() -> None:
    op.drop_index("ix_subscription_subscriber_id", table_name="subscription")
