"""The threads that answer rings: huey's consumer, made to live with a queue that may be away."""

from __future__ import annotations

import logging
from typing import Any

from huey.consumer import Consumer, Scheduler, Worker

log = logging.getLogger(__name__)

SILENCE = 5.0  # seconds for which an ear leaves a queue alone that did not answer


class _Ear(Worker):  # type: ignore[misc]
    """Answers rings. A queue that is away is asked again later, and not complained of each time."""

    def loop(self, now: Any = None) -> None:
        try:
            task = self.huey.dequeue()
        except Exception:
            if not getattr(self, "complained", False):
                log.warning("the queue of rings does not answer; rounds go on", exc_info=True)
            self.complained = True
            self.stop_flag.wait(SILENCE)
            return
        self.complained = False
        if task is not None:
            self.delay = self.default_delay
            self.huey.execute(task, now)
        elif not self.huey.storage.blocking:
            self.sleep()


class _NoSchedule(Scheduler):  # type: ignore[misc]
    """Nothing is ever put into the queue for later, so nobody looks for it."""

    def loop(self, now: Any = None) -> None:
        self.stop_flag.wait(self.interval)


class Listener(Consumer):  # type: ignore[misc]
    worker_class = _Ear
    scheduler_class = _NoSchedule

    def _set_signal_handlers(self) -> None:
        """The worker command answers signals itself: a mail in the open is finished first."""
