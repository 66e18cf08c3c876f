"""Published news without the workflow: what these tests are about begins after publication."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.core.db import db
from app.core.organisation import Organisation
from releases.editorial.models import Release, Revision, State, Story
from releases.rounds.models import Programme, Round

A_FRIDAY = datetime(2022, 10, 28, 6, 0, tzinfo=UTC)


class Desk:
    """Puts releases into the newsroom, each an hour older than the one before unless told."""

    def __init__(self) -> None:
        self.count = 0

    def release(
        self,
        headline: str = "Tio miljoner till samarbete",
        *,
        language: str = "sv",
        slug: str = "",
        state: State = State.PUBLISHED,
        published_at: datetime | None = None,
        changed_at: datetime | None = None,
        story: Story | None = None,
        reason: str = "",
        lead: str = "Elva mottagare delar på pengarna.",
        body: str = "<p>Mer om saken.</p>",
        about_programme: str = "",
        contacts: list[dict[str, object]] | None = None,
        links: list[dict[str, str]] | None = None,
    ) -> Release:
        self.count += 1
        at = published_at or A_FRIDAY - timedelta(hours=self.count)
        was_public = state in (State.PUBLISHED, State.WITHDRAWN)
        release = Release(
            story=story or Story(created_at=at),
            language=language,
            slug=slug or f"nyhet-{self.count}",
            state=State.DRAFT,
            created_at=at,
            updated_at=at,
            withdrawn_reason=reason,
        )
        db.session.add(release)
        db.session.flush()
        revision = Revision(
            release_id=release.id,
            number=1,
            headline=headline,
            lead=lead,
            body=body,
            about_programme=about_programme,
            contacts=contacts or [],
            links=links or [],
            created_at=at,
        )
        db.session.add(revision)
        db.session.flush()
        release.head_id = revision.id
        release.approved_id = None if state is State.DRAFT else revision.id
        if was_public:
            release.live_id = revision.id
            release.published_at = at
            release.changed_at = changed_at or at
        release.state = state
        db.session.commit()
        return release

    def rewrite(self, release: Release, headline: str) -> None:
        """A newer head that nobody has approved, while the old text stays live."""
        revision = Revision(
            release_id=release.id,
            number=2,
            headline=headline,
            lead="",
            body="",
            created_at=A_FRIDAY,
        )
        db.session.add(revision)
        db.session.flush()
        release.head_id = revision.id
        release.state = State.DRAFT
        db.session.commit()

    def story(self) -> Story:
        """News out of a round of the programme Kommunala partnerskap."""
        programme = Programme(
            slug="partnerskap", name="Kommunala partnerskap", name_en="Municipal partnerships"
        )
        results = Round(
            programme=programme,
            name="Hösten",
            currency="SEK",
            language="sv",
            filename="round.csv",
            sha256="0" * 64,
            content=b"",
            row_count=0,
            imported_at=A_FRIDAY,
        )
        return Story(round=results, created_at=A_FRIDAY)

    def organisation(self, **more: object) -> Organisation:
        facts: dict[str, object] = {
            "name_sv": "Centrum för Demokrati",
            "name_en": "Centre for Democracy",
            "short_name": "CfD",
            **more,
        }
        sender = Organisation(**facts)
        db.session.add(sender)
        db.session.commit()
        return sender
