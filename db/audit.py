"""`python -m db.audit verify [SEQ:HASH]`: reads the whole audit log and says whether its chain is whole.

The chain cannot show that its newest lines were cut off: keep the head that this prints somewhere else,
and hand it back the next time. Ends with 1 when a line was changed, is missing, or the head is not there.
"""

import asyncio
import sys
from collections.abc import Sequence

from db.stores import located, open_stores
from domain.audit import Chain, extended
from domain.ports import Ports
from domain.settings import SettingsError, load_settings

USAGE = "usage: python -m db.audit verify [SEQ:HASH]"
BATCH = 1_000


async def verified(ports: Ports, remembered: str = "") -> tuple[bool, str]:
    """Whether the log is whole and still holds the `remembered` head, and what to print."""
    chain, heads = Chain(), {"0:" + Chain().head}
    while chain.broken_at is None and (lines := await ports.records.audit.after(chain.lines, BATCH)):
        chain = extended(chain, lines)
        heads |= {f"{line.seq}:{line.hash}" for line in lines}
    if chain.broken_at is not None:
        return False, f"broken at line {chain.broken_at}; whole up to {chain.lines}:{chain.head}"
    if remembered and remembered not in heads:
        return False, f"line {remembered.partition(':')[0]} is not the one that was remembered"
    return True, f"whole: {chain.lines} lines, head {chain.lines}:{chain.head}"


async def main(arguments: Sequence[str]) -> tuple[bool, str]:
    if not 1 <= len(arguments) <= 2 or arguments[0] != "verify":
        return False, USAGE
    async with located(load_settings()) as settings, open_stores(settings) as stores:
        return await verified(stores.ports, *arguments[1:])


if __name__ == "__main__":
    try:
        whole, text = asyncio.run(main(sys.argv[1:]))
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    sys.stdout.write(text + "\n")
    sys.exit(0 if whole else 1)
