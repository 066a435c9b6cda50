"""The choke point of REST: who asks, how often, what; then the handler, within its time."""

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from api.address import Addresses
from api.download import Download, file_answer
from api.request import (
    address_values,
    bearer_token,
    check_no_query,
    check_storable,
    read_file,
    read_json,
    with_path,
)
from api.route import LOGINS, Limit, Route
from api.upload import Berths, Upload
from domain import limits, sessions
from domain.accounts import User
from domain.decoding import converted, decoded
from domain.errors import Invalid
from domain.ports import Ports

encode = msgspec.json.Encoder().encode


def json_answer(value: object, status: int = 200) -> web.Response:
    return web.Response(body=encode(value), status=status, content_type="application/json")


class Endpoint:
    """Serves one route."""

    def __init__(self, route: Route, ports: Ports, addresses: Addresses) -> None:
        self.route = route
        self._ports = ports
        self._addresses = addresses
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(route.command)
        self._berths = Berths(ports.settings.uploads_concurrent_max)
        self._strict = route.command.__struct_config__.forbid_unknown_fields

    async def serve(self, request: web.Request) -> web.Response:
        """Raises `DomainError`, and `TimeoutError` for what takes longer than a handler may."""
        async with asyncio.timeout(self._seconds):
            asked = self._anybody(request) if self.route.public else self._signed_in(request)
            result = await asked
            if isinstance(result, Download):
                return await file_answer(request, result)
        if result is None:
            return web.Response(status=204)
        return json_answer(result, self.route.status)

    @property
    def _seconds(self) -> float:
        """A file may take its time over a slow network."""
        settings = self._ports.settings
        return settings.upload_timeout_seconds if self.route.upload else settings.handler_timeout_seconds

    async def _signed_in(self, request: web.Request) -> object:
        user: User = await sessions.identify(bearer_token(request), self._ports)
        await self._admit(self.route.limit, user.id)
        if self.route.upload is not None:
            return await self._uploaded(request, self.route.upload, user)
        command = await self._command(request)
        return await self.route.handler(command, user, self._ports)

    async def _uploaded(self, request: web.Request, upload: Upload, user: User) -> object:
        """What is wrong with the address is said before the file has come."""
        values = address_values(request, strict=True)
        if upload.field in values:
            raise Invalid("The file is the body.", field=upload.field)
        command = converted({**values, upload.field: b""}, self.route.command)
        with self._berths.one():
            most = upload.bytes_max(self._ports.settings)
            file = await read_file(request, upload.media, most)
            command = msgspec.structs.replace(command, **{upload.field: file})
            return await self.route.handler(command, user, self._ports)

    async def _anybody(self, request: web.Request) -> object:
        if self.route.limit is not None:
            await self._admit(self.route.limit, self._addresses.key(request))
        command = await self._command(request)
        counted = await self.route.guesses(command, self._ports) if self.route.guesses else None
        if counted is not None:
            await self._admit(LOGINS, self._ports.cipher.lookup(counted.encode()).hex())
        return await self.route.handler(command, self._ports)

    async def _admit(self, limit: Limit | None, key: str) -> None:
        if limit is not None:
            most = limit.most(self._ports.settings)
            await limits.check(f"rest:{limit.scope}", key, most, limit.window_seconds, self._ports)

    async def _command(self, request: web.Request) -> Any:
        """A command that takes unknown fields is not strict about values either."""
        if not self.route.has_body:
            command = converted(address_values(request, strict=self._strict), self.route.command)
        else:
            check_no_query(request)
            body = await read_json(request, self._ports.settings.payload_bytes_max)
            command = decoded(self._decoder, with_path(body, request.match_info))
        if self._strict:
            check_storable(command)
        return command
