"""Forms as browsers send them: small, once per field, URL-encoded."""

from urllib.parse import parse_qsl

from aiohttp import web

from api.request import read_body, shown
from domain.errors import Forbidden, Invalid

MEDIA = "application/x-www-form-urlencoded"
BYTES_MAX = 16 * 1024
FIELDS_MAX = 20
SENT_FROM = "Sec-Fetch-Site"
"""Where a browser says that a request comes from (W3C Fetch Metadata); no page can set it."""
OWN = {"same-origin", "none"}


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields by name; raises `Forbidden`, `Invalid` or `TooLarge` for what is no form of ours.

    A page of a neighbouring host can plant the cookie of a login, and so knows the token of its form.
    """
    if request.headers.get(SENT_FROM, "none") not in OWN:
        raise Forbidden("Please send the form from its own page.")
    if request.content_type != MEDIA:
        raise Invalid(f"Please send {MEDIA}.", field="Content-Type")
    try:
        text = (await read_body(request, BYTES_MAX)).decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Invalid("The form cannot be read.") from None
    return once_each(pairs)


def once_each(pairs: list[tuple[str, str]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise Invalid("This was given more than once.", field=shown(name))
        fields[name] = value
    return fields


def filled(fields: dict[str, str]) -> dict[str, str]:
    """Without what was left empty: a browser sends every field of a form."""
    return {name: value.strip() for name, value in fields.items() if value.strip()}
