"""What each day and each phase of a playbook must serve.

Source: the trade's manual, whose deal formula (need, value, trust, benefit, risk, threshold) is worked on every day
and never trust alone or price alone; a day without trust is a day of advertising.
"""

from __future__ import annotations

from pydantic import Field

from schemas.playbook_parts import Formula, Part, Scene
from schemas.values import Phase

_DECIDING = (Formula.BENEFIT, Formula.RISK, Formula.THRESHOLD)
#: What each phase is for, as parts of the deal formula (the trade's manual).
PARTS_OF_PHASE: dict[Phase, tuple[Formula, ...]] = {
    Phase.WARM_UP: (Formula.TRUST, Formula.NEED),
    Phase.TRUST: (Formula.TRUST,),
    Phase.VALUE: (Formula.VALUE, Formula.NEED),
    Phase.SIGN_UP: _DECIDING,
    Phase.CLOSING: _DECIDING,
}


class Balance(Part):
    """The parts of the deal formula that every day serves, those that a phase covers in its days, how many drives.

    A phase that is not named in `phases` covers what the trade asks of it.
    """

    every_day: tuple[Formula, ...] = (Formula.TRUST,)
    phases: dict[Phase, tuple[Formula, ...]] = Field(default_factory=dict)
    #: So many of the six drives, at least, are used on every day.
    drives_a_day: int = Field(default=0, ge=0, le=6)
    #: The scenes that are played somewhere in it; all eight, where nothing is said and any is named.
    scenes: tuple[Scene, ...] | None = None

    def of_phase(self, phase: Phase) -> tuple[Formula, ...]:
        """What the phase covers."""
        return self.phases.get(phase, PARTS_OF_PHASE[phase])
