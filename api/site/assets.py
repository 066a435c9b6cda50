"""The pages' own style, script and icon: nothing comes from anywhere else."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from aiohttp import hdrs, web

from api.site.site import Site

FOLDER = Path(__file__).parent / "static"
MEDIA = {"site.css": "text/css", "site.js": "text/javascript", "icon.svg": "image/svg+xml"}
FOR_A_YEAR = "public, max-age=31536000, immutable"


def add_assets(app: web.Application, site: Site) -> Mapping[str, str]:
    """Returns the address of each by its name; it changes with the content, so browsers may keep it.

    Each site serves them in its own folder: a proxy may let people into one and not into the other.
    """
    return {name: _add(app, site, name, media) for name, media in MEDIA.items()}


def _add(app: web.Application, site: Site, name: str, media: str) -> str:
    body = (FOLDER / name).read_bytes()
    headers = {hdrs.CACHE_CONTROL: FOR_A_YEAR}

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=media, charset="utf-8", headers=headers)

    path = f"{site.path}/static/{name}"
    app.router.add_get(path, show)
    return f"{path}?v={hashlib.sha256(body).hexdigest()[:12]}"
