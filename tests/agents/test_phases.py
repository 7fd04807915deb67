"""A campaign moves only through one table of transitions."""

from __future__ import annotations

import pytest

from agents.phases import BACK, TRANSITIONS, State, Trigger, diagram, move, state_of
from schemas.errors import IllegalMove
from schemas.values import Phase

RUNNING = [State(phase.value) for phase in Phase]


def test_every_state_has_its_row_and_leads_only_to_states():
    assert set(TRANSITIONS) == set(State)
    reached = {after for row in TRANSITIONS.values() for after in row.values()}
    assert reached <= {*State, BACK}


def test_every_state_can_be_reached_and_but_for_the_end_be_left():
    reached = {State.SCHEDULED, *(after for row in TRANSITIONS.values() for after in row.values())} - {BACK}
    assert reached == set(State)
    assert [state for state in State if not TRANSITIONS[state]] == [State.ENDED]


@pytest.mark.parametrize("trigger", [Trigger.GATE_REACHED, Trigger.LONGEST_REACHED])
def test_a_phase_that_is_over_leads_to_the_next_and_the_last_to_the_end(trigger: Trigger):
    assert [move(state, trigger) for state in RUNNING] == [*RUNNING[1:], State.ENDED]


def test_a_missed_gate_leaves_the_campaign_where_it_is():
    assert [move(state, Trigger.GATE_MISSED) for state in RUNNING] == RUNNING


@pytest.mark.parametrize("phase", list(Phase))
def test_a_pause_leads_back_to_the_phase_that_it_interrupted(phase: Phase):
    assert move(State(phase.value), Trigger.PAUSED) is State.PAUSED
    assert move(State.PAUSED, Trigger.RESUMED, phase) is State(phase.value)


def test_whatever_is_not_over_can_be_stopped():
    assert {move(state, Trigger.STOPPED) for state in State if state is not State.ENDED} == {State.ENDED}


@pytest.mark.parametrize(
    ("state", "trigger"),
    [(state, trigger) for state in State for trigger in Trigger if trigger not in TRANSITIONS[state]],
)
def test_a_move_that_the_table_does_not_have_raises(state: State, trigger: Trigger):
    with pytest.raises(IllegalMove, match=f"a campaign that is {state} cannot be {trigger}"):
        move(state, trigger)


def test_a_campaigns_row_names_its_state():
    assert state_of("scheduled", None) is State.SCHEDULED
    assert state_of("running", Phase.VALUE) is State.VALUE
    assert state_of("paused", Phase.VALUE) is State.PAUSED
    assert state_of("ended", Phase.CLOSING) is State.ENDED


def test_the_diagram_shows_every_transition_once():
    lines = diagram().splitlines()
    assert len(lines) == len(set(lines)) == 2 + sum(len(row) for row in TRANSITIONS.values())
