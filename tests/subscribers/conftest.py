"""What these tests do without: waiting for the answer's time, and a queue nobody listens to."""

from __future__ import annotations

import pytest

from subscribers import public


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """One test sets the time again and measures it."""
    monkeypatch.setattr(public, "ANSWER_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the jobs that the public pages rang for."""
    rung: list[str] = []
    monkeypatch.setattr(public, "ring", rung.append)
    return rung
