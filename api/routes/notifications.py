"""What one was told."""

from api.route import Routes
from api.routes.pages import PageQuery
from domain import notifications
from domain.accounts import User
from domain.notifications import NotificationPage, ReadNotifications, Unread
from domain.ports import Ports

routes = Routes()


@routes.signed_in("GET", "/v1/me/notifications")
async def my_notifications(query: PageQuery, user: User, ports: Ports) -> NotificationPage:
    """What I was told, newest first, and how much of it is unread."""
    return await notifications.my_notifications(user, ports, cursor=query.cursor, limit=query.size(ports))


@routes.signed_in("POST", "/v1/me/notifications/read")
async def read_notifications(command: ReadNotifications, user: User, ports: Ports) -> Unread:
    """Marks some as read by their `ids`, or everything up to and with `until_id`."""
    return await notifications.read_notifications(command, user, ports)
