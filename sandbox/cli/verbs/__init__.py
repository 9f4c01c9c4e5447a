"""What can be said: the groups of commands, their verbs and flags, as tables. Importing one runs nothing."""
