"""Public answers that are the same for everybody: written once for each change, then kept.

A view that is `kept` may look at its address and the database, at nothing else of the visitor: no
cookie, no sign-in, no header beside those that it names in Vary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

Given = ParamSpec("Given")
View = Callable[Given, ResponseReturnValue]
KEPT = {200, 410}


def kept(*asked: str, max_age: int = 0) -> Callable[[View[Given]], View[Given]]:
    """Keep what a GET view answers; `asked` names the parts of the query that it reads.

    The answer gets a strong ETag from its bytes, and those who have it already get a 304. For
    `max_age` seconds clients may show it without asking again; 0 has them ask each time. An answer
    that says `no-store` or `private` is somebody's own and left alone.
    """

    def keep(view: View[Given]) -> View[Given]:
        @wraps(view)
        def answer(*args: Given.args, **kwargs: Given.kwargs) -> Response:
            response = make_response(view(*args, **kwargs))
            said = response.cache_control
            if response.status_code not in KEPT or said.no_store or said.private:
                return response
            response.headers["Cache-Control"] = (
                f"public, max-age={max_age}" if max_age else "no-cache"
            )
            response.set_etag(hashlib.sha256(response.get_data()).hexdigest())
            response.make_conditional(request)
            return response

        return answer

    return keep
