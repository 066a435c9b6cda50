"""The pages' templates, and how numbers are said on them. Everything that is shown is escaped."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.site.site import Site

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex",
}
SHARED = Path(__file__).parent / "templates"
UNKNOWN = "–"


class Templates:
    """The templates of a site, and those that all sites share."""

    def __init__(self, site: Site, assets: Mapping[str, str]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([site.templates, SHARED]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(assets=dict(assets), site=site)
        self._environment.filters.update(
            amount=amount, ago=ago, duration=duration, megabytes=megabytes, moment=moment, words=words
        )

    def text(self, name: str, data: Mapping[str, Any]) -> str:
        return self._environment.get_template(f"{name}.html").render(data)

    def parts(self, names: Iterable[str], data: Mapping[str, Any]) -> dict[str, str]:
        """The parts of a page that change while one looks at it, by name."""
        return {name: self.text(f"part_{name}", data) for name in names}

    def answer(self, name: str, data: Mapping[str, Any], status: int = 200) -> web.Response:
        return web.Response(
            text=self.text(name, data), status=status, content_type="text/html", headers=HEADERS
        )


def amount(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}"


def words(name: str) -> str:
    """`self_harm_risk` as it is read."""
    return name.replace("_", " ")


def megabytes(bytes_: float | None) -> str:
    return UNKNOWN if bytes_ is None else f"{bytes_ / 1_000_000:,.0f} MB"


def moment(value: datetime | float | str | None) -> str:
    """`2026-01-31 02:04:05`, in UTC."""
    return UNKNOWN if value in (None, "") else instant(value).strftime("%Y-%m-%d %H:%M:%S")


def ago(value: datetime | float | str | None, now: datetime) -> str:
    """`3 min ago`, or `in 3 min`."""
    if value is None or value == "":
        return UNKNOWN
    seconds = (now - instant(value)).total_seconds()
    return f"{duration(seconds)} ago" if seconds >= 0 else f"in {duration(-seconds)}"


def instant(value: Any) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)


def duration(seconds: float | None) -> str:
    """In the two units that matter."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return whole_units(int(seconds))


def whole_units(seconds: int) -> str:
    for size, unit, below, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if seconds >= size:
            rest = seconds % size // below
            return f"{seconds // size} {unit} {rest} {smaller}" if rest else f"{seconds // size} {unit}"
    return f"{seconds // 60} min"
