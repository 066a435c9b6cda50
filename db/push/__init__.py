"""Push services: FCM, APNs and Web Push behind one port; each is there when it is configured."""
