"""Our four packages have plain names, which another distribution may own too; then the wrong code would run."""

from __future__ import annotations

from importlib.metadata import Distribution, distributions

#: The distribution that we are, and the top-level names that must be ours alone.
OURS = "loupan"
NAMES = ("agents", "maps", "schemas", "streams")


def refuse_foreign_owners() -> None:
    """End the start where another installed distribution owns one of our names.

    Call it before importing anything of `schemas`, `maps` or `agents`: theirs may stand before ours.

    Raises:
        schemas.errors.Unavailable: with the name, the distribution and what to do.
        SystemExit: with the same sentence, where `schemas` itself is somebody else's.
    """
    owners = foreign_owners()
    if not owners:
        return
    sentence = _sentence(owners)
    try:
        from schemas.errors import Unavailable  # noqa: PLC0415  # may be somebody else's, see above
    except ImportError:
        raise SystemExit(sentence) from None
    raise Unavailable(sentence)


def foreign_owners() -> dict[str, list[str]]:
    """Which other distributions have installed one of our names, by name."""
    owners: dict[str, set[str]] = {}
    for distribution in distributions():
        owner = str(distribution.metadata["Name"] or "a distribution without a name")
        if owner.lower() == OURS:
            continue
        for name in _top_level_names(distribution) & set(NAMES):
            owners.setdefault(name, set()).add(owner)
    return {name: sorted(owners[name]) for name in sorted(owners)}


def _top_level_names(distribution: Distribution) -> set[str]:
    # RECORD is read as text: packages_distributions() makes a path of every line and takes three times as long.
    record = distribution.read_text("RECORD") or ""
    names = {line.split("/", 1)[0].split(",", 1)[0].removesuffix(".py") for line in record.splitlines()}
    return names | set((distribution.read_text("top_level.txt") or "").split())


def _sentence(owners: dict[str, list[str]]) -> str:
    what = "; ".join(f"`{name}` belongs to {' and '.join(others)}" for name, others in owners.items())
    others = " ".join(sorted({other for owned in owners.values() for other in owned}))
    return (
        f"loupan cannot run in this environment, because it shares package names with others: {what}. "
        f"Give loupan an environment of its own (`make run` makes one), or: pip uninstall {others}"
    )
