"""Headers that tell browsers to be careful, and which web pages may ask (CORS)."""

from collections.abc import Collection

from aiohttp import hdrs, web

from domain.settings import Settings

PREFLIGHT_SECONDS = 600
ANY_ORIGIN = "*"
ASKED = "Authorization, Content-Type, If-None-Match, If-Range, Range"
"""What a page of another origin may send beside what every page may."""
EXPOSED = "Content-Range, ETag, Retry-After, X-Request-ID"
"""What a page of another origin may read beside what every page may."""
HEADERS = {
    hdrs.CACHE_CONTROL: "no-store",
    hdrs.SERVER: "anonymous-support",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


class Security:
    """What goes onto every answer, whatever it is."""

    def __init__(self, settings: Settings) -> None:
        self._origins: Collection[str] = frozenset(settings.cors_origins)
        self._headers = HEADERS | (HTTPS_ONLY if settings.server_env == "production" else {})

    def harden(self, request: web.Request, response: web.StreamResponse) -> None:
        """A route may have set a stricter policy of its own; that one stays."""
        for name, value in self._headers.items():
            response.headers.setdefault(name, value)
        if self._origins:
            self._allow_origin(request, response)

    def _allow_origin(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        origin = request.headers.get(hdrs.ORIGIN, "")
        if not origin or not ({origin, ANY_ORIGIN} & set(self._origins)):
            return
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED
        if request.method == hdrs.METH_OPTIONS:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = response.headers.get(hdrs.ALLOW, "")
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = ASKED
            response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(PREFLIGHT_SECONDS)


def options(request: web.Request) -> web.Response:
    """The methods of an address; with the headers above also the answer to a CORS preflight."""
    unmatched = request.match_info.http_exception
    if not isinstance(unmatched, web.HTTPMethodNotAllowed):
        raise unmatched or web.HTTPNotFound
    allowed = sorted({*unmatched.allowed_methods, hdrs.METH_OPTIONS})
    return web.Response(status=204, headers={hdrs.ALLOW: ", ".join(allowed)})
