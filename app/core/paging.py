"""Pages of a long list, each after the row that ended the one before. No page counts rows."""

from __future__ import annotations

from flask import abort, request

LARGEST_ID = 2**63 - 1  # what a column of row numbers holds


def row_before(name: str = "before") -> int | None:
    """The row that the asked-for page comes after; None for the first page.

    What is no number asks for nothing. A number that no row can have ends in 404.
    """
    number = request.args.get(name, type=int)
    if number is not None and abs(number) > LARGEST_ID:
        abort(404)
    return number
