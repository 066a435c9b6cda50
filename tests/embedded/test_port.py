"""A port is chosen long before its server binds it: meanwhile it is nobody else's."""

import subprocess
import sys

from launched import DEADLINE_SECONDS, PROJECT

from db.embedded.port import free_port


def given_elsewhere(preferred: int) -> int:
    """What a process of its own is given that would like `preferred`; it has ended since."""
    code = f"from db.embedded.port import free_port; print(free_port({preferred}))"
    asked = [sys.executable, "-c", code]
    return int(subprocess.check_output(asked, cwd=PROJECT, timeout=DEADLINE_SECONDS))


def test_nobody_is_given_a_port_that_a_living_process_chose() -> None:
    mine = free_port()
    assert given_elsewhere(mine) != mine
    assert free_port(mine) != mine


def test_a_port_can_be_had_again_when_who_chose_it_has_ended() -> None:
    theirs = given_elsewhere(0)
    assert free_port(theirs) == theirs
