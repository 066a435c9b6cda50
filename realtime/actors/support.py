"""Quick support and responses."""

from domain import responses, support, thanks
from domain.ports import Ports
from domain.responses import DeleteResponse, Respond, Responded
from domain.support import GiveSupport, SupportAnswer, UndoSupport
from domain.thanks import Thanked, ThankResponse
from realtime.actor import on
from realtime.client import Client


def crisis_help(command: Respond, client: Client) -> dict[str, object] | None:
    """As with a post, the numbers go out with a refusal too."""
    resources = responses.offered_help(command, client.user)
    return {"crisis": resources} if resources else None


class SupportActor:
    def __init__(self, ports: Ports) -> None:
        self.ports = ports

    @on("support:quick", GiveSupport)
    async def quick(self, client: Client, command: GiveSupport) -> SupportAnswer:
        return await support.give_support(command, client.user, self.ports)

    @on("support:undo", UndoSupport)
    async def undo(self, client: Client, command: UndoSupport) -> SupportAnswer:
        return await support.undo_support(command, client.user, self.ports)

    @on("support:respond", Respond, console=crisis_help)
    async def respond(self, client: Client, command: Respond) -> Responded:
        return await responses.respond(command, client.user, self.ports)

    @on("support:thank", ThankResponse)
    async def thank(self, client: Client, command: ThankResponse) -> Thanked:
        return await thanks.thank(command, client.user, self.ports)

    @on("response:delete", DeleteResponse)
    async def delete(self, client: Client, command: DeleteResponse) -> None:
        await responses.delete_response(command, client.user, self.ports)
