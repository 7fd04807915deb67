"""A campaign's story as one HTML file: to be read on a screen, printed on A4, and sent to whoever decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from itertools import islice
from typing import Any, Final

from agents import copying
from agents.copying import DutyLived
from agents.scripts import clean
from schemas.values import RUNGS, TaskStatus
from streams.pictures import charts
from streams.pictures.colours import variables
from streams.pictures.markup import Html, page, tag
from streams.pictures.story import Story
from streams.pictures.story_words import REASONS
from streams.pictures.words import Words

_DONE: Final = (TaskStatus.DONE, TaskStatus.VERIFIED)
_OPEN: Final = (TaskStatus.ISSUED, TaskStatus.CLAIMED)
_ACCOUNTS: Final = (
    "sales", "discounts", "cash", "receivable", "deposits", "refunds", "buyer_credit", "rebates", "rebates_payable")
_EXCERPT: Final = 110


def story_page(story: Story, say: Words) -> str:
    """The whole file."""
    title = say("story", name=story.estate.name or story.estate.estate_id)
    style = (files("streams.pictures") / "story.css").read_text("utf-8")
    return page(
        title, say.tag, variables() + style,
        tag("main", _head(story, say, title), _phases(story, say), _orders(story, say), _ladder(story, say),
            _people(story, say), _work(story, say), _money(story, say), _best(story, say), _missed(story, say),
            _next(story, say), tag("footer", say("made_by"))))


# --- the head ---------------------------------------------------------------------------------------


def _head(story: Story, say: Words, title: str) -> Html:
    campaign, row = story.campaign, story.row
    dealer = str(row.get("store_name") or row.get("dealer_name") or "")
    lead = say(
        "lead", dealer=dealer, playbook=story.playbook.title, edition=story.playbook.edition, stage=campaign.stage,
        first=story.first, last=story.as_of.date(), days=story.days)
    where = " ".join(filter(None, (story.estate.city, story.estate.district, story.estate.address)))
    return tag(
        "header", tag("h1", title, tag("span", say("simulated"), class_="badge") if story.simulated else None),
        tag("p", lead.removeprefix(" · "), class_="soft"),
        tag("p", where, " · ", say(campaign.run), class_="soft"),
        tag("p", _in_a_sentence(story, say), class_="lead"), _figures(story, say))


def _in_a_sentence(story: Story, say: Words) -> str:
    orders, target = _sold(story), story.campaign.target_orders
    if not target:
        return say("plain", orders=orders)
    if orders >= target:
        return say("won_early" if _runs(story) else "won", target=target, orders=orders)
    return say("short", target=target, orders=orders, left=target - orders)


def _runs(story: Story) -> bool:
    """Whether the campaign is not over yet."""
    return story.campaign.run in ("running", "paused")


def _sold(story: Story) -> int:
    return story.orders[-1][1] if story.orders else 0


def _figures(story: Story, say: Words) -> Html:
    row, target = story.row, story.campaign.target_orders
    by = Counter(task.status for task in story.lived.tasks)
    done, over = sum(by[status] for status in _DONE), by.total() - by[TaskStatus.WITHDRAWN] - sum(by[s] for s in _OPEN)
    seen, on_time, _ = story.punctual()
    figures = (
        ("orders", f"{_sold(story):,}", say("of_target", n=target) if target else say("no_target")),
        ("sign_ups", f"{int(row.get('sign_ups') or 0):,}", ""),
        ("members", f"{int(row.get('members') or 0):,}", say("active", n=f"{int(row.get('active') or 0):,}")),
        ("tasks", _share(done, over), say("of_tasks", n=f"{over:,}")),
        ("on_time", _share(on_time, seen), say("of_seen", n=f"{seen:,}")),
    )
    return tag("div", *(tag("div", tag("span", say(name)), tag("strong", value), tag("span", beside))
                        for name, value, beside in figures), class_="figures")


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "—"


# --- phases -----------------------------------------------------------------------------------------


def _phases(story: Story, say: Words) -> Html:
    boxes, first = list[Html](), 1
    now = story.campaign.phase
    for lived in story.phases:
        state = say("missed") if lived.missed else say("reached") if lived.gate else ""
        last = first + lived.days - 1
        boxes.append(_phase(
            say(lived.phase), lived.phase, max(lived.days, 1),
            say("on_days" if last > first else "on_day", first=first, last=last),
            [_gate(name, lived.measures.get(name, 0), asked, say) for name, asked in lived.gate.items()], state,
            missed=lived.missed))
        first += lived.days
    if now is not None and (not story.phases or story.phases[-1].phase != now):
        since, left = say("from_day", first=first), max(story.days - first + 1, 1)
        boxes.append(_phase(say(now), now, left, since, [], say("running"), missed=False))
    return _section(say("phases_and_gates"), tag("div", *boxes, class_="phases")) if boxes else Html("")


def _phase(name: str, colour: str, days: int, when: str, gates: list[str], state: str, *, missed: bool) -> Html:
    return tag(
        "div", tag("strong", name), when, *(tag("span", tag("br"), gate) for gate in gates), tag("br"),
        tag("span", state, class_="missed" if missed else "soft"),
        style=f"flex-grow:{days};--c:var(--{colour.replace('_', '-')})")


def _gate(name: str, reached: float, asked: float, say: Words) -> str:
    share = name.endswith("share") or name.startswith(("persona_", "member_"))
    shown = [f"{100 * value:.0f}%" if share else f"{value:g}" for value in (reached, asked)]
    return say("asked", name=say(f"g_{name}"), reached=shown[0], asked=shown[1])


# --- charts -----------------------------------------------------------------------------------------


def _orders(story: Story, say: Words) -> Html:
    days = sorted({day for day, _ in (*story.orders, *story.expected)})
    curves = [("usual", story.expected), ("ours", [(day, float(count)) for day, count in story.orders])]
    target = story.campaign.target_orders
    keys = [_key("curve ours", say("ours"), "closing"), *([_key("", say("usual"), "soft")] if story.expected else []),
            *([_key("", say("goal"), "trust")] if target else [])]
    source = story.playbook.baselines.source if story.playbook.baselines is not None and story.expected else ""
    return _section(
        say("orders_chart"), charts.lines(days, curves, target, say("orders_chart")), tag("div", *keys, class_="keys"),
        tag("p", say("first_money"), " ", say("source", source=source) if source else "", class_="soft"))


def _ladder(story: Story, say: Words) -> Html:
    names = [rung.value for rung in RUNGS[1:] if any(counts[rung.value] for _, counts in story.ladder)]
    if not names:
        return Html("")
    last = story.ladder[-1][1]
    keys = [tag("span", tag("svg", tag("rect", width=11, height=11, class_=f"band-{name}"), viewBox="0 0 11 11"),
                say(name), f" {last[name]:,}") for name in names]
    strangers = int((story.row.get("rungs") or {}).get("stranger") or 0)
    return _section(
        say("ladder"), charts.stacked(story.ladder, names, say("ladder")), tag("div", *keys, class_="keys"),
        tag("p", say("strangers", n=f"{strangers:,}"), class_="soft") if strangers else None)


def _key(_: str, words: str, colour: str) -> Html:
    line = tag("line", x1=0, x2=11, y1=6, y2=6, stroke=f"var(--{colour})", stroke_width=3)
    return tag("span", tag("svg", line, viewBox="0 0 11 11"), words)


# --- people, work, money ----------------------------------------------------------------------------


def _people(story: Story, say: Words) -> Html:
    kinds: dict[str, Any] = story.row.get("kinds") or {}
    named = [(name, "won_people" if name == "won" else name) for name in ("kol", "koc", "seed", "won")]
    if not any(kinds.get(name) for name, _ in named):
        return Html("")
    return _section(
        say("key_people"),
        tag("div", *(tag("div", tag("strong", f"{int(kinds.get(name) or 0):,}"), tag("span", say(word), class_="soft"))
                     for name, word in named), class_="people"),
        tag("p", say("counts_only"), class_="soft"))


def _work(story: Story, say: Words) -> Html:
    columns = ("done", "verified", "expired", "skipped", "withdrawn", "open", "all")
    rows = []
    for role, by in story.by_role().items():
        opened = sum(by[status] for status in _OPEN)
        done = sum(by[status] for status in _DONE)
        lost = by[TaskStatus.EXPIRED] + by[TaskStatus.SKIPPED]
        counts = (done, by[TaskStatus.VERIFIED], by[TaskStatus.EXPIRED], by[TaskStatus.SKIPPED],
                  by[TaskStatus.WITHDRAWN], opened, by.total())
        parts = (("done", done), ("lost", lost), ("back", by[TaskStatus.WITHDRAWN]), ("open", opened))
        rows.append(tag("tr", tag("td", say(role)), *(tag("td", f"{count:,}" if count else "·") for count in counts),
                        tag("td", charts.bar(parts, say(role)))))
    seen, on_time, late = story.punctual()
    words = f"{say('on_time')} {_share(on_time, seen)} ({say('of_seen', n=f'{seen:,}')})" if seen else ""
    if late >= 1 and on_time < seen:
        words += f" {say('late', n=f'{late:.0f}')}"
    head = tag("tr", tag("th", say("role")), *(tag("th", say(name)) for name in columns), tag("th", ""))
    return _section(say("work"), tag("table", tag("thead", head), tag("tbody", *rows), class_="work"),
                    tag("p", words, class_="soft")) if rows else Html("")


def _money(story: Story, say: Words) -> Html:
    shown = [(name, story.money[name]) for name in _ACCOUNTS if story.money.get(name)]
    if not shown:
        return _section(say("money"), tag("p", say("no_money"), class_="soft"))
    return _section(say("money"), tag("div", *(
        tag("div", tag("span", say(f"m_{name}")), tag("b", say("yuan", n=f"{fen / 100:,.2f}"))) for name, fen in shown),
        class_="money"))


# --- words ------------------------------------------------------------------------------------------


def _best(story: Story, say: Words) -> Html:
    found = [tag("li", tag("small", say("moved", n=duty.moved, done=duty.done)),
                 tag("span", _text_of(story, duty.id), class_="said")) for duty in story.best]
    if not found:
        return _section(say("best"), tag("p", say("nothing_moved"), class_="soft"))
    return _section(say("best"), tag("p", say("best_why"), class_="soft"), tag("ol", *found, class_="scripts"))


def _text_of(story: Story, id: str, longest: int = _EXCERPT) -> str:
    """How a duty's text begins, as it was handed out, without the line that says who speaks."""
    task = next(task for task in story.lived.tasks if task.script.id.removesuffix("-instead") == id)
    return clean(task.script.text.removesuffix(task.disclosure or ""), longest)


