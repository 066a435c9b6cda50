"""Roles: who helps, who moderates, who runs this. Admins give them; nobody changes their own."""

from domain import access, audit
from domain.accounts import Account, Role, User
from domain.errors import Forbidden, NotFound
from domain.ports import Ports
from domain.wire import Command, Id, View


class ChangeRole(Command, frozen=True):
    account_id: Id
    role: Role


class RoleChanged(View, frozen=True):
    account_id: str
    role: Role


async def change_role(command: ChangeRole, user: User, ports: Ports) -> RoleChanged:
    access.check_operator(user)
    if command.account_id == user.id:
        raise Forbidden("Another admin has to change your role.")
    account = await ports.records.accounts.get(command.account_id)
    if account is None or account.status != "active":
        raise NotFound
    await grant(account, command.role, user.id, ports)
    return RoleChanged(account_id=account.id, role=command.role)


async def grant(account: Account, role: Role, actor_id: str, ports: Ports) -> None:
    """Holds for the account's next request and connection; cases that a moderator held are free for others.

    The same role again is not worth a line.
    """
    if account.role == role:
        return
    async with ports.transaction() as tx:
        await tx.accounts.update(account.id, {"role": role})
        if role not in access.MODERATORS:
            await tx.cases.release_all(account.id)
        details = {"before": account.role, "after": role}
        await audit.note("role.changed", actor_id, tx, ports, target="user", target_id=account.id, **details)
