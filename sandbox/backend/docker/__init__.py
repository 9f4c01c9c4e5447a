"""Instances as containers."""
