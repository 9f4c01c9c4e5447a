"""Which changes of the user's files make a reload, and when a burst of them is over."""
