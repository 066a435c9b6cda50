"""The engine's echo server on one port from several processes; tests run it as a process of its own.

Each worker prints `ready INDEX PID PORT`. `GET /pid` answers with the process that served it.
"""

import argparse
import asyncio
import os
import signal
import sys

import uvloop
from aiohttp import web

from realtime.engine.echo import make_server
from realtime.front import Front, Place, supervise, supervisor

PATIENCE_SECONDS = 60.0
"""Time to answer a heartbeat on a busy machine."""
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


async def serve(place: Place) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    front, app = Front(place), web.Application()
    app.router.add_get("/pid", pid)
    engine = make_server(PATIENCE_SECONDS)
    engine.attach(app)
    front.join(app, engine)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await front.listen(runner)
    say(f"ready {place.index} {os.getpid()} {runner.addresses[0][1]}")
    await stopping.wait()
    front.stop_accepting()
    await runner.cleanup()


async def pid(request: web.Request) -> web.Response:
    return web.Response(text=str(os.getpid()))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--loop", choices=LOOPS, default="uvloop")
    parser.add_argument("--stop-seconds", type=float, default=10.0)
    parser.add_argument("--hung-seconds", type=float, default=PATIENCE_SECONDS)
    parser.add_argument("--backoff-seconds", type=float, default=supervisor.BACKOFF_SECONDS)
    parser.add_argument("--behaviour", choices=["good", "failing", "first-fails", "stubborn"], default="good")
    options = parser.parse_args()
    supervisor.BACKOFF_SECONDS = options.backoff_seconds  # type: ignore[misc]

    def run(place: Place) -> None:
        if options.behaviour == "failing":
            raise SystemExit(3)
        if options.behaviour == "first-fails" and place.index == 0:
            say(f"ready {place.index} {os.getpid()} {place.port}")
            raise SystemExit(3)
        if options.behaviour == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            say(f"ready {place.index} {os.getpid()} {place.port}")
            signal.pause()
        with asyncio.Runner(loop_factory=LOOPS[options.loop]) as runner:
            runner.run(serve(place))

    raise SystemExit(
        supervise(
            options.processes,
            run,
            host="127.0.0.1",
            port=options.port,
            stop_seconds=options.stop_seconds,
            hung_seconds=options.hung_seconds,
        )
    )


if __name__ == "__main__":
    main()
