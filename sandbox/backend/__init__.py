"""How instances run: processes of this machine, found again by whoever comes next.

``protocol`` says what a backend does, ``process`` does it without Docker.
"""
