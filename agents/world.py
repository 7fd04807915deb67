"""What every decision may look up and none may change: reference data, the locator, the playbooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

from agents import scripts
from agents.ladder import Masks, fades_of, masks_of, worth_of
from maps.locator import Locator
from schemas.playbook import PhasePlan, Playbook, Reaction, ScriptText
from schemas.reference import Group, Persona, Reference, Store
from schemas.values import PersonaClass, Phase


@dataclass(frozen=True, slots=True)
class Play:
    """A playbook made ready: its zone, its ladder as bits, its phases and reactions by name."""

    playbook: Playbook
    zone: tzinfo
    masks: Masks
    phases: Mapping[tuple[int, Phase], PhasePlan]
    reactions: Mapping[str, tuple[Reaction, ...]]
    #: Days of silence after which one falls from a rung; points of each piece of evidence.
    fades: Mapping[int, int]
    fan_points: tuple[tuple[int, int], ...]
    #: Every script by the id that its tasks name.
    scripts: Mapping[str, ScriptText] = field(default_factory=dict)

    @classmethod
    def of(cls, playbook: Playbook, zone: tzinfo) -> Play:
        """Make a playbook ready; `zone` is the one that it names."""
        reactions: dict[str, list[Reaction]] = {}
        for reaction in playbook.reactions:
            reactions.setdefault(reaction.on, []).append(reaction)
        return cls(
            playbook=playbook,
            zone=zone,
            masks=masks_of(playbook.ladder),
            phases={(stage.stage, plan.phase): plan for stage in playbook.stages for plan in stage.phases},
            reactions={on: tuple(items) for on, items in reactions.items()},
            fades=fades_of(playbook.ladder),
            fan_points=worth_of(playbook.fans.points) if playbook.fans is not None else (),
            scripts=dict(_scripts(playbook)),
        )


#: The play that holds where no campaign runs, where it is among them.
DEFAULT: Final = "new-estate-own-group"


def _scripts(playbook: Playbook) -> Iterator[tuple[str, ScriptText]]:
    for duty in playbook.duties():
        yield duty.id, duty.script
        if duty.instead is not None:
            yield f"{duty.id}-instead", duty.instead
        for reply in duty.replies:
            yield reply.id, reply.script
    for reaction in playbook.reactions:
        yield reaction.id, reaction.script
    for said in playbook.said():
        yield said.id, said.script


@dataclass(frozen=True, slots=True)
class World:
    """Reference data, locator and playbooks. `default` is the play whose ladder holds where no campaign runs."""

    reference: Reference
    locator: Locator
    plays: Mapping[str, Play]
    default: Play
    first_stores: Mapping[str, Store]

    @classmethod
    def of(cls, reference: Reference, locator: Locator, plays: Iterable[Play]) -> World:
        """Put a world together; at least one play is needed. The default is `DEFAULT`, else the first by name."""
        by_name = {play.playbook.playbook: play for play in plays}
        default = by_name[DEFAULT if DEFAULT in by_name else min(by_name)]
        return cls(reference, locator, by_name, default, scripts.stores_by_dealer(reference.stores.values()))

    def personas_in(self, group_id: str) -> tuple[Persona, ...]:
        """The personas registered in a group, by id."""
        return self.reference.personas_of_group.get(group_id, ())

    def is_staff(self, member_id: str) -> bool:
        """Whether somebody is of the shop or works with it, in whatever group: no member to be won or counted."""
        personas = self.reference.personas_of_member.get(member_id)
        if personas is None:
            return False
        return any(persona.cls is not PersonaClass.BUYER for persona in personas)

    def persona_of(self, group_id: str, member_id: str) -> Persona | None:
        """The persona behind a member of a group, if there is one."""
        personas = self.reference.personas_of_member.get(member_id)
        if personas is None:
            return None
        return next((persona for persona in personas if group_id in persona.groups), None)

    def store_of(self, group: Group) -> Store | None:
        """The store that works a group: its own, else its dealer's first."""
        return scripts.store_of(group, self.reference.stores, self.first_stores)
