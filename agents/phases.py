"""The phase machine: one table of transitions. The diagram in docs/phases.md is drawn from it.

A campaign is in a `State`; a `Trigger` moves it. What the table does not have raises `IllegalMove` and
changes nothing. `BACK` leads to the state that a pause interrupted.
"""

from __future__ import annotations

from enum import StrEnum

from schemas.errors import IllegalMove
from schemas.values import Phase


class State(StrEnum):
    """Where a campaign stands."""

    SCHEDULED = "scheduled"
    WARM_UP = "warm_up"
    TRUST = "trust"
    VALUE = "value"
    SIGN_UP = "sign_up"
    CLOSING = "closing"
    PAUSED = "paused"
    ENDED = "ended"


class Trigger(StrEnum):
    """What moves it."""

    STARTED = "started"
    GATE_REACHED = "gate_reached"
    GATE_MISSED = "gate_missed"
    LONGEST_REACHED = "longest_reached"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPED = "stopped"


#: Back to the state that the pause interrupted.
BACK = "back"

_RUNNING = {Trigger.PAUSED: State.PAUSED, Trigger.STOPPED: State.ENDED}


def _phase(here: State, after: State) -> dict[Trigger, State | str]:
    return {
        Trigger.GATE_REACHED: after, Trigger.GATE_MISSED: here, Trigger.LONGEST_REACHED: after, **_RUNNING,
    }


TRANSITIONS: dict[State, dict[Trigger, State | str]] = {
    State.SCHEDULED: {Trigger.STARTED: State.WARM_UP, Trigger.STOPPED: State.ENDED},
    State.WARM_UP: _phase(State.WARM_UP, State.TRUST),
    State.TRUST: _phase(State.TRUST, State.VALUE),
    State.VALUE: _phase(State.VALUE, State.SIGN_UP),
    State.SIGN_UP: _phase(State.SIGN_UP, State.CLOSING),
    State.CLOSING: _phase(State.CLOSING, State.ENDED),
    State.PAUSED: {Trigger.RESUMED: BACK, Trigger.STOPPED: State.ENDED},
    State.ENDED: {},
}


def state_of(run: str, phase: Phase | None) -> State:
    """The state of a campaign whose row says `run` and `phase`."""
    if run == "running" and phase is not None:
        return State(phase.value)
    return State(run)


def move(state: State, trigger: Trigger, interrupted: Phase | None = None) -> State:
    """The state after `trigger`; `interrupted` is the phase that a pause broke off.

    Raises:
        IllegalMove: when the table has no such transition.
    """
    after = TRANSITIONS[state].get(trigger)
    if after is None:
        raise IllegalMove(f"a campaign that is {state} cannot be {trigger}")
    if after == BACK:
        return State(interrupted.value) if interrupted is not None else State.SCHEDULED
    return State(after)


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> scheduled"]
    for state, triggers in TRANSITIONS.items():
        for trigger, after in triggers.items():
            lines.append(f"    {state} --> {'[*]' if after == State.ENDED else after} : {trigger}")
    return "\n".join(lines)
