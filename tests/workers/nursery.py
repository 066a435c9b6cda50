"""Workers of the product that are there within a moment: `python -m tests.workers.nursery`.

It has imported and warmed up what a worker needs, forks one for each line it reads, and answers its pid.
A worker whose stores are away when it starts tries again, as whoever supervises real ones makes it do.
"""

import ctypes
import os
import random
import signal
import sys
import time

import run_worker
from domain import moderation
from domain.settings import Settings, load_settings
from telemetry.logs import configure_logs

AGAIN_SECONDS = 0.3
PR_SET_PDEATHSIG = 1


def main() -> None:
    settings = load_settings(None)
    configure_logs(settings.log_level, "json", process="worker")
    moderation.scan(run_worker.WARM_UP)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead leave no zombies
    for _ in sys.stdin:
        sys.stdout.write(f"{os.fork() or live(settings)}\n")
        sys.stdout.flush()


def live(settings: Settings) -> None:
    """In the child: works until it is stopped or killed, or whoever forked it is gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    random.seed()
    while not worked(settings):
        time.sleep(AGAIN_SECONDS)
    os._exit(0)


def worked(settings: Settings) -> bool:
    try:
        run_worker.run(settings)
    except SystemExit:
        return False
    return True


if __name__ == "__main__":
    main()
