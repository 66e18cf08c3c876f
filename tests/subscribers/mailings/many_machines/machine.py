"""`pressrum worker` as another machine would run it: its own name, its own clock, its own limits.

    python -m tests.subscribers.mailings.many_machines.machine NAME SECONDS-AHEAD LARGEST-FILE …

The rest of the line is the command. The name and the clock are set before anything of ours is
loaded, so that no part of the product can have asked for them before. LARGEST-FILE is a number of
bytes beyond which the system lets no file grow, as on a full disk; 0 for none.
"""

from __future__ import annotations

import resource
import socket
import sys
import time
from datetime import timedelta


def set_clock(ahead: float) -> None:
    from app.core import clock

    real_now, real_time = clock.now, time.time
    clock.now = lambda: real_now() + timedelta(seconds=ahead)
    time.time = lambda: real_time() + ahead


def main() -> None:
    name, ahead, largest, *command = sys.argv[1:]
    socket.gethostname = lambda: name
    if float(ahead):
        set_clock(float(ahead))
    if int(largest):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    sys.argv = ["pressrum", *command]
    from app.cli import main as pressrum

    pressrum()


if __name__ == "__main__":
    main()
