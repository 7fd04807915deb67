"""Every error that loupan raises on purpose, split by whose fault it is.

    LoupanError
    ├── BadInput            what came in is wrong: it is parked or refused, the stream goes on
    │   ├── BadEvent        an event that cannot be read or applied  → dead letter
    │   └── BadFile         a file with a place: name, line, what, remedy
    │       ├── BadReference    reference data (CSV, YAML, GeoJSON)
    │       └── BadPlaybook     a playbook that is incomplete or dishonest
    ├── BrokenRule          a rule of ours is broken: the step stops loudly
    │   ├── IllegalMove     a transition that the table does not have
    │   └── Pretending      a task that would have a person pretend
    └── Unavailable         the world is not as we need it: say so, retry or end
        ├── DatabaseInUse
        ├── PortInUse
        ├── Refused         who is there does not let us in, or is not who we trust: trying again changes nothing
        └── Fenced          somebody else advanced our position: what we did is void
"""

from __future__ import annotations


class LoupanError(Exception):
    """The root of the tree above."""


class BadInput(LoupanError):
    """What came in is wrong."""


class BadEvent(BadInput):
    """An event that cannot be read or applied; the message is the dead letter's reason."""


class BadFile(BadInput):
    """A file that cannot be used: says the file, the line, what is wrong and the remedy."""

    def __init__(self, file: str, line: int | None, what: str, remedy: str = "") -> None:
        self.file, self.line, self.what, self.remedy = file, line, what, remedy
        place = f"{file}:{line}" if line is not None else file
        super().__init__(f"{place}: {what}" + (f"; {remedy}" if remedy else ""))


class BadReference(BadFile):
    """Reference data that cannot be used."""


class BadPlaybook(BadFile):
    """A playbook that is incomplete, contradicts itself, or would have a person pretend."""


class BrokenRule(LoupanError):
    """A rule of ours is broken: a bug, never bad input. The step stops loudly."""


class IllegalMove(BrokenRule):
    """A transition that the table does not have; nothing was changed."""


class Pretending(BrokenRule):
    """A task that would have a person pretend was about to be handed out."""


class Unavailable(LoupanError):
    """The world is not as we need it."""


class DatabaseInUse(Unavailable):
    """Another process holds the database."""


class PortInUse(Unavailable):
    """Another process listens on the port."""


class Refused(Unavailable):
    """Who is there does not let us in, or is not who we trust: trying again changes nothing, the remedy does."""


class Fenced(Unavailable):
    """Somebody else advanced the position that we were about to advance."""
