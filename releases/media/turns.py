"""Taking turns at what needs much memory, among all processes of a machine.

A picture of 100 megapixels takes up to 900 MB while it is worked on, 1.2 GB when one can see
through it. A lock on a file is let go of by the system when its process ends, however it ends.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import current_app


@contextmanager
def turn(name: str, *, wait: bool) -> Iterator[bool]:
    """Within it, nobody else on this machine has this turn.

    Without `wait` it is taken at once or not at all; says whether it was.
    """
    with (Path(current_app.config["VAR"]) / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
