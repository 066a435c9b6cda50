"""The offline pack of crisis help: one signed file for apps to keep, from memory like the numbers in it."""

import hashlib

from aiohttp import ETag, hdrs, web

from api.keys import PORTS
from domain import crisis
from domain.errors import Unavailable

PATH = "/v1/crisis/pack"
MEDIA = "application/octet-stream"
CACHED = "public, max-age=86400, stale-if-error=2592000"
"""A day, and a month while nobody can reach us."""


def add_pack(app: web.Application) -> None:
    """Signed once: the same key and data give the same bytes in every process."""
    signer = app[PORTS].signer
    pack = crisis.build_offline_pack(signer.sign) if signer else None
    tag = hashlib.sha256(pack or b"").hexdigest()

    async def show_pack(request: web.Request) -> web.Response:
        if pack is None:
            raise Unavailable("No key for the pack is configured here.")
        known = tag in {etag.value for etag in request.if_none_match or ()}
        answer = web.Response(status=304) if known else web.Response(body=pack, content_type=MEDIA)
        answer.etag = ETag(tag)
        answer.headers[hdrs.CACHE_CONTROL] = CACHED
        return answer

    app.router.add_get(PATH, show_pack)
