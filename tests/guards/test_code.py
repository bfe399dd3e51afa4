"""Rules about the code itself: directions, refusals in Vietnamese, no silent handlers, no addresses."""

import ast
import importlib
import pkgutil
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from app.errors import OcopError

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("app", "models", "admin_views", "seed")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
# What a stranger's clone gets; built and downloaded things are not kept.
KEPT = [*PACKAGES, "tests", "pyproject.toml", "Makefile", "README.md", "requirements.lock", "requirements-test.lock"]
KEPT += [".ci", ".gitignore"]


def kept_files() -> Iterator[Path]:
    for name in KEPT:
        place = ROOT / name
        for path in [place] if place.is_file() else place.rglob("*"):
            built = "__pycache__" in path.parts or "built" in path.parts
            if path.is_file() and not built and path.suffix not in (".png", ".woff2", ".pyc", ".xlsx", ".xls"):
                yield path


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        top = importlib.import_module(package)
        yield top
        for found in pkgutil.walk_packages(top.__path__, f"{package}."):
            if "migrations" not in found.name and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def refusals() -> list[type[OcopError]]:
    found: set[type[OcopError]] = set()
    for module in modules():
        found |= {t for t in vars(module).values() if isinstance(t, type) and issubclass(t, OcopError)}
    return sorted(found - {OcopError}, key=lambda t: t.__name__)


def test_calls_go_down_only() -> None:
    run = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr


def test_every_refusal_is_a_vietnamese_sentence_of_its_own() -> None:
    assert len(refusals()) > 20
    for refusal in refusals():
        sentence = refusal.sentence
        names = {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
        if re.fullmatch(r"\{\w+\}", sentence):
            continue  # its fields are sentences themselves
        assert sentence != OcopError.sentence, refusal
        assert sentence.endswith((".", "}")), refusal
        assert not re.search(r"!|vui lòng|\b(error|invalid|please|not found)\b", sentence, re.IGNORECASE), refusal
        assert re.search(r"[àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ]", sentence), refusal
        assert "" not in names, f"{refusal}: fields have names"


def test_refusals_are_not_bugs_and_bugs_are_not_refusals() -> None:
    """What a clerk may meet is an OcopError; other exceptions of ours say Error and are never caught to go on."""
    ours = {
        thing
        for module in modules()
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Exception) and thing.__module__.partition(".")[0] in PACKAGES
    }
    bugs = {t.__name__ for t in ours if not issubclass(t, OcopError) and not t.__name__.startswith("_")}

    assert {name for name in bugs if not name.endswith("Error")} <= {"TooLarge"}  # an HTTPException with its sentence


def _is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    names = [caught] if not isinstance(caught, ast.Tuple) else caught.elts
    return caught is None or any(isinstance(n, ast.Name) and n.id in ("Exception", "BaseException") for n in names if n)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_caught_and_kept_silent(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node):
            does = [n for n in node.body if not isinstance(n, ast.Pass | ast.Continue)]
            speaks = any(
                isinstance(n, ast.Raise | ast.Return | ast.Call | ast.Assign) for b in does for n in ast.walk(b)
            )
            assert speaks, f"{path.name}:{node.lineno} swallows every error"
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "suppress":
            names = {getattr(argument, "id", "") for argument in node.args}
            assert not names & {"Exception", "BaseException"}, f"{path.name}:{node.lineno}"


BELOW = [path for path in SOURCES if str(path.relative_to(ROOT)).startswith(("app/services", "models"))]


@pytest.mark.parametrize("path", BELOW, ids=lambda path: str(path.relative_to(ROOT)))
def test_services_and_below_never_commit(path: Path) -> None:
    """Whoever stands at the edge opens the transaction."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback"):
            # A savepoint may be rolled back where it was opened.
            assert getattr(node.value, "id", "") not in ("session", "connection"), f"{path.name}:{node.lineno}"


def test_committed_files_hold_no_address_and_no_path_of_a_machine() -> None:
    # Written apart, so that this file does not find itself.
    registries = "|".join(
        ("pypi" r"\.org", "files" r"\.pythonhosted", "registry" r"\.npm", "npmjs" r"\.com", "jsdelivr", "unpkg")
    )
    machine = "|".join(rf"(?<![\w./{{}}])/{place}/" for place in ("work", "root", "home", "tmp"))
    pulled = r"""(src|href)\s*=\s*["']?(https?:)?//[^"'\s>]+\.(js|css|woff2?)|index-url|@import\s+url\(\s*["']?http"""
    for path in kept_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for pattern in (registries, machine, pulled):
            found = re.search(pattern, text) if path != Path(__file__) else None
            assert found is None, f"{path.relative_to(ROOT)}: {found and found.group()}"


def test_locks_hold_hashes_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pinned = re.findall(r"^[\w.\-\[\]]+==", text, re.MULTILINE)
        assert len(pinned) > 10
        assert text.count("--hash=sha256:") >= len(pinned)
        assert "://" not in text


def test_product_code_never_reads_what_only_we_have() -> None:
    for path in SOURCES:
        assert "../shared" not in path.read_text(encoding="utf-8"), path


# Where statements go past the Session, which neither narrows nor logs them; each says why.
PAST_THE_SESSION = {
    "app/cli.py",
    "app/schema.py",
    "app/services/importing/batches.py",
    "app/services/importing/writing.py",
    "app/session.py",
}


def test_the_connection_is_reached_for_where_it_is_known_and_nowhere_else() -> None:
    past = re.compile(r"\.connection\(\)|engine\.(connect|begin)\(")
    found = {str(path.relative_to(ROOT)) for path in SOURCES if past.search(path.read_text(encoding="utf-8"))}

    assert found == PAST_THE_SESSION
