"""One SOS for many helpers, through real workers: everybody once, and nobody urgent waits for it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import asyncpg
import pytest

from db.stores import Stores, open_stores
from domain import notifications
from domain.ids import new_id
from domain.jobs import UNFINISHED, Job, JobFilter, enqueue_jobs
from domain.ports import Ports
from domain.posts import CreatePost, create_post
from domain.sessions import RegisterAnonymous, identify, register_anonymous
from domain.settings import load_settings
from tests.fakes.ports import SECRET
from tests.fakes.push import FakePush
from workers import jobs
from workers.job import KINDS, Kind
from workers.worker import Workers

HELPERS = int(os.environ.get("FAN_OUT_HELPERS", "500"))
"""Ten thousand for a long look: `make chaos`."""
DEADLINE_SECONDS = 90.0 + HELPERS / 10
URGENT_WAIT_SECONDS_MAX = 2.0
"""From enqueued to done, of nine in ten: one or another is held up by what else a busy machine does."""
URGENT_MIN = 20
"""So many at least, one after the other, while the fan-out goes on."""

pytestmark = pytest.mark.timeout(60 + DEADLINE_SECONDS)

HELPER_ROWS = """
with people as (
  insert into accounts (id, handle, avatar, created_at)
  select gen_random_uuid(), 'helper-' || n, 'owl', now() from generate_series(1, $1) n returning id
), opened as (
  insert into sessions (id, account_id, created_at, last_used_at)
  select gen_random_uuid(), id, now(), now() from people returning id, account_id
)
select id::text as session_id, account_id::text from opened
"""


@dataclass
class Scene:
    stores: Stores
    ports: Ports
    push: FakePush
    kinds: dict[str, Kind]
    urgent_waits: list[float] = field(default_factory=list)

    async def helpers(self, url: str, count: int) -> list[str]:
        """Accounts with a phone each, without the work of registering them."""
        rows = await asyncpg.connect(url)
        try:
            made = await rows.fetch(HELPER_ROWS, count)
            ids = [row["account_id"] for row in made]
            keys = [f"token-{number}".encode() for number in range(count)]
            await rows.execute(
                """
                insert into devices (id, account_id, session_id, platform, token_key, sealed, seen_at)
                select gen_random_uuid(), account_id, session_id, 'ios', token_key, sealed, now()
                from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[])
                  as new (account_id, session_id, token_key, sealed)
                """,
                ids,
                [row["session_id"] for row in made],
                keys,
                [self._sealed(key) for key in keys],
            )
        finally:
            await rows.close()
        return ids

    def _sealed(self, key: bytes) -> bytes:
        address = b'{"platform":"ios","token":"%s","keys":null}' % key
        return self.ports.cipher.encrypt(address, context=b"device:" + key)

    async def goes_on(self) -> bool:
        """Whether a job of the fan-out is not over."""
        for name in ("notify_many", "push"):
            if await self.ports.jobs.find(JobFilter(name=name, states=UNFINISHED), limit=1):
                return True
        return False

    async def urgent(self, number: int) -> None:
        """One urgent job, waited for."""
        loop = asyncio.get_running_loop()
        began, self.ended = loop.time(), asyncio.Event()
        await enqueue_jobs([Job("ring", {}, f"ring:{number}", "urgent")], self.ports)
        await asyncio.wait_for(self.ended.wait(), DEADLINE_SECONDS)
        self.urgent_waits.append(loop.time() - began)

    async def ring(self, ports: Ports) -> None:
        self.ended.set()


@pytest.fixture
async def scene(postgres_url: str, mongodb_uri: str, redis_url: str) -> AsyncIterator[Scene]:
    settings = load_settings(
        None,
        server_env="test",
        postgres_url=postgres_url,
        mongodb_uri=mongodb_uri,
        mongodb_database=urlsplit(mongodb_uri).path.strip("/"),
        redis_url=redis_url,
        jwt_secret=SECRET,
        encryption_key=SECRET,
    )
    assert jobs.__all__
    async with open_stores(settings) as stores:
        push = FakePush()
        scene = Scene(stores, replace(stores.ports, push=push), push, dict(KINDS))
        scene.kinds["ring"] = Kind("ring", scene.ring, lane="urgent")
        workers = Workers(scene.ports, redis=stores.queue.redis, kinds=scene.kinds, schedule={})
        await workers.start()
        yield scene
        await workers.stop()


async def test_an_sos_reaches_many_once_while_urgent_work_goes_on(
    scene: Scene, postgres_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    ids = await scene.helpers(postgres_url, HELPERS)
    registered = await register_anonymous(RegisterAnonymous(), scene.ports)
    author = await identify(registered.tokens.access_token, scene.ports)
    post = (
        await create_post(CreatePost(client_id=new_id(), type="sos", content="x"), author, scene.ports)
    ).post
    for _ in range(2):
        await notifications.fan_out("sos", post.id, ids, scene.ports, post_id=post.id, actor_id=author.id)
    while_busy = 0
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await scene.goes_on():
            await scene.urgent(len(scene.urgent_waits))
            while_busy += await scene.goes_on()
    tell(scene.urgent_waits, capfd)
    assert while_busy >= URGENT_MIN, "urgent work came through while the fan-out went on"
    assert quantile(scene.urgent_waits, 0.9) < URGENT_WAIT_SECONDS_MAX
    assert len(scene.push.sent) == len({address.token for address, _ in scene.push.sent}) == HELPERS
    counts = [await scene.ports.records.notifications.unread(id, without=[]) for id in ids[::97]]
    assert set(counts) == {1}


def quantile(waits: list[float], share: float) -> float:
    return sorted(waits)[int(len(waits) * share)]


def tell(waits: list[float], capfd: pytest.CaptureFixture[str]) -> None:
    told = quantile(waits, 0.5), quantile(waits, 0.99), max(waits)
    shown = ", ".join(f"{seconds * 1000:.0f} ms" for seconds in told)
    with capfd.disabled():
        sys.stdout.write(
            f"\nfan-out to {HELPERS}: {len(waits)} urgent jobs meanwhile, p50, p99, most: {shown}\n"
        )
