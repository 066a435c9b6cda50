"""`python -m db.rescan [--days 30] [--apply]`: what the rules of today would change about what was said.

Without `--apply` nothing changes. With it, one job per text that would change is added for the workers.
"""

import argparse
import asyncio
import sys
from datetime import timedelta

from db.stores import located, open_stores
from domain import audit, rescans
from domain.ids import new_id
from domain.ports import Ports
from domain.rescans import DryRun
from domain.settings import SettingsError, load_settings


async def rescan(days: int, *, apply: bool, ports: Ports) -> list[str]:
    """Runs it; returns what to print."""
    found = await rescans.dry_run(ports, window=timedelta(days=days))
    lines = told(found)
    if not apply:
        return [*lines, "nothing was changed; --apply makes it so"]
    cause = new_id()
    async with ports.transaction() as tx:
        details = {effect: str(count) for effect, count in found.counts.items()}
        await audit.note("moderation.rescan", audit.SYSTEM, tx, ports, target_id=cause, **details)
    return [*lines, f"added {await rescans.apply(found, cause, ports)} jobs"]


def told(found: DryRun) -> list[str]:
    lines = [f"{found.scanned} texts, {len(found.changes)} would change"]
    return lines + [
        f"{effect:16} {count:6}  for example {' '.join(found.samples[effect])}"
        for effect, count in sorted(found.counts.items())
    ]


async def main(days: int, *, apply: bool) -> list[str]:
    async with located(load_settings()) as settings, open_stores(settings) as stores:
        return await rescan(days, apply=apply, ports=stores.ports)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m db.rescan", description=__doc__)
    parser.add_argument("--days", type=int, default=rescans.WINDOW.days)
    parser.add_argument("--apply", action="store_true")
    arguments = parser.parse_args()
    try:
        printed = asyncio.run(main(arguments.days, apply=arguments.apply))
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    sys.stdout.write("\n".join(printed) + "\n")
