"""`pressrum doctor` says what is wrong, in words, and nothing else is disturbed by it."""

from __future__ import annotations

from flask import Flask

from app.core.accounts import User
from app.core.db import db
from app.core.organisation import Organisation
from app.doctor import examine
from tests.postoffice import PostOffice


def test_a_sound_installation_passes_every_check(app: Flask, post: PostOffice, admin: User) -> None:
    db.session.add(Organisation(name_sv="Centret", name_en="The Centre", short_name="C"))
    db.session.commit()

    findings = examine()

    assert [finding.name for finding in findings if not finding.ok] == []
    assert len(findings) == 6


def test_an_empty_installation_is_told_what_to_do(app: Flask) -> None:
    findings = {finding.name: finding for finding in examine()}

    assert findings["schema"].ok
    assert not findings["people"].ok
    assert "user add" in findings["people"].text
    assert not findings["mail server"].ok
