"""Posts and threads."""

from domain import content_warnings, posts, responses, rooms
from domain.content_warnings import EditWarning
from domain.errors import Conflict, NotFound
from domain.ports import Ports
from domain.posts import ClosePost, CreatePost, DeletePost, EditUrgency, PostAnswer, PostCreated
from domain.responses import LeavePost, OpenPost, Thread
from realtime.actor import on
from realtime.circles import join_thread, note_thread
from realtime.client import Client
from realtime.rooms import Rooms


def crisis_help(command: CreatePost, client: Client) -> dict[str, object] | None:
    """The numbers go out with a refusal too, when the text or the type calls for them."""
    resources = posts.offered_help(command, client.user)
    return {"crisis": resources} if resources else None


class PostActor:
    def __init__(self, ports: Ports, rooms: Rooms) -> None:
        self.ports = ports
        self.rooms = rooms

    @on("post:create", CreatePost, console=crisis_help)
    async def create(self, client: Client, command: CreatePost) -> PostCreated:
        return await posts.create_post(command, client.user, self.ports)

    @on("post:edit_urgency", EditUrgency)
    async def edit_urgency(self, client: Client, command: EditUrgency) -> PostAnswer:
        return await posts.edit_urgency(command, client.user, self.ports)

    @on("post:edit_warning", EditWarning)
    async def edit_warning(self, client: Client, command: EditWarning) -> PostAnswer:
        return await content_warnings.edit_warning(command, client.user, self.ports)

    @on("post:close", ClosePost)
    async def close(self, client: Client, command: ClosePost) -> PostAnswer:
        return await posts.close_post(command, client.user, self.ports)

    @on("post:delete", DeletePost)
    async def delete(self, client: Client, command: DeletePost) -> PostAnswer:
        return await posts.delete_post(command, client.user, self.ports)

    @on("post:open", OpenPost)
    async def open(self, client: Client, command: OpenPost) -> Thread:
        """Joins first, reads then: an answer in between is heard and read, never lost."""
        post = await posts.visible_post(command.post_id, client.user, self.ports)
        self._check_threads(client, rooms.post_room(post.id))
        room = note_thread(client, post)
        state = await join_thread(client, room, self.rooms, command.position)
        try:
            return await responses.open_thread(command, state, client.user, self.ports)
        except NotFound:
            # Out of sight since it was asked for: who may not read it must not hear it either.
            self._leave(client, room)
            raise

    def _check_threads(self, client: Client, room: str) -> None:
        """Each open thread is a room that this server follows."""
        threads = self.rooms.threads_of(client)
        if room not in threads and len(threads) >= self.ports.settings.threads_per_client:
            raise Conflict("Please leave one of your open threads first.")

    @on("post:leave", LeavePost)
    async def leave(self, client: Client, command: LeavePost) -> None:
        self._leave(client, rooms.post_room(command.post_id))

    def _leave(self, client: Client, room: str) -> None:
        client.circle_threads.pop(room, None)
        self.rooms.leave(client, room)
