"""One port served by several processes: `supervise` in the parent, a `Front` in each worker."""

from realtime.front.front import Front
from realtime.front.place import Place
from realtime.front.supervisor import supervise

__all__ = ["Front", "Place", "supervise"]
