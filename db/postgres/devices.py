"""Devices in PostgreSQL."""

from collections.abc import Sequence

from db.postgres.statements import Db, changed
from domain.devices import Device, Platform


class DeviceRows:
    def __init__(self, db: Db) -> None:
        self.db = db

    async def put(self, device: Device, *, most: int) -> str:
        id: str = await self.db.fetchval(
            """
            insert into devices (id, account_id, session_id, platform, token_key, sealed, seen_at)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (token_key) do update set account_id = excluded.account_id,
              session_id = excluded.session_id, sealed = excluded.sealed, seen_at = excluded.seen_at
            returning id
            """,
            device.id,
            device.account_id,
            device.session_id,
            device.platform,
            device.token_key,
            device.sealed,
            device.seen_at,
        )
        await self._drop_oldest(device.account_id, most)
        return id

    async def _drop_oldest(self, account_id: str, most: int) -> None:
        await self.db.execute(
            """
            delete from devices where id in
              (select id from devices where account_id = $1 order by seen_at desc, id desc offset $2)
            """,
            account_id,
            most,
        )

    async def of_account(self, account_id: str) -> list[Device]:
        rows = await self.db.fetch(
            """
            select devices.id, devices.account_id, session_id, devices.platform, token_key, sealed,
              devices.seen_at
            from devices join sessions on sessions.id = session_id and ended_at is null
            where devices.account_id = $1 order by devices.seen_at desc, devices.id desc
            """,
            account_id,
        )
        return [Device(**row) for row in rows]

    async def reachable(self, account_ids: Sequence[str], platforms: Sequence[Platform]) -> set[str]:
        rows = await self.db.fetch(
            """
            select distinct devices.account_id
            from devices join sessions on sessions.id = session_id and ended_at is null
            where devices.account_id = any($1::uuid[]) and devices.platform = any($2)
            """,
            list(account_ids),
            list(platforms),
        )
        return {row["account_id"] for row in rows}

    async def remove(self, account_id: str, id: str) -> bool:
        status = await self.db.execute(
            "delete from devices where id = $2 and account_id = $1", account_id, id
        )
        return changed(status)

    async def prune(self, limit: int) -> int:
        status = await self.db.execute(
            """
            delete from devices where id in
              (select devices.id from devices join sessions on sessions.id = session_id
               where ended_at is not null limit $1)
            """,
            limit,
        )
        return int(status.rpartition(" ")[2])
