"""How instances run: as processes of this machine or as containers, found again by whoever comes next.

``protocol`` says what a backend does, ``process/`` does it without Docker, ``docker/`` with it; what lies beside them
both use.
"""
