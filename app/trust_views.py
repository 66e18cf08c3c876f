"""The office's page about whether its mail is accepted: the doctor's findings with plain advice.

What was found is kept in a file of this machine, as it is seen from here and from nowhere else.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from flask import Blueprint, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.core.accounts import Role, only, signed_in_only
from app.core.clock import now
from app.core.db import db
from app.core.words import LANGUAGES, catalogue
from app.doctor import examine
from app.doctor.findings import Finding, Level, Record

blueprint = Blueprint("trust", __name__, url_prefix="/office/settings/deliverability")
signed_in_only(blueprint)

SECONDS = 15.0  # that somebody who pressed the button will wait
FILE = "deliverability.json"


@blueprint.get("/")
@only(Role.ADMIN)
def show() -> ResponseReturnValue:
    at, findings = _kept()
    return render_template(
        "office/settings/deliverability.html",
        at=at,
        matters=[(name, list(found)) for name, found in groupby(findings, key=lambda f: f.name)],
        count={level.value: sum(f.level is level for f in findings) for level in Level},
    )


@blueprint.post("/")
@only(Role.ADMIN)
def look() -> ResponseReturnValue:
    """Look now, which takes as long as the slowest who is asked, but never longer than SECONDS."""
    db.session.rollback()  # nothing is open while the world is asked
    findings = examine(seconds=SECONDS, only_mail=True)
    _keep(findings, at=now())
    return redirect(url_for(".show"))


def _keep(findings: list[Finding], *, at: datetime) -> None:
    path = _path()
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(
        json.dumps({"at": at.isoformat(), "findings": [_as_kept(one) for one in findings]}),
        encoding="utf-8",
    )
    draft.replace(path)


def _kept() -> tuple[datetime | None, list[Finding]]:
    """What was found last, and when. A file of a version that had other words counts as none."""
    try:
        data = json.loads(_path().read_text(encoding="utf-8"))
        found = [_from_kept(one) for one in data["findings"]]
        return datetime.fromisoformat(data["at"]), [one for one in found if _has_words(one)]
    except (OSError, ValueError, KeyError, TypeError):
        return None, []


def _path() -> Path:
    return Path(current_app.config["VAR"]) / FILE


def _as_kept(finding: Finding) -> dict[str, Any]:
    record = finding.record
    return {
        "name": finding.name,
        "level": finding.level.value,
        "key": finding.key,
        "facts": dict(finding.facts),
        "record": [record.name, record.kind, record.value] if record else None,
    }


def _from_kept(data: dict[str, Any]) -> Finding:
    record = Record(*data["record"]) if data["record"] else None
    return Finding(data["name"], Level(data["level"]), data["key"], data["facts"], record)


def _has_words(finding: Finding) -> bool:
    return all(f"trust.{finding.key}.what" in catalogue(language) for language in LANGUAGES)
