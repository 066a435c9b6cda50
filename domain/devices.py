"""Devices: where push reaches somebody, for as long as they are logged in there.

A token says which phone it is, so it is sealed at rest and never shown again, not even to its owner.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from domain.accounts import User
from domain.clock import rfc3339
from domain.errors import Invalid, NotFound
from domain.ids import new_id
from domain.ports import Ports
from domain.wire import Command, Id, View

Platform = Literal["ios", "android", "web"]

TOKENS = {
    "ios": re.compile(r"[0-9a-fA-F]{64,200}"),
    "android": re.compile(r"[A-Za-z0-9_:.\-]{20,4096}"),
    "web": re.compile(r"https://[\x21-\x7e]{1,2000}"),
}
"""An APNs device token, an FCM registration token, the endpoint of a Web Push subscription."""
POINT_BYTES = 65
AUTH_BYTES = 16


class WebKeys(Command, frozen=True):
    """The `keys` of a Web Push subscription, base64url (RFC 8291 §3)."""

    p256dh: Annotated[str, msgspec.Meta(min_length=80, max_length=100)]
    auth: Annotated[str, msgspec.Meta(min_length=20, max_length=32)]


class Address(msgspec.Struct, frozen=True):
    """Where one device is reached; sealed in the row."""

    platform: Platform
    token: str
    keys: WebKeys | None = None


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `devices`. `token_key` is a keyed hash: one token belongs to one account at a time."""

    id: str
    account_id: str
    session_id: str
    platform: Platform
    token_key: bytes
    sealed: bytes
    seen_at: datetime


class DeviceView(View, frozen=True):
    id: str
    platform: Platform
    seen_at: str
    current: bool
    """Whether the asking session registered it."""


class Devices(View, frozen=True):
    """`web_push_key` is the application server key that browsers subscribe with, None without Web Push."""

    items: list[DeviceView]
    web_push_key: str | None


class RegisterDevice(Command, frozen=True):
    """`token` is the endpoint for the web, which comes with `keys`."""

    platform: Platform
    token: Annotated[str, msgspec.Meta(min_length=10, max_length=4096)]
    keys: WebKeys | None = None


class RemoveDevice(Command, frozen=True):
    device_id: Id


async def register_device(command: RegisterDevice, user: User, ports: Ports) -> DeviceView:
    """Registering again is how an app says that the device is still there; do it at every start."""
    check_address(command, ports.settings.web_push_hosts)
    address = Address(command.platform, command.token, command.keys)
    token_key = ports.cipher.lookup(f"device:{command.platform}:{command.token}".encode())
    device = Device(
        id=new_id(),
        account_id=user.id,
        session_id=user.session_id,
        platform=command.platform,
        token_key=token_key,
        sealed=ports.cipher.encrypt(msgspec.json.encode(address), context=seal_context(token_key)),
        seen_at=ports.now(),
    )
    async with ports.transaction() as tx:
        id = await tx.devices.put(device, most=ports.settings.devices_per_account)
    return device_view(msgspec.structs.replace(device, id=id), user)


def check_address(command: RegisterDevice, hosts: Iterable[str]) -> None:
    if not TOKENS[command.platform].fullmatch(command.token):
        raise Invalid("This is not a token of that platform.", field="token")
    if (command.platform == "web") != (command.keys is not None):
        raise Invalid("Keys come with Web Push and nothing else.", field="keys")
    if command.keys is not None:
        check_web(command.token, command.keys, hosts)


def check_web(endpoint: str, keys: WebKeys, hosts: Iterable[str]) -> None:
    """We send requests to what is registered here, so it has to be a push service that we know."""
    if not is_known_service(endpoint, hosts):
        raise Invalid("We do not know this push service.", field="token")
    point, auth = unpacked(keys.p256dh), unpacked(keys.auth)
    if len(point) != POINT_BYTES or point[:1] != b"\x04" or len(auth) != AUTH_BYTES:
        raise Invalid("These are not the keys of a subscription.", field="keys")


def is_known_service(endpoint: str, hosts: Iterable[str]) -> bool:
    """`*.example.org` among the hosts stands for every name below it."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.fragment:
        return False
    name = host if port in (None, 443) else f"{host}:{port}"
    return any(name == known or (known[:2] == "*." and name.endswith(known[1:])) for known in hosts)


def unpacked(text: str) -> bytes:
    """The bytes of base64url with or without padding, nothing for anything else."""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""


def seal_context(token_key: bytes) -> bytes:
    return b"device:" + token_key


def address_of(device: Device, ports: Ports) -> Address:
    plain = ports.cipher.decrypt(device.sealed, context=seal_context(device.token_key))
    return msgspec.json.decode(plain, type=Address)


async def list_devices(user: User, ports: Ports) -> Devices:
    found = await ports.records.devices.of_account(user.id)
    return Devices(items=[device_view(device, user) for device in found], web_push_key=ports.push.web_key)


async def remove_device(command: RemoveDevice, user: User, ports: Ports) -> None:
    if not await ports.records.devices.remove(user.id, command.device_id):
        raise NotFound


def device_view(device: Device, user: User) -> DeviceView:
    return DeviceView(
        id=device.id,
        platform=device.platform,
        seen_at=rfc3339(device.seen_at),
        current=device.session_id == user.session_id,
    )
