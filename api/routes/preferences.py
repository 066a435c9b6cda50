"""What one wants to be told, and how."""

from api.route import Routes
from domain import preferences
from domain.accounts import User
from domain.ports import Ports
from domain.preferences import PreferencesView, SetPreferences
from domain.wire import Nothing

routes = Routes()


@routes.signed_in("GET", "/v1/me/preferences")
async def get_preferences(_: Nothing, user: User, ports: Ports) -> PreferencesView:
    """Kinds by channel, quiet hours (in the time zone of the account) and the most pushes a day."""
    return await preferences.get_preferences(user, ports)


@routes.signed_in("PUT", "/v1/me/preferences")
async def set_preferences(command: SetPreferences, user: User, ports: Ports) -> PreferencesView:
    """Sets all of them; what is left out is as usual again."""
    return await preferences.set_preferences(command, user, ports)
