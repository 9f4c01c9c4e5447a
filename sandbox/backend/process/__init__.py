"""Instances as processes of this machine, where there is no Docker or none is wanted."""
