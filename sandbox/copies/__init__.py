"""Copies of what the user made, each stored once and named by the hash of what is in it: code, models, folders."""
