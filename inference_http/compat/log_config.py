"""What a user's logging.json may name: ``azureml_inference_server_http.log_config.AMLLogFormatter`` (S92, S117)."""

import logging
import time
from typing import Literal

__all__ = ["AMLLogFormatter", "RootAccessFilter"]


class AMLLogFormatter(logging.Formatter):
    """The server's line format, in UTC: ``YYYY-MM-DD HH:MM:SS,mmm L [PID] LOGGER - MESSAGE``."""

    converter = staticmethod(time.gmtime)

    def __init__(
        self,
        fmt: str = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s",
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
    ) -> None:
        super().__init__(fmt=fmt, datefmt=datefmt, style=style)


class RootAccessFilter(logging.Filter):
    """Drops access lines of the liveness probe."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is anything else."""
        return "GET / HTTP/1.1" not in record.getMessage()
