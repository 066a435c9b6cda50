"""What a request says: its token, its body, the values in its address. Everything is bounded and checked."""

from collections.abc import Collection, Mapping

import msgspec
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from domain.decoding import NAME, UNSTORABLE, decoded, storable
from domain.errors import Invalid, TooLarge, Unauthenticated

OBJECT: "msgspec.json.Decoder[dict[str, msgspec.Raw]]" = msgspec.json.Decoder(dict[str, msgspec.Raw])
UNREADABLE = (web.RequestPayloadError, HttpProcessingError, ConnectionError)


def bearer_token(request: web.Request) -> str:
    """The token of the `Authorization` header (RFC 6750 §2.1), never one in the URL: URLs end up in logs."""
    given = request.headers.getall(hdrs.AUTHORIZATION, [])
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


async def read_json(request: web.Request, bytes_max: int) -> bytes:
    """The body, at most `bytes_max` of it; nothing at all is allowed and is `b""`."""
    check_media(request)
    return await read_body(request, bytes_max)


async def read_file(request: web.Request, media: Collection[str], bytes_max: int) -> bytes:
    """A body that is a file and is called one of `media`; what it really is, its reader finds out."""
    if request.content_type not in media:
        raise Invalid(f"Please send {', '.join(media)}.", field="Content-Type")
    check_uncompressed(request)
    return await read_body(request, bytes_max)


async def read_body(request: web.Request, bytes_max: int) -> bytes:
    if (request.content_length or 0) > bytes_max:
        raise TooLarge
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > bytes_max:
                raise TooLarge
    except UNREADABLE:
        raise Invalid("The body did not arrive whole.") from None
    return bytes(body)


def check_media(request: web.Request) -> None:
    """A body is JSON in UTF-8 (RFC 8259 §8.1) and not compressed."""
    if not request.can_read_body:
        return
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() != "utf-8":
        raise Invalid("Please send application/json.", field="Content-Type")
    check_uncompressed(request)


def check_uncompressed(request: web.Request) -> None:
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise Invalid("Please send the body uncompressed.", field="Content-Encoding")


def address_values(request: web.Request, *, strict: bool) -> dict[str, str]:
    """Path and query values by name. Ids and rooms in a path are lower case with us, whatever was typed.

    `strict` refuses a name that is given twice; else its first value counts.
    """
    values = {name: value.lower() for name, value in request.match_info.items()}
    for name, value in request.query.items():
        if name not in values:
            values[name] = value
        elif strict:
            raise Invalid("This was given more than once.", field=shown(name))
    return values


def with_path(body: bytes, values: Mapping[str, str]) -> bytes:
    """A body with the values of the path as further fields, which it must not repeat; raises `Invalid`."""
    if not values:
        return body
    fields = decoded(OBJECT, body)
    for name in values:
        if name in fields:
            raise Invalid("The address says this already.", field=name)
    return msgspec.json.encode({**{name: value.lower() for name, value in values.items()}, **fields})


def check_no_query(request: web.Request) -> None:
    """A command comes in the body alone."""
    for name in request.query:
        raise Invalid("The address takes no parameters.", field=shown(name))


def shown(name: str) -> str | None:
    """The name of a parameter if it is one that could be ours, else nothing: it may be private text."""
    return name if NAME.match(name) else None


def check_storable(command: msgspec.Struct) -> None:
    """Refuses NUL, which PostgreSQL cannot keep, before it gets there."""
    for field in command.__struct_fields__:
        if not storable(getattr(command, field)):
            raise Invalid(UNSTORABLE, field=field)
