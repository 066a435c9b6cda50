"""`python -m db.roles HANDLE user|helper|moderator|admin`: gives an account a role, also the first admin."""

import asyncio
import sys
from collections.abc import Sequence
from typing import get_args

from db.stores import located, open_stores
from domain import audit, roles
from domain.accounts import Role
from domain.ports import Ports
from domain.settings import SettingsError, load_settings

ROLES: tuple[Role, ...] = get_args(Role)
USAGE = f"usage: python -m db.roles HANDLE {'|'.join(ROLES)}"


async def give(handle: str, role: Role, ports: Ports) -> str:
    account = await ports.records.accounts.by_handle(handle)
    if account is None:
        raise SystemExit("There is no account with this handle.")
    await roles.grant(account, role, audit.SYSTEM, ports)
    return f"{account.handle} is {role} now"


async def main(arguments: Sequence[str]) -> str:
    match [*arguments]:
        case [handle, role] if role in ROLES:
            async with located(load_settings()) as settings, open_stores(settings) as stores:
                return await give(handle, role, stores.ports)
    raise SystemExit(USAGE)


if __name__ == "__main__":
    try:
        sys.stdout.write(asyncio.run(main(sys.argv[1:])) + "\n")
    except SettingsError as error:
        raise SystemExit(str(error)) from None
