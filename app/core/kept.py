"""Public answers that are the same for everybody: written once for each change, then kept.

A view that is `kept` may look at its address, the parts of the query it names, and the database; at
nothing else of the visitor: no cookie, no sign-in. A header that it looks at all the same stands in
the Vary of each of its answers. Where the answers are kept: app/core/keeping.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec

import sqlalchemy as sa
from flask import Flask, Response, current_app, has_app_context, make_response, request
from flask.typing import ResponseReturnValue

from app.core.db import db
from app.core.generation import generation, look
from app.core.keeping import MARK, Keeping, Mark

Given = ParamSpec("Given")
View = Callable[Given, ResponseReturnValue]
KEPT = {200, 410}
MEGABYTE = 1024 * 1024


def init_app(app: Flask) -> None:
    """Put the layer that gives out kept answers before Flask. KEPT_MEGABYTES is its room."""
    with app.app_context():
        engine = db.engine
    keeping = Keeping(
        app.wsgi_app, look=lambda: look(engine), room=app.config["KEPT_MEGABYTES"] * MEGABYTE
    )
    app.extensions["keeping"] = keeping
    app.wsgi_app = keeping  # type: ignore[method-assign]


def kept(
    *asked: str, max_age: int = 0, until: timedelta | None = None
) -> Callable[[View[Given]], View[Given]]:
    """Keep what a GET view answers; `asked` names the parts of the query that it reads.

    The answer gets a strong ETag from its bytes, and those who have it already get a 304. For
    `max_age` seconds clients may show it without asking again; 0 has them ask each time; what the
    view says of this itself goes first. An answer that depends on the clock says by `until` how
    long it is right; without it, it stands until visitors see something else. An answer that says
    `no-store` or `private` is somebody's own and left alone, as is any but 200 and 410.
    """

    def keep(view: View[Given]) -> View[Given]:
        @wraps(view)
        def answer(*args: Given.args, **kwargs: Given.kwargs) -> Response:
            stands = generation()  # in the transaction that the view reads in, before it reads
            response = make_response(view(*args, **kwargs))
            said = response.cache_control
            if response.status_code not in KEPT or said.no_store or said.private:
                return response
            if not said:
                wish = f"public, max-age={max_age}" if max_age else "no-cache"
                response.headers["Cache-Control"] = wish
            return mark(response, asked=asked, generation=stands, until=until)

        answer.is_kept = True  # type: ignore[attr-defined]
        return answer

    return keep


def mark(
    response: Response,
    *,
    asked: tuple[str, ...] = (),
    generation: int | None,
    until: timedelta | None = None,
) -> Response:
    """Let the layer before Flask keep this answer. No `generation`: it never changes."""
    response.direct_passthrough = False  # a file is read: its bytes are what is kept
    request.environ[MARK] = Mark(
        status=response.status_code,
        body=response.get_data(),
        asked=asked,
        generation=generation,
        until=until,
    )
    return response


def _look_again(_session: object) -> None:
    """Whoever has changed something reads it at once, where it was this process that stored it."""
    if has_app_context() and (keeping := current_app.extensions.get("keeping")):
        keeping.look_again()


sa.event.listen(db.session, "after_commit", _look_again)
