"""PostgreSQL databases of tests: copies of one migrated template, emptied and used again.

A copy is six hundred files and a tenth of a second of the kernel's time, to empty one a few milliseconds.
"""

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    import asyncpg

GROWN_BYTES_MAX = 4 * 1024 * 1024
"""What a test filled further than this would slow down the next one."""

# Whatever changes the schema writes a row of one of these, or takes one away.
CATALOGUE = " union all ".join(
    f"select '{name}', count(*), max(xmin::text::bigint) from {name}"  # noqa: S608
    for name in ("pg_class", "pg_attribute", "pg_constraint", "pg_index", "pg_trigger", "pg_proc")
)

SIZE = "select pg_database_size(current_database())"

# As a replica, because neither foreign keys nor the append-only log have a say here.
EMPTY = """
do $$
declare
  name text;
begin
  set local session_replication_role = replica;
  for name in select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'
  loop
    execute format('delete from %I', name);
  end loop;
  perform setval(format('%I.%I', schemaname, sequencename), start_value, false)
  from pg_sequences where last_value is not null;
end $$
"""


class Databases:
    """Hands out empty, migrated databases of the server at `server_url` by name.

    What comes back is emptied; it is dropped instead when its schema was changed or when it has grown.
    """

    def __init__(self, admin: "asyncpg.Connection[Any]", server_url: str, template: str) -> None:
        self.admin = admin
        self.server_url = server_url
        self.template = template
        self._unused: list[str] = []
        self._untouched: list[object] | None = None
        self._bytes = 0

    async def take(self) -> str:
        """The name of a database that nobody else has until it is given back."""
        if self._untouched is None:
            await self._look_at_template()
        if self._unused:
            return self._unused.pop()
        name = fresh_name("test")
        await self.admin.execute(f"create database {name} template {self.template}")
        return name

    async def give_back(self, name: str) -> None:
        """Ends who is still connected, as dropping it would."""
        await self.admin.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1", name
        )
        if await self._emptied(name):
            self._unused.append(name)
        else:
            await self._drop(name)

    async def drop_unused(self) -> None:
        while self._unused:
            await self._drop(self._unused.pop())

    async def _look_at_template(self) -> None:
        connection = await self._connect(self.template)
        self._untouched, self._bytes = await connection.fetch(CATALOGUE), await connection.fetchval(SIZE)
        await connection.close()

    async def _emptied(self, name: str) -> bool:
        import asyncpg

        connection = await self._connect(name)
        try:
            if await connection.fetch(CATALOGUE) != self._untouched:
                return False
            if await connection.fetchval(SIZE) > self._bytes + GROWN_BYTES_MAX:
                return False
            await connection.execute(EMPTY)
        except asyncpg.InsufficientPrivilegeError:  # not our own server, and no superuser there
            return False
        else:
            return True
        finally:
            await connection.close()

    async def _connect(self, name: str) -> "asyncpg.Connection[Any]":
        import asyncpg

        return await asyncpg.connect(with_database(self.server_url, name))

    async def _drop(self, name: str) -> None:
        await self.admin.execute(f"drop database {name} with (force)")


def fresh_name(kind: str) -> str:
    """A database name that no other test run on the same server uses."""
    return f"{kind}_{secrets.token_hex(6)}"


def with_database(url: str, name: str) -> str:
    """`url` with another database in its path."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
