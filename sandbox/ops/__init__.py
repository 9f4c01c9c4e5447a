"""The use cases, one function each: decide under a short lock, wait without one, look again, write, publish."""
