"""The demo is a promise of the README: it runs, and it fails loudly when a step fails."""

import asyncio
import sys

from demo.cluster import ROOT


async def test_the_demo_tells_its_story_to_the_end() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "demo",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(child.communicate(), 240)
    assert child.returncode == 0, output.decode()
    assert "Nothing was lost" in output.decode()
