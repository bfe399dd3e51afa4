"""The font and the icons of the screens, made once from installed packages; the repository holds no font.

`ensure()` runs at every start and does nothing when the built files fit the installed packages.
`python -m admin_views.assets` builds and prints the sizes.
"""

import hashlib
import logging
import os
import re
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # fonttools takes longer to import than the start may last
    from fontTools.ttLib import TTFont

STATIC = Path(__file__).parent / "static"
BUILT = STATIC / "built"
STAMP = "stamp.txt"

FAMILY = "OCOP Sans"
# Latin and Vietnamese, combining marks, dashes and quotes, đồng, arrows, minus, at most and at least.
LETTERS = (
    (0x20, 0x7E),
    (0xA0, 0x17F),
    (0x1A0, 0x1A1),
    (0x1AF, 0x1B0),
    (0x300, 0x309),
    (0x323, 0x323),
    (0x1EA0, 0x1EF9),
    (0x2010, 0x2026),
    (0x20AB, 0x20AB),
    (0x2190, 0x2193),
    (0x2212, 0x2212),
    (0x2264, 0x2265),
)

# Names as Tabler has them. Added: `star-filled`, which the outline font lacks, and `stars-1` to `stars-5`.
ICONS = """
alert-circle alert-triangle arrow-back-up arrow-down arrow-left arrow-right arrow-up building
building-bank building-store calendar-event category certificate check chevron-down chevron-left
chevron-right circle-check circle-x clipboard-check clock clock-pause columns copy download edit equal eye
file file-download file-import file-spreadsheet file-text filter hand-click hand-stop help-circle history
home hourglass inbox info-circle key keyboard layout-board layout-grid link list-check lock lock-open
logout map-pin menu-2 minus package paperclip pencil player-track-next plus presentation
presentation-analytics printer recycle refresh scale search settings shield-lock star trash upload user
user-edit users world x
"""

GRID = 480  # of an icon: whole numbers are fine enough at 18 pixels
Corners = list[tuple[float, float]]
Contour = list[tuple[str, Corners]]  # command and its points: M, l or q, all absolute

# The corners of `star`, to fill what its strokes leave open.
STAR: Corners = [(240, 40), (178, 165), (40, 185), (140, 282), (117, 420), (240, 355), (363, 420)]
STAR += [(340, 282), (440, 185), (302, 165)]

# What the built files depend on; a change of any of them, or of this file, builds anew.
PACKAGES = ("fontpkg-source-sans-3", "sqladmin", "fonttools")


def ensure(target: Path = BUILT) -> None:
    """Build when something is missing or older than the installed packages; a few milliseconds when not."""
    stamp = target / STAMP
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != _stamp():
        build(target)


def build(target: Path) -> None:
    """Write the font with its licence and the icon sprite into the folder, the stamp last.

    Each file is written beside its place and moved there: workers that start together, or a start that
    is killed, never leave half a file.
    """
    target.mkdir(parents=True, exist_ok=True)
    fonts = _package("fontpkg_source_sans_3")
    _write(target / "ocop-sans.woff2", font(fonts / "files" / "SourceSans3[wght].ttf"))
    _write(target / "OFL.txt", (fonts / "LICENSE").read_bytes())
    _write(target / "icons.svg", sprite(_package("sqladmin") / "statics").encode())
    _write(target / STAMP, _stamp().encode())


def font(source: Path) -> bytes:
    """The letters a Vietnamese office needs of a variable font, as WOFF2, under a name of our own.

    Source: SIL Open Font License 1.1, condition 3: a changed font must not carry the reserved name.
    """
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    options = Options(layout_features=["kern", "mark", "mkmk", "ccmp", "locl"], hinting=False, notdef_outline=True)
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14, 16, 17, 25, *range(256, 300)]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in LETTERS for code in range(first, last + 1)])
    with TTFont(source) as whole:
        subsetter.subset(whole)
        _rename(whole)
        whole.flavor = "woff2"  # needs the package brotli; fonttools says so when it is not there
        content = BytesIO()
        whole.save(content)
    return content.getvalue()


