"""The look: font, icons, theme and templates, as a browser in an office without internet gets them."""

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont
from jinja2 import Environment, FileSystemLoader

from admin_views import assets

TEMPLATES = Path(assets.__file__).parent / "templates"
PAGES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
VIETNAMESE = "aăâeêioôơuưyđ" + "".join(chr(code) for code in range(0x1EA0, 0x1EFA)) + "àáãèéìíĩòóõùúũý"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the last start has built, or this one builds."""
    assets.ensure()
    return Path(shutil.copytree(assets.BUILT, tmp_path_factory.mktemp("assets") / "built"))


def test_the_font_has_every_vietnamese_letter_and_goes_by_a_name_of_our_own(built: Path) -> None:
    with TTFont(built / "ocop-sans.woff2") as font:
        letters = font.getBestCmap()
        names = {record.nameID: str(record) for record in font["name"].names}

    assert [letter for letter in VIETNAMESE + VIETNAMESE.upper() + "₫–“”…≤→" if ord(letter) not in letters] == []
    assert names[1] == "OCOP Sans"
    assert {number: name for number, name in names.items() if "Source" in name and number != 0} == {}
    assert (built / "ocop-sans.woff2").stat().st_size < 45_000
    assert "SIL OPEN FONT LICENSE" in (built / "OFL.txt").read_text(encoding="utf-8")


def test_every_icon_is_drawn_inside_its_box(built: Path) -> None:
    symbols = ElementTree.parse(built / "icons.svg").getroot().findall(f"{SVG}symbol")

    drawn = {symbol.attrib["id"]: symbol.attrib["viewBox"] for symbol in symbols}
    starts = [
        int(number)
        for symbol in symbols
        for path in symbol.findall(f"{SVG}path")
        for start in re.findall(r"M(-?\d+) ?(-?\d+)", path.attrib["d"])
        for number in start
    ]

    assert set(drawn) >= {f"i-{name}" for name in assets.ICONS.split()} | {"i-star-filled", "i-stars-5"}
    assert drawn["i-home"] == f"0 0 {assets.GRID} {assets.GRID}"
    assert min(starts) >= 0
    assert max(starts) <= 5 * assets.GRID


def test_every_icon_a_template_names_is_in_the_sprite(built: Path) -> None:
    ids = set(re.findall(r'id="i-([^"]+)"', (built / "icons.svg").read_text(encoding="utf-8")))

    named = {
        (page, name)
        for page in PAGES
        for call in re.findall(r"icon\(([^)]*)\)", (TEMPLATES / page).read_text(encoding="utf-8"))
        for name in re.findall(r'"([a-z0-9-]+)"', re.sub(r'== "[a-z]+"|"[a-z]+":', "", call))
    }

    assert len(named) > 20
    assert {(page, name) for page, name in named if name not in ids} == set()


def test_a_start_builds_only_when_something_changed(built: Path) -> None:
    def written() -> dict[str, int]:
        return {file.name: file.stat().st_mtime_ns for file in built.iterdir()}

    before = written()

    assets.ensure(built)
    untouched = written()
    (built / assets.STAMP).write_text("sqladmin 0.31.0\n", encoding="utf-8")
    assets.ensure(built)

    assert untouched == before
    assert {"icons.svg", "ocop-sans.woff2", "OFL.txt"} < set(before)
    assert all(instant > before[name] for name, instant in written().items())


@pytest.mark.parametrize("is_async", [False, True])
def test_every_template_compiles_in_both_environments(is_async: bool) -> None:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, enable_async=is_async)

    assert len(PAGES) > 15
    for page in PAGES:
        environment.get_template(page)


@pytest.mark.parametrize("page", PAGES)
def test_a_template_has_nothing_the_security_policy_refuses(page: str) -> None:
    text = (TEMPLATES / page).read_text(encoding="utf-8")

    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=|https?:|url_for", text) == []


def test_the_theme_loads_only_files_of_ours(built: Path) -> None:
    theme = (assets.STATIC / "theme.css").read_text(encoding="utf-8")

    addresses = re.findall(r'url\("?([^")]+)', theme)

    assert "@import" not in theme
    assert "built/ocop-sans.woff2" in addresses
    assert [
        a
        for a in addresses
        if not (built.parent / a.replace("built/", f"{built.name}/")).exists() and not (assets.STATIC / a).exists()
    ] == []


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1. Source: WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("ink", "page", 4.5),
        ("ink-2", "page", 4.5),
        ("ink-2", "sunken", 4.5),
        ("ink-2", "mute-soft", 4.5),
        ("ink-2", "primary-soft", 4.5),
        ("primary", "page", 4.5),
        ("primary", "primary-soft", 4.5),
        ("on-primary", "primary", 4.5),
        ("on-primary", "primary-hover", 4.5),
        ("danger", "danger-soft", 4.5),
        ("danger", "primary-soft", 4.5),
        ("warn", "warn-soft", 4.5),
        ("warn", "primary-soft", 4.5),
        ("ok", "ok-soft", 4.5),
        ("old", "danger-soft", 4.5),
        ("line-strong", "surface", 3),
        ("line-strong", "page", 3),
        ("star", "surface", 3),
        ("star", "primary-soft", 3),
    ],
)
def test_a_colour_can_be_read_on_the_one_behind_it(front: str, back: str, least: float) -> None:
    tokens = dict(re.findall(r"--o-([a-z0-9-]+): (#[0-9a-f]{6})", (assets.STATIC / "theme.css").read_text("utf-8")))

    light, dark = sorted((luminance(tokens[front]), luminance(tokens[back])), reverse=True)

    assert (light + 0.05) / (dark + 0.05) >= least
