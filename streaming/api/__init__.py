"""HTTP, WebSocket and the live wall, all read from Redis."""
