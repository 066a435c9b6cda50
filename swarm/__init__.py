"""A crowd of real Socket.IO clients: `python -m swarm`, or `make swarm`."""
