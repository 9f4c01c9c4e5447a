"""What runs beneath the supervisor: the zygote, the workers, and the state that a script keeps across reloads."""
