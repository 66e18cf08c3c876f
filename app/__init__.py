"""The roof: the one place that knows all parts and puts them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The application, from `settings` or the environment. Raises settings.BadSetting."""
    from app.factory import build
    from app.settings import load

    return build(settings or load())
