"""What can go wrong with the gateway, said so that somebody can act on it."""


class GatewayError(Exception):
    """Something about the gateway: what happened, why it is so and what to do; the last two may be empty."""

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        super().__init__(what, why, fix)
        self.what = what
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        return "; ".join(part for part in (self.what, self.why, self.fix) if part)


class DescriptionError(GatewayError):
    """The description cannot be turned into a configuration; nothing was written."""


class Rejected(GatewayError):
    """Envoy refused a configuration. What it served before, it still serves; ``why`` holds its own words."""


class PortBusy(Rejected):
    """Somebody else listens on ``port``, which is that of an endpoint."""

    def __init__(self, what: str, why: str = "", fix: str = "", port: int = 0) -> None:
        super().__init__(what, why, fix)
        self.port = port


class NotRunning(GatewayError):
    """The gateway does not run, or ended while it was being started."""


class Unresponsive(GatewayError):
    """The gateway runs and does not answer in time."""
