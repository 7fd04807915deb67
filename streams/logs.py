"""Structured logs: one line an event, for people on a terminal, as JSON for machines."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up(level: str) -> None:
    """Log to stderr from `level` on."""
    number = getattr(logging, level.upper())
    # These say much about themselves, and what matters of it we say in our words.
    for library in ("aiokafka", "faust", "httpx", "kafka", "mode"):
        logging.getLogger(library).setLevel(max(number, logging.ERROR))
    pretty = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info if not pretty else structlog.dev.set_exc_info,
            structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
