"""The crowd finds what is lost: nothing, on servers of its own; and it is not sent to strangers."""

import asyncio
import json
import sys

from demo.cluster import ROOT


async def run(*arguments: str) -> tuple[int, str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "swarm",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(child.communicate(), 240)
    assert child.returncode is not None
    return child.returncode, output.decode()


async def test_a_small_crowd_on_two_servers_loses_nothing() -> None:
    code, output = await run("--sockets", "12", "--seconds", "3", "--posts-per-second", "4")
    report = json.loads(output.strip().splitlines()[-1])
    assert code == 0, output
    assert report["lost"] == report["twice"] == 0
    assert report["acknowledged"] == 12
    assert report["heard"] == 12 * 12


async def test_another_machine_is_not_a_target_by_accident() -> None:
    code, output = await run("--url", "http://192.0.2.1:8080")
    assert code == 1
    assert "another machine" in output
