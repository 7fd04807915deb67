"""What every decision may look up and none may change: reference data, the locator, the playbooks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

from agents import scripts
from agents.knowledge import Knowledge, knowledge_of, own_knowledge
from agents.ladder import Masks, fades_of, masks_of, worth_of
from agents.recurring import Asked, quizzes_of
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
    #: What it answers to questions.
    knowledge: Knowledge = field(default_factory=Knowledge)
    #: Every script by the id that its tasks name.
    scripts: Mapping[str, ScriptText] = field(default_factory=dict)
    #: Every question of a quiz by the id of the script that asks it.
    quizzes: Mapping[str, Asked] = field(default_factory=dict)

    @classmethod
    def of(cls, playbook: Playbook, zone: tzinfo) -> Play:
        """Make a playbook ready; `zone` is the one that it names."""
        reactions: dict[str, list[Reaction]] = {}
        for reaction in playbook.reactions:
            reactions.setdefault(reaction.on, []).append(reaction)
        return cls(
            playbook=playbook,
            knowledge=knowledge_of(playbook),
            zone=zone,
            masks=masks_of(playbook.ladder),
            phases={(stage.stage, plan.phase): plan for stage in playbook.stages for plan in stage.phases},
            reactions={on: tuple(items) for on, items in reactions.items()},
            fades=fades_of(playbook.ladder),
            fan_points=worth_of(playbook.fans.points) if playbook.fans is not None else (),
            scripts=dict(_scripts(playbook)),
            quizzes=quizzes_of(playbook),
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
    """Reference data, locator and playbooks.

    `plays` are those that a campaign starts with, by name; `versions` all of a name, the lowest first; `variants` what
    a dealer's patch makes of a version of one, by name, edition and dealer. `default` is the play whose ladder holds
    where no campaign runs, `silent` the one of a campaign whose playbook is gone: nothing is handed out.
    """

    reference: Reference
    locator: Locator
    plays: Mapping[str, Play]
    default: Play
    first_stores: Mapping[str, Store]
    exact: Mapping[tuple[str, int], Play]
    versions: Mapping[str, tuple[Play, ...]]
    variants: Mapping[tuple[str, str, str], Play]
    silent: Play
    #: Each dealer's own answers to questions, everybody's among them; under None those alone.
    answers: Mapping[str | None, Knowledge]

    @classmethod
    def of(cls, reference: Reference, locator: Locator, plays: Iterable[Play]) -> World:
        """Put a world together; at least one play is needed. Of several of one name the last starts campaigns.

        The default is `DEFAULT`, else the first by name.
        """
        by_name: dict[str, Play] = {}
        exact: dict[tuple[str, int], Play] = {}
        variants: dict[tuple[str, str, str], Play] = {}
        for play in plays:
            playbook, made = play.playbook, play.playbook.derived
            if made is not None and made.dealer_id is not None:
                # Of several versions of a dealer's patch the last holds, as of several files of one name.
                variants[made.base, made.base_edition, made.dealer_id] = play
            else:
                by_name[playbook.playbook] = play
                exact[playbook.playbook, playbook.version] = play
        default = by_name.get(DEFAULT) or by_name[min(by_name)]
        return cls(
            reference, locator, by_name, default, scripts.stores_by_dealer(reference.stores.values()), exact,
            {name: tuple(exact[key] for key in sorted(exact) if key[0] == name) for name in by_name}, variants,
            silenced(default), own_knowledge(reference.answers.values()),
        )

    def play(self, name: str, version: int) -> Play:
        """The play of a campaign: that version of the playbook, else the nearest that there is.

        The nearest is the newest of those before it, else the oldest after it. A playbook that is gone altogether is
        `silent`.
        """
        found = self.exact.get((name, version))
        if found is not None:
            return found
        versions = self.versions.get(name)
        if versions is None:
            return self.silent
        before = bisect_right([play.playbook.version for play in versions], version)
        return versions[max(before - 1, 0)]

    def in_group(self, play: Play, group_id: str) -> Play:
        """What a play is in a group: its dealer's variant, where they have one."""
        if not self.variants:
            return play
        group = self.reference.groups.get(group_id)
        playbook = play.playbook
        key = (playbook.playbook, playbook.edition, (group.dealer_id if group is not None else None) or "")
        return self.variants.get(key, play)

    def knowledge_of(self, play: Play) -> Knowledge:
        """What a play answers to questions; without a knowledge base it is lent the default's of the same category."""
        if play.knowledge.ids or play.playbook.category != self.default.playbook.category:
            return play.knowledge
        return self.default.knowledge

    def answers_of(self, dealer_id: str | None) -> Knowledge | None:
        """A dealer's own answers, or everybody's."""
        return self.answers.get(dealer_id) or self.answers.get(None)

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


def silenced(play: Play) -> Play:
    """The play without anything that it would hand out."""
    nothing = {"stages": (), "reactions": (), "recurring": (), "after_order": None, "design": None}
    return Play.of(play.playbook.model_copy(update=nothing), play.zone)
