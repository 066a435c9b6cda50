"""For operators: `python -m db.embedded start|stop|status|reset [DATA_DIR]`."""

import argparse
import json
import logging
import os
import signal
import sys
from pathlib import Path

from db.embedded import operations
from db.embedded.errors import EmbeddedStoresError
from db.embedded.folder import Folder
from db.embedded.supervisor import supervise

COMMANDS = {
    "start": operations.start,
    "stop": operations.stop,
    "status": operations.status,
    "reset": operations.reset,
}


def main() -> int:
    """Run one command; 1 and a message on standard error when it could not be done."""
    arguments = parse_arguments()
    if arguments.command == "supervise":
        return run_supervisor(arguments.data_dir, durable=arguments.durable)
    try:
        for line in COMMANDS[arguments.command](arguments.data_dir):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except EmbeddedStoresError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def parse_arguments() -> argparse.Namespace:
    """The command line. `supervise` is for the launcher alone."""
    parser = argparse.ArgumentParser(prog="python -m db.embedded", description=__doc__)
    parser.add_argument("command", choices=[*COMMANDS, "supervise"])
    parser.add_argument("data_dir", type=Path, nargs="?", default=Path(".data"))
    parser.add_argument("--not-durable", dest="durable", action="store_false", help=argparse.SUPPRESS)
    return parser.parse_args()


def run_supervisor(data_dir: Path, *, durable: bool) -> int:
    """Supervise, telling the launcher in one line on standard output how the start went."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        supervise(Folder.create(data_dir), durable=durable, ready=lambda: answer({}))
    except EmbeddedStoresError as error:
        answer({"problem": str(error)})
        return 1
    return 0


def answer(verdict: dict[str, str]) -> None:
    """Print the verdict and let go of the launcher's pipe. A launcher that died meanwhile is no error."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        os.write(1, json.dumps(verdict).encode() + b"\n")
    except BrokenPipeError:
        logging.getLogger(__name__).warning("the launcher is gone")
    os.dup2(2, 1)


if __name__ == "__main__":
    sys.exit(main())
