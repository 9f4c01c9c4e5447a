"""The one class that carries an error to people. The table of codes is ``sandbox.model.codes``: add yours there."""

from sandbox.model.codes import CODES

INSTALL = "pip install 'endpoint-sandbox[sandbox]', or in a clone: pip install '.[sandbox]'"


class SandboxError(Exception):
    """An error to show to people: which one (``code``), what happened, why it is so and what to do.

    ``why`` and ``fix`` may be empty. ``str(error)`` is one line; how it is printed is the business of ``sandbox.cli``.
    """

    exit_code = 1

    def __init__(self, code: str, what: str, why: str = "", fix: str = "") -> None:
        if code not in CODES:
            message = f"{code} is not in the table of codes"
            raise KeyError(message)
        super().__init__(code, what, why, fix)
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        return f"[{self.code}] {self.what}"


class NotFound(SandboxError):
    """What was asked for does not exist: exit code 3, which scripts test for."""

    exit_code = 3


class UsageError(SandboxError):
    """The command line asks for something impossible: exit code 2."""

    exit_code = 2
