"""The command ``sandbox``: parse, call, print. Nothing heavy is imported before a command is chosen."""
