"""The bench of the socket engine: a cheap load client, one process per peer, one JSON line per result."""
