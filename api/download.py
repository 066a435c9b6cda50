"""Downloads: a file as an answer, whole or the part that was asked for (RFC 9110 §13 and §14)."""

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import hdrs, web

RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})\Z")
"""One part. Several at once are not given; the whole is, as for anything that is not understood."""


class Download(NamedTuple):
    """`tag` names this content and no other; `read(start, size)` gives a part of it."""

    content_type: str
    name: str
    tag: str
    size: int
    read: Callable[[int, int], Awaitable[bytes]]

    @property
    def etag(self) -> str:
        return f'"{self.tag}"'


class Part(NamedTuple):
    start: int
    size: int


async def file_answer(request: web.Request, file: Download) -> web.Response:
    """Kept by whoever asked and by nobody between; asked for again each time, because access can end."""
    headers = {
        hdrs.ACCEPT_RANGES: "bytes",
        hdrs.CACHE_CONTROL: "private, no-cache",
        hdrs.ETAG: file.etag,
    }
    if is_known(request, file):
        return web.Response(status=304, headers=headers)
    headers[hdrs.CONTENT_TYPE] = file.content_type
    headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{file.name}"'
    part = asked_part(request, file)
    if part is None:
        return web.Response(body=await file.read(0, file.size), headers=headers)
    headers[hdrs.CONTENT_RANGE] = f"bytes {part.start}-{part.start + part.size - 1}/{file.size}"
    return web.Response(status=206, body=await file.read(*part), headers=headers)


def is_known(request: web.Request, file: Download) -> bool:
    return any(tag.value in {file.tag, "*"} for tag in request.if_none_match or ())


def asked_part(request: web.Request, file: Download) -> Part | None:
    """None for the whole. Raises 416 for a part that is not there."""
    asked = RANGE.match(request.headers.get(hdrs.RANGE, ""))
    if request.method != hdrs.METH_GET or asked is None or asked.group(0) == "bytes=-":
        return None
    if request.headers.get(hdrs.IF_RANGE, file.etag) != file.etag:
        return None
    first, last = asked.groups()
    if not first:
        return part_of(file, max(0, file.size - int(last)), file.size - 1)
    if last and int(last) < int(first):
        return None
    return part_of(file, int(first), min(int(last or file.size), file.size - 1))


def part_of(file: Download, start: int, end: int) -> Part:
    if start >= file.size:
        raise web.HTTPRequestRangeNotSatisfiable(headers={hdrs.CONTENT_RANGE: f"bytes */{file.size}"})
    return Part(start, end - start + 1)
