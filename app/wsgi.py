"""The application as a WSGI server other than our own wants it: `app.wsgi:app`."""

from __future__ import annotations

from app import create_app

app = create_app()
