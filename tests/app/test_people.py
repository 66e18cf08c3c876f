"""Accounts: who is let in, who stays administrator, and what is put on record of it."""

from __future__ import annotations

import threading

import sqlalchemy as sa
from flask import Flask

from app.core import people
from app.core.accounts import Role, User
from app.core.clock import now
from app.core.db import db
from app.core.errors import NotNow
from tests import factories


def test_of_two_admins_who_unmake_each_other_at_once_one_stays(app: Flask) -> None:
    pair = [factories.user(f"{name}@press.example", role=Role.ADMIN).id for name in ("ada", "eva")]
    db.session.rollback()  # nothing open here while the others write
    refused: list[str] = []
    together = threading.Barrier(2)

    def unmake(mine: int, theirs: int) -> None:
        with app.app_context():
            one = db.session.get_one(User, theirs)
            db.session.rollback()
            together.wait()
            try:
                people.deactivate(one, by=db.session.get_one(User, mine), at=now())
                db.session.commit()
            except NotNow as error:
                refused.append(error.key)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=unmake, args=args) for args in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    left = sa.select(sa.func.count()).where(User.role == Role.ADMIN, User.active)
    assert db.session.scalar(left) == 1
    assert refused == ["last_admin"]