def _missed(story: Story, say: Words) -> Html:
    points = list(_misses(story, say))
    if not points:
        return _section(say("what_was_missed"), tag("p", say("nothing_missed"), class_="soft"))
    return _section(say("what_was_missed"), tag("ul", *(tag("li", point) for point in points), class_="points"))


def _misses(story: Story, say: Words) -> Iterator[str]:
    for phase in story.phases:
        if phase.missed:
            yield say("gate_missed", phase=say(phase.phase), days=phase.days)
    for when, told in story.behind:
        weakest = say(f"f_{told.weakest}") if told.weakest else "—"
        yield say("behind_on", when=f"{when:%Y-%m-%d}", measure=say(f"g_{told.measure}"), actual=f"{told.actual:g}",
                  expected=f"{told.expected:g}", weakest=weakest)
    for status, name in ((TaskStatus.EXPIRED, "expired_by"), (TaskStatus.SKIPPED, "skipped_by")):
        by = Counter(task.role for task in story.lived.tasks if task.status is status)
        if by:
            ((role, most),) = by.most_common(1)
            yield say(name, n=by.total(), role=say(role), most=most)
    withdrawn: Counter[str] = Counter()
    for ended, reason, count in story.reasons:
        if ended == TaskStatus.WITHDRAWN:
            withdrawn[_reason(reason, say)] += count
    for words, count in withdrawn.most_common():
        yield say("withdrawn_for", n=count, reason=words)
    counts: dict[str, Any] = story.row.get("tasks") or {}
    for name in ("unstaffed", "refused"):
        if counts.get(name):
            yield say(name, n=int(counts[name]))


