"""Loading a package without others that it can do without, and that every process would carry."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Within it nobody can import these; whoever tries as an extra goes on without.

    A package that is loaded already stays what it is. For the start of a process: another thread
    that imports one of them at that moment fails.
    """
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None stops an import
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
