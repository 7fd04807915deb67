"""`loupan map` and `loupan report`: pictures to look at and to send."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from schemas.errors import BadFile
from schemas.reference import Reference
from streams.clocks import WallClock
from streams.commands.shared import DEFAULT_DATABASE, Database, err, existing, opened, out, text_of
from streams.pictures import scene as scenes
from streams.pictures.scene import Scene
from streams.pictures.story import story_of
from streams.pictures.story_page import story_page
from streams.pictures.story_words import STORY
from streams.pictures.words import Words
from streams.reference_files import read_folder
from streams.reference_store import load_reference
from streams.settings import read_settings
from streams.whole import write_over

_SIZE: Final = re.compile(r"(\d{3,4})x(\d{3,4})")
#: The smallest picture that has room for its legend, and the largest.
_LEAST, _MOST = (800, 600), (8000, 8000)


class Language(StrEnum):
    """The languages of pictures."""

    ZH = "zh"
    EN = "en"


Lang = Annotated[Language, typer.Option("--lang", help="The language of the picture.")]


def map_command(
    to: Annotated[Path, typer.Option("--out", help="The file: its ending says what, .png or .html.")],
    city: Annotated[str | None, typer.Option(help="The city; may be left out where the data have one.")] = None,
    database: Database = DEFAULT_DATABASE,
    reference: Annotated[
        Path | None, typer.Option(help="A folder of reference data, instead of the database.")] = None,
    flow: Annotated[
        Path | None, typer.Option(help="A flow.geojson of `loupan replay`, instead of the database.")] = None,
    size: Annotated[str, typer.Option(help="Pixels, wide and high.")] = "1600x1100",
    lang: Lang = Language.ZH,
) -> None:
    """Draw the map of a city: its estates by phase, shops, who works what; PNG, or HTML in one file."""
    ending = to.suffix.lower()
    if ending not in (".png", ".html"):
        raise BadFile("--out", None, f"{to} is neither a .png nor a .html", "name it map.png or map.html")
    width, height = _size(size)
    scene = _scene(city, database, reference, flow)
    if ending == ".png":
        body = _png(scene, width, height, lang)
    else:
        # Each drawing loads what it needs: matplotlib takes a second.
        from streams.pictures.map_page import map_page  # noqa: PLC0415  # as said

        body = map_page(scene, Words(lang), width, height).encode()
    write_over(to, body)
    out.print(f"{to}: {scene.city}, {len(scene.sites)} estates, {scene.totals['worked']} worked", markup=False)


def _png(scene: Scene, width: int, height: int, lang: Language) -> bytes:
    from streams.pictures.map_png import map_png  # noqa: PLC0415  # as above
    from streams.pictures.png import ADVICE, chinese_family  # noqa: PLC0415  # as above

    family = chinese_family()
    if family is None:
        err.print(f"loupan: {ADVICE}", markup=False)
    return map_png(scene, Words(lang if family else Language.EN), width, height, family)


def _size(text: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(text)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (_LEAST[0] <= width <= _MOST[0] and _LEAST[1] <= height <= _MOST[1]):
        raise BadFile("--size", None, f"{text} is no size", "write it as 1600x1100, from 800x600 to 8000x8000")
    return width, height


def _scene(city: str | None, database: str, reference: Path | None, flow: Path | None) -> Scene:
    today = WallClock(ZoneInfo(read_settings().zone)).now().date().isoformat()
    if flow is not None:
        estates, bodies = scenes.read_flow(flow, text_of(flow))
        folder = read_folder(existing(reference, "folder")).reference if reference is not None else Reference.of()
        # The folder knows the shops, and estates that nobody works; what was replayed stands over it.
        whole = Reference.of(
            estates={**folder.estates, **estates}.values(), dealers=folder.dealers.values(),
            stores=folder.stores.values())
        return scenes.of_reference(whole, _city(city, whole), today, bodies)
    if reference is not None:
        folder = read_folder(existing(reference, "folder")).reference
        return scenes.of_reference(folder, _city(city, folder), today)
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        known, _ = load_reference(connection)
        return scenes.of_database(connection, known, _city(city, known), today)


def _city(city: str | None, reference: Reference) -> str:
    """The city that is meant: where none is named, the only one.

    Raises:
        BadFile: when there is none, or there are several.
    """
    known = sorted({estate.city for estate in reference.estates.values() if estate.city})
    if city is not None or len(known) == 1:
        return city if city is not None else known[0]
    remedy = f"name one: --city {known[0]}" if known else "import estates first, with their city"
    raise BadFile("--city", None, f"there are estates in {len(known)} cities", remedy)


def report_command(
    estate_id: Annotated[str, typer.Argument(help="The estate whose last campaign is told.")],
    to: Annotated[Path, typer.Option("--out", help="The HTML file.")],
    database: Database = DEFAULT_DATABASE,
    lang: Lang = Language.ZH,
) -> None:
    """Tell a campaign's story in one HTML file: figures, phases, ladder, work, money, what the next one takes."""
    if to.suffix.lower() not in (".html", ".htm"):
        raise BadFile("--out", None, f"{to} is no .html", "name it report.html")
    with opened(database, must_exist=True) as engine, engine.connect().execution_options(reading=True) as connection:
        story = story_of(connection, estate_id)
    write_over(to, story_page(story, Words(lang, STORY)).encode())
    out.print(f"{to}: {story.estate.name}, {story.first} to {story.as_of:%Y-%m-%d}", markup=False)
