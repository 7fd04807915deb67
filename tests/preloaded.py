"""What every command may need, imported once: `tests.commands` forks its processes from a process that has it."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import streams.cli
import streams.commands
from streams.playbook_files import builtin_playbooks

for module in pkgutil.iter_modules(streams.commands.__path__, "streams.commands."):
    import_module(module.name)
for name in ("streams.serving", "streams.demo.running", "streams.kafka.worker", "streams.gateway.app", "sqlalchemy",
             "kafka", "alembic.command", "psycopg"):
    import_module(name)
builtin_playbooks()
