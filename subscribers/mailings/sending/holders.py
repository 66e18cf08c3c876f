"""Who holds a delivery: a name from which another process can tell whether its holder is dead.

A lease protects against a machine that vanished. For a process of this very machine nobody needs
to wait: its name says which boot, which process and when it started.
"""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from pathlib import Path


def new_holder() -> str:
    """A fresh name for one claim, so that a sender cannot mistake its own reclaimed row for one it
    holds. At most 120 characters."""
    return f"{this_machine()}|{_boot()}|{_namespace()}|{os.getpid()}|{_started(os.getpid())}|" + (
        secrets.token_hex(6)
    )


def this_machine() -> str:
    """This host, as the first part of a holder: its name, and its number where it has one."""
    return f"{socket.gethostname()[:31]}.{_machine_id()}".replace("|", "-")


def is_dead(holder: str) -> bool:
    """Whether the process that made a claim on this machine is certainly gone.

    False for another machine, for another process namespace of this boot, and when in doubt.
    """
    machine, boot, namespace, pid, started, _ = holder.split("|")
    if machine != this_machine():
        return False
    if boot != _boot():
        return True
    return namespace == _namespace() and _started(int(pid)) != started


@cache
def _machine_id() -> str:
    try:
        return Path("/etc/machine-id").read_text().strip()[:8]
    except OSError:
        return ""


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:13]
    except OSError:
        return "-"


@cache
def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return "-"


def _started(pid: int) -> str:
    """When a process began, in ticks since the boot; '' when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _started_elsewhere(pid)
    return stat.rpartition(")")[2].split()[19]


def _started_elsewhere(pid: int) -> str:
    """Without /proc only existence can be asked; a recycled number then waits for its lease."""
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "?"
