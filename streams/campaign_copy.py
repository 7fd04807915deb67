"""`loupan playbook new --from campaign`: a campaign that worked, as a patch of its playbook for the next estate."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from agents import copying
from agents.copying import Lived
from agents.rows import CAMPAIGN
from agents.state import CAMPAIGN_ROW, CampaignRow
from schemas.errors import BadFile
from schemas.playbook import Playbook
from schemas.tasks import GateMissed, PhaseEntered, RungChanged, StageEnded, Task, TaskVerified
from schemas.topics import CAMPAIGN_EVENTS, TASKS
from schemas.values import RUNGS, GroupKind
from streams.playbook_files import examine
from streams.playbook_shelf import name_of
from streams.reference_store import load_reference
from streams.tables import outbox, state, tasks

#: In so long after a post a member who rises on the ladder counts as moved by it.
MOVED_WITHIN = timedelta(hours=1)

_task = msgspec.json.Decoder(Task)
_row = msgspec.msgpack.Decoder(CampaignRow)
_Told = PhaseEntered | GateMissed | StageEnded | RungChanged
_told = msgspec.json.Decoder(_Told)
_verified = msgspec.json.Decoder(TaskVerified)
_TOLD = frozenset(str(kind.__struct_config__.tag) for kind in (PhaseEntered, GateMissed, StageEnded, RungChanged))


class _Typed(msgspec.Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)


def copy_campaign(connection: Connection, estate_id: str, name: str, file: str, group: GroupKind | None) -> str:
    """The patch by which the campaign's playbook becomes that of the next estate, its reasons beside it.

    Raises:
        BadFile: when the estate has had no campaign, or its playbook is not there any more.
    """
    reference, playbooks = load_reference(connection)
    _, lived = life_of(connection, estate_id, playbooks, f"--from campaign {estate_id}")
    estate = reference.estates.get(estate_id)
    head = _head(lived, estate.name if estate is not None else estate_id, estate_id)
    return _written(lived, name, head, group, file, playbooks)


def life_of(
    connection: Connection, estate_id: str, playbooks: Mapping[str, Playbook], asked: str
) -> tuple[CampaignRow, Lived]:
    """The estate's last campaign, and how it went; `asked` is how whoever asks has named it.

    Raises:
        BadFile: when the estate has had no campaign, or its playbook is not there any more.
    """
    row = _campaign(connection, estate_id)
    if row is None:
        raise BadFile(asked, None, "this estate has had no campaign", "name one that has")
    playbook = next(
        (one for one in playbooks.values() if (one.playbook, one.version) == (row.playbook, row.version)), None)
    if playbook is None:
        what = f"its playbook {row.playbook} of version {row.version} is not there any more"
        raise BadFile(asked, None, what, "import it again")
    return row, _lived(connection, estate_id, playbook)


# --- what the database knows ------------------------------------------------------------------------


def _campaign(connection: Connection, estate_id: str) -> CampaignRow | None:
    question = select(state.c.value).where(
        state.c.step == CAMPAIGN, state.c.key == estate_id, state.c.kind == CAMPAIGN_ROW)
    value = connection.execute(question).scalar()
    return _row.decode(bytes(value)) if value is not None else None


def _lived(connection: Connection, estate_id: str, playbook: Playbook) -> Lived:
    question = select(tasks.c.body).where(tasks.c.estate_id == estate_id).order_by(tasks.c.seq)
    mark = f"rule:{name_of(playbook)}/"
    all_ = (_task.decode(bytes(body)) for body in connection.execute(question).scalars())
    ours = [task for task in all_ if any(cause.startswith(mark) for cause in task.because)]
    campaigns = {task.campaign_id for task in ours}
    told = [event for event in _campaign_events(connection, estate_id)
            if isinstance(event, RungChanged) or event.data.campaign_id in campaigns]
    seen = _seen(connection, ours)
    return Lived(
        playbook, ours, seen, _moved(ours, seen, [event for event in told if isinstance(event, RungChanged)]),
        [event.data for event in told if isinstance(event, PhaseEntered)],
        [event.data for event in told if isinstance(event, GateMissed)],
        [event.data for event in told if isinstance(event, StageEnded)])


def _campaign_events(connection: Connection, estate_id: str) -> Iterator[_Told]:
    for raw in _sent(connection, CAMPAIGN_EVENTS.name, estate_id):
        if _typed.decode(raw).type in _TOLD:
            yield _told.decode(raw)


def _sent(connection: Connection, topic: str, key: str) -> Iterator[bytes]:
    question = select(outbox.c.raw).where(outbox.c.topic == topic, outbox.c.key == key).order_by(outbox.c.offset)
    for raw in connection.execute(question).scalars():
        yield bytes(raw)


def _seen(connection: Connection, ours: list[Task]) -> dict[str, datetime]:
    """When each task was seen to be done in its group."""
    ids, verified = {task.task_id for task in ours}, str(TaskVerified.__struct_config__.tag)
    seen: dict[str, datetime] = {}
    for dealer_id in sorted({task.dealer_id for task in ours}):
        for raw in _sent(connection, TASKS.name, dealer_id):
            if _typed.decode(raw).type == verified:
                event = _verified.decode(raw)
                if event.data.task_id in ids:
                    seen[event.data.task_id] = event.time
    return seen


def _moved(ours: list[Task], seen: Mapping[str, datetime], changes: list[RungChanged]) -> dict[str, int]:
    """How many members rose on the ladder soon after a task was seen in their group."""
    moved: dict[str, int] = {}
    rose: dict[str, list[datetime]] = {}
    for change in changes:
        if RUNGS.index(change.data.rung) > RUNGS.index(change.data.previous):
            rose.setdefault(change.data.group_id, []).append(change.time)
    for task in ours:
        at = seen.get(task.task_id)
        if at is not None:
            moved[task.task_id] = sum(at <= when <= at + MOVED_WITHIN for when in rose.get(task.group_id, ()))
    return moved


# --- what is written --------------------------------------------------------------------------------


def _head(lived: Lived, estate: str, estate_id: str) -> list[str]:
    figures = copying.figures(lived)
    by = ", ".join(f"{count} {status}" for status, count in sorted(figures["by"].items()))
    where, days = " ".join(f"{estate} ({estate_id})".split()), f"{figures['first']} to {figures['last']}"
    lines = [
        f"# From the campaign on {where}, {days}: {name_of(lived.playbook)}.",
        f"# {figures['tasks']} tasks: {by}.",
        "# What is changed here follows from what happened there, said beside it. Read it, then make it yours.",
    ]
    for phase in copying.phases_lived(lived):
        asked = ", ".join(
            f"{name} {phase.measures.get(name, 0):g} (asked {asked:g})" for name, asked in phase.gate.items())
        missed = ", its gate missed on its day" if phase.missed else ""
        lines.append(f"#   stage {phase.stage}, {phase.phase}: {phase.days} days{missed}; {asked or 'no gate'}")
    duties = copying.duties_lived(lived).values()
    best = sorted((duty for duty in duties if duty.moved), key=lambda duty: (-duty.moved, duty.id))[:10]
    if best:
        lines.append("# In the hour after these, members rose on the ladder:")
        lines += [f"#   {duty.id}: {duty.moved}" for duty in best]
    return lines


def _written(
    lived: Lived, name: str, head: list[str], group: GroupKind | None, file: str, playbooks: Mapping[str, Playbook]
) -> str:
    playbook = lived.playbook
    lines = [
        *head, f"patch: {name}", "version: 1", f"base: {playbook.playbook}", f'base_version: "{playbook.edition}"',
        "by: brand", f"title: {_text(f'{playbook.title} · {name}')}",
        f"why: {_text('做成过的活动，照着再做一遍')}",
    ]
    if group is not None:
        lines += ["sections:", f"  for: {{estate: {playbook.for_.estate}, group: {group}}}"]
    lines += _gates(lived)
    moved = list(copying.later(lived))
    if moved:
        lines.append("replace:")
    for id, at, why in moved:
        lines += [f"  # {why}", f'  {id}: {{at: "{at:%H:%M}"}}']
    left_out = _drops(lived, "\n".join(lines), file, playbooks)
    return "\n".join([*lines, *left_out]) + "\n"


def _gates(lived: Lived) -> list[str]:
    lines: list[str] = []
    for phase, more in copying.gates(lived):
        reached = ", ".join(f"{name} {phase.measures[name]:g}" for name in more)
        asked = ", ".join(f"{name}: {value:g}" for name, value in more.items())
        lines += [f"  # it came to {reached}",
                  f"  - {{stage: {phase.stage}, phase: {phase.phase}, gate: {{{asked}}}}}"]
    return ["phases:", *lines] if lines else []


def _drops(lived: Lived, patch: str, file: str, playbooks: Mapping[str, Playbook]) -> list[str]:
    """What is left out, as far as every day stays whole without it; the rest is told."""
    bases, kept, told = list(playbooks.values()), dict[str, str](), list[str]()
    never = dict(copying.drops(lived))
    worst = _complaints(patch, file, bases)

    def whole(*ids: str) -> bool:
        found = _complaints(f"{patch}\ndrop: [{', '.join(ids)}]", file, bases)
        return found is not None and worst is not None and found <= worst

    all_at_once = whole(*never)
    for id, why in never.items():
        if all_at_once or whole(*kept, id):
            kept[id] = why
        else:
            told.append(f"# {id}: {why}; left in, because its day would miss it")
    lines = ["drop:"] if kept else []
    for id, why in kept.items():
        lines += [f"  # {why}", f"  - {id}"]
    return [*lines, *told]


def _complaints(patch: str, file: str, bases: list[Playbook]) -> int | None:
    """How many warnings the patch has; None where it makes no playbook that may be used."""
    playbook, complaints = examine(patch, file, bases=bases)
    wrong = playbook is None or any(complaint.severity == "error" for complaint in complaints)
    return None if wrong else len(complaints)


def _text(words: Any) -> str:
    return json.dumps(words, ensure_ascii=False)
