"""The process log: one JSON object a line, on the standard error stream. No line is about a person.

Members: time (UTC), level, logger, message, request (the number that a page and its answer's
X-Request-ID name), and what else one line tells, like a seal.
"""

import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

current_request: ContextVar[str] = ContextVar("current_request", default="")


class JsonLine(JsonFormatter):
    def add_fields(
        self, line: dict[str, Any], record: logging.LogRecord, message: dict[str, Any]
    ) -> None:
        line["time"] = datetime.fromtimestamp(record.created, UTC).isoformat()
        line |= {"level": record.levelname, "logger": record.name}
        super().add_fields(line, record, message)
        if request := current_request.get():
            line["request"] = request
