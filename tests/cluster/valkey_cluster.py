"""A Valkey cluster on loopback, made with commands alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from db.embedded.port import free_port
from tests.cluster.valkey_server import OwnValkey, own_valkeys
from tests.contract.deadline import until

OPTIONS = {
    "cluster-enabled": "yes",
    "cluster-node-timeout": "1000",
    "cluster-require-full-coverage": "no",
    "cluster-replica-validity-factor": "0",
    "repl-diskless-sync-delay": "0",
    "appendfsync": "no",
}


class ValkeyCluster:
    """The slots lie evenly on the first servers; the others know nothing yet."""

    def __init__(self, servers: list[OwnValkey], primaries: int) -> None:
        self.servers = servers
        self.primaries = servers[:primaries]

    @property
    def urls(self) -> list[str]:
        return [f"redis+cluster://{server.address}" for server in self.servers]

    async def form(self) -> None:
        count = len(self.primaries)
        bounds = [number * REDIS_CLUSTER_HASH_SLOTS // count for number in range(count + 1)]
        for number, server in enumerate(self.servers):
            await server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for number, server in enumerate(self.primaries):
            await server.ask("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
        for server in self.servers[1:]:
            words = (server.port, server.options["cluster-port"])
            await self.servers[0].ask("CLUSTER", "MEET", "127.0.0.1", *words)
        await until(self._formed)

    async def _formed(self) -> bool:
        infos = [await server.ask("CLUSTER", "INFO") for server in self.servers]
        known = f"cluster_known_nodes:{len(self.servers)}\r\n".encode()
        return all(b"cluster_state:ok" in info and known in info for info in infos)

    async def replicate(self, replica: OwnValkey, primary: OwnValkey) -> None:
        await replica.ask("CLUSTER", "REPLICATE", await self.id_of(primary))

        async def linked() -> bool:
            return bool((await replica.ask("INFO", "replication")).get("master_link_status") == "up")

        await until(linked)

    async def id_of(self, server: OwnValkey) -> str:
        return (await server.ask("CLUSTER", "MYID")).decode()

    async def holder(self, slot: int) -> OwnValkey:
        for server in self.primaries:
            for shard in await server.ask("CLUSTER", "SLOTS"):
                if shard[0] <= slot <= shard[1]:
                    port = shard[2][1]
                    return next(found for found in self.servers if found.port == port)
        raise LookupError(slot)

    async def move(self, slot: int, target: OwnValkey) -> None:
        """Key by key, as `redis-cli --cluster reshard` does."""
        source = await self.holder(slot)
        ids = await asyncio.gather(self.id_of(source), self.id_of(target))
        await target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
        await source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
        while keys := await source.ask("CLUSTER", "GETKEYSINSLOT", slot, 100):
            await source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
        for server in (target, source, *self.primaries):
            await server.ask("CLUSTER", "SETSLOT", slot, "NODE", ids[1])


@asynccontextmanager
async def valkey_cluster(folder: Path, *, primaries: int = 3, more: int = 0) -> AsyncIterator[ValkeyCluster]:
    async with own_valkeys(folder, 0) as servers:
        for number in range(primaries + more):
            options = {**OPTIONS, "cluster-port": str(free_port())}
            server = OwnValkey(folder / f"valkey-{number}", options=options)
            servers.append(server)
            await server.start()
        cluster = ValkeyCluster(servers, primaries)
        await cluster.form()
        yield cluster
