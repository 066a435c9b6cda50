"""Where push reaches one."""

from api.route import Routes
from domain import devices
from domain.accounts import User
from domain.devices import Devices, DeviceView, RegisterDevice, RemoveDevice
from domain.ports import Ports
from domain.wire import Nothing

routes = Routes()


@routes.signed_in("GET", "/v1/me/devices")
async def list_devices(_: Nothing, user: User, ports: Ports) -> Devices:
    """My devices, and the key that browsers subscribe with."""
    return await devices.list_devices(user, ports)


@routes.signed_in("POST", "/v1/me/devices", status=201)
async def register_device(command: RegisterDevice, user: User, ports: Ports) -> DeviceView:
    """Registers the device of this session, until the session ends; again and again is fine."""
    return await devices.register_device(command, user, ports)


@routes.signed_in("DELETE", "/v1/me/devices/{device_id}", status=204)
async def remove_device(command: RemoveDevice, user: User, ports: Ports) -> None:
    """Sends nothing there any more."""
    await devices.remove_device(command, user, ports)
