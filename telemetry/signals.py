"""What tells a process from outside that it shall stop."""

import signal


def stop_signals() -> frozenset[signal.Signals]:
    """Ctrl-C, SIGTERM, and the end of the terminal unless `nohup` or a parent made it be ignored."""
    asked = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        asked.discard(signal.SIGHUP)
    return frozenset(asked)
