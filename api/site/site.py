"""What sets one site of pages apart from another."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from domain.accounts import User


class Site(NamedTuple):
    """Pages for those whom `check` lets in (it raises `Forbidden`), under one folder.

    `who` names these people in logs and in the audit log. `tabs`: the pages that every page leads to, by
    address; the first is home.
    """

    path: str
    title: str
    who: str
    greeting: str
    check: Callable[[User], None]
    tabs: tuple[tuple[str, str], ...]
    templates: Path

    @property
    def name(self) -> str:
        return self.path.strip("/")

    @property
    def home(self) -> str:
        return f"{self.path}/"

    @property
    def login(self) -> str:
        return f"{self.path}/login"

    @property
    def session_cookie(self) -> str:
        return f"{self.name}_session"

    @property
    def login_cookie(self) -> str:
        return f"{self.name}_login"
