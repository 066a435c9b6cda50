"""An erasure that is not done in time is given again, and reported."""

from prometheus_client import REGISTRY

from domain import erasure, sessions
from domain.erasure import EraseMe
from domain.jobs import JobFilter
from tests.workers.stage import Stage


def overdue() -> float:
    return REGISTRY.get_sample_value("erasures_overdue_total") or 0.0


async def test_an_overdue_erasure_is_counted_and_done_all_the_same(stage: Stage) -> None:
    code = sessions.new_recovery_code()
    user = await stage.person(recovery_hash=sessions.recovery_hash(code))
    receipt = await erasure.erase_me(EraseMe(recovery_code=code), user, stage.ports)
    await stage.ports.jobs.cancel(JobFilter(name="erase_account"), limit=10)
    before = overdue()
    await stage.run("check_erasures", {})
    assert overdue() == before
    stage.clock.advance(hours=25)
    await stage.run("check_erasures", {})
    assert overdue() == before + 1
    assert await stage.work() == 1
    found = await stage.ports.records.erasures.get(receipt.receipt_id)
    assert found is not None
    assert found.completed_at == stage.clock()
    await stage.run("check_erasures", {})
    assert overdue() == before + 1
