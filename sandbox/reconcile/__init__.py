"""From what is asked for and what is observed to what has to be done: pure functions, so that a crash costs nothing."""
