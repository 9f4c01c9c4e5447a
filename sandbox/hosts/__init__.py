"""Machines for production: which there are, how they are reached, and what is different on one of them."""
