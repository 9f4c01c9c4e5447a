"""The supervisor: it owns the sockets, makes workers, lets them take over from each other, and runs no user code."""