def _rename(whole: "TTFont") -> None:
    """Put our family name wherever a program or a person reads the font's name."""
    plain = FAMILY.replace(" ", "")
    said = {1: FAMILY, 3: plain, 4: FAMILY, 6: f"{plain}-Regular", 16: FAMILY, 25: plain}
    for record in whole["name"].names:
        if record.nameID in said:
            record.string = said[record.nameID]


def sprite(statics: Path) -> str:
    """One SVG with a <symbol id="i-NAME"> per icon, drawn from the outlines of Tabler's icon font.

    statics: sqladmin's own folder, with css/tabler-icons.min.css (code points) and the font itself.
    """
    from fontTools.ttLib import TTFont

    logging.getLogger("fontTools.ttLib.tables._p_o_s_t").setLevel(logging.ERROR)  # two stray bytes, harmless
    css = (statics / "css" / "tabler-icons.min.css").read_text(encoding="utf-8")
    codes = dict(re.findall(r'\.ti-([a-z0-9-]+):before\{content:"\\([0-9a-f]+)"', css))
    licence = re.search(r"/\*!(.*?)\*/", css, re.DOTALL)
    with TTFont(statics / "webfonts" / "tabler-icons.woff2") as icons:
        glyphs, names = icons.getGlyphSet(), icons.getBestCmap()
        scale, top = GRID / icons["head"].unitsPerEm, icons["hhea"].ascent
        drawn = {name: _contours(glyphs[names[int(codes[name], 16)]], scale, top) for name in ICONS.split()}
    drawn["star-filled"] = [*drawn["star"], [("M", STAR[:1]), *(("l", [corner]) for corner in STAR[1:])]]
    symbols = [_symbol(name, GRID, _path(contours)) for name, contours in sorted(drawn.items())]
    for stars in range(1, 6):
        row = [drawn["star-filled" if place < stars else "star"] for place in range(5)]
        shifted = [_shifted(contour, place * GRID) for place, star in enumerate(row) for contour in star]
        symbols.append(_symbol(f"stars-{stars}", 5 * GRID, _path(shifted)))
    comment = f"<!--{licence[1] if licence else ''}-->"
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', comment, *symbols, "</svg>", ""])


def _symbol(name: str, width: int, path: str) -> str:
    box = f"0 0 {width} {GRID}"
    return f'<symbol id="i-{name}" viewBox="{box}"><path fill="currentColor" d="{path}"/></symbol>'


def _contours(glyph: Any, scale: float, top: int) -> list[Contour]:
    """A glyph's closed outlines on our grid, y downwards."""
    from fontTools.pens.basePen import decomposeQuadraticSegment
    from fontTools.pens.recordingPen import DecomposingRecordingPen

    pen = DecomposingRecordingPen({})
    glyph.draw(pen)
    contours: list[Contour] = []
    for command, points in pen.value:
        on_grid = [(round(x * scale), round((top - y) * scale)) for x, y in points]
        if command == "moveTo":
            contours.append([("M", on_grid)])
        elif command == "lineTo":
            contours[-1].append(("l", on_grid))
        elif command == "qCurveTo":
            contours[-1] += [("q", list(pair)) for pair in decomposeQuadraticSegment(on_grid)]
    return contours


def _path(contours: list[Contour]) -> str:
    """SVG path data in relative whole numbers: a third of the bytes of absolute decimals."""
    said = ""
    for contour in contours:
        x, y = 0, 0
        for command, points in contour:
            said += command + " ".join(f"{round(px) - x} {round(py) - y}" for px, py in points)
            x, y = round(points[-1][0]), round(points[-1][1])
        said += "z"
    return said.replace(" -", "-")


def _shifted(contour: Contour, right: int) -> Contour:
    return [(command, [(x + right, y) for x, y in points]) for command, points in contour]


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"package {name} is not installed", name=name)
    return Path(spec.origin).parent


def _stamp() -> str:
    maker = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return "\n".join([*(f"{name} {version(name)}" for name in PACKAGES), f"assets.py {maker}", ""])


def _write(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as beside:
        beside.write(content)
    os.chmod(beside.name, 0o644)
    os.replace(beside.name, path)


if __name__ == "__main__":
    build(BUILT)
    for built in sorted(BUILT.iterdir()):
        print(f"{built.name}: {built.stat().st_size:,} bytes")  # noqa: T201  # the command's answer
