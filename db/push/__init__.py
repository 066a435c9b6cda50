"""Push services: FCM, APNs and Web Push behind one port; each is there when it is configured."""

from db.push.services import PushServices, open_push

__all__ = ["PushServices", "open_push"]
