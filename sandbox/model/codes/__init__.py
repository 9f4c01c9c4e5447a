"""Every error that a user can meet, in one table; a module for each subject.

``docs/error-codes.md`` is written from it (``sandbox.spec.pages``). A code is never given a second meaning and never
used again after it is gone: people search for it.
"""

from sandbox.model.codes import assets, deployments, edge, export, files, hosts, images, instances, program, promotion
from sandbox.model.codes.code import Code

_TABLES = (
    program.ROWS,
    files.ROWS,
    deployments.ROWS,
    instances.ROWS,
    assets.ROWS,
    images.ROWS,
    hosts.ROWS,
    edge.ROWS,
    promotion.ROWS,
    export.ROWS,
)
CODES: dict[str, Code] = dict(sorted((code, row) for rows in _TABLES for code, row in rows.items()))
