"""Settings: where each value may come from, how it is read, and the table that documents it."""
