"""The newsroom as visitors see it."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("newsroom", __name__)
