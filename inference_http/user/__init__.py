"""The user's side: find, load and call the scoring script, and explain what goes wrong in it."""
