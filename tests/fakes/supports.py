"""Quick supports in memory."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from domain.ports import Given


class FakeSupports:
    def __init__(self) -> None:
        self._supports: dict[tuple[str, str, str], datetime] = {}

    async def add(self, post_id: str, giver_id: str, kind: str, at: datetime) -> bool:
        if (post_id, giver_id, kind) in self._supports:
            return False
        self._supports[post_id, giver_id, kind] = at
        return True

    async def remove(self, post_id: str, giver_id: str, kind: str) -> bool:
        return self._supports.pop((post_id, giver_id, kind), None) is not None

    async def kinds_of(self, post_id: str, giver_id: str) -> list[str]:
        return [kind for post, giver, kind in self._supports if (post, giver) == (post_id, giver_id)]

    async def from_givers(self, post_ids: Sequence[str], givers: Iterable[str]) -> list[tuple[str, str]]:
        wanted = set(givers)
        return [(post, kind) for post, giver, kind in self._supports if post in post_ids and giver in wanted]

    async def by_giver(self, giver_id: str, after: str, limit: int) -> list[Given]:
        mine = [(key, at) for key, at in self._supports.items() if key[1] == giver_id and key[0] > after]
        return [Given(post, kind, at) for (post, _, kind), at in sorted(mine)][:limit]

    async def posts_of(self, giver_id: str, limit: int) -> list[str]:
        given = sorted(
            ((at, post) for (post, giver, _), at in self._supports.items() if giver == giver_id), reverse=True
        )
        return list(dict.fromkeys(post for _, post in given[:limit]))

    async def counts(self, post_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {}
        for post, _, kind in self._supports:
            if post in post_ids:
                of_post = counts.setdefault(post, {})
                of_post[kind] = of_post.get(kind, 0) + 1
        return counts

    async def given_to(self, post_id: str) -> list[tuple[str, str]]:
        return [(giver, kind) for post, giver, kind in self._supports if post == post_id]

    async def forget(self, post_id: str) -> None:
        self._supports = {key: at for key, at in self._supports.items() if key[0] != post_id}