def _reason(reason: str, say: Words) -> str:
    return f"{REASONS.get(reason, '其他原因')}。" if say.language == "zh" else f"{reason}."


def _next(story: Story, say: Words) -> Html:
    points = list(_takes(story, say))
    command = f"loupan playbook new next.yaml --from campaign {story.estate.estate_id}"
    how = tag("p", say("next_how"), tag("code", command))
    if not points:
        return _section(say("next"), tag("p", say("nothing_next"), class_="soft"))
    return _section(say("next"), tag("ul", *(tag("li", point) for point in points), class_="points"), how)


def _takes(story: Story, say: Words, most: int = 6) -> Iterator[str]:
    """What the next campaign does otherwise; of a day that is not over nothing is said yet."""
    lived = copying.duties_lived(story.lived)
    dropped = [lived[id] for id, _ in copying.drops(story.lived) if not _is_open(lived[id])]
    for duty in islice(dropped, most):
        yield say("dropped", text=_text_of(story, duty.id, 24), n=duty.issued)
    if len(dropped) > most:
        yield say("more", n=len(dropped) - most)
    for id, at, _ in copying.later(story.lived):
        late = round(lived[id].late.total_seconds() / 60)
        yield say("moved_to", text=_text_of(story, id, 24), at=f"{at:%H:%M}", n=late)
    for phase, more in copying.gates(story.lived):
        asked = "、".join(_plain(name, value, say) for name, value in more.items())
        yield say("gate_up", phase=say(phase.phase), gate=asked)


def _is_open(duty: DutyLived) -> bool:
    return any(duty.statuses[status] for status in _OPEN)


def _plain(name: str, value: float, say: Words) -> str:
    return f"{say(f'g_{name}')} {f'{100 * value:.0f}%' if name.endswith('share') else f'{value:g}'}"


def _section(title: str, *inside: Any) -> Html:
    return tag("section", tag("h2", title), *inside)
