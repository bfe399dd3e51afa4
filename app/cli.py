"""The command `ocop`: what an office does without a browser. Every command says what it did, with numbers.

Exit 0 when done, 1 when refused (the sentence goes to stderr), 2 when the command line itself is wrong.
A command imports what it needs when it runs, so that `ocop --help` and small commands answer at once.
"""

import argparse
import gc
import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from app import progress
from app.errors import OcopError

if TYPE_CHECKING:
    from app.config import Settings
    from app.current import Actor
    from app.database import Database
    from app.services import boundaries
    from app.services.importing import Plan
    from app.services.importing.links import Unfound
    from app.session import OcopSession
    from models import Base
    from models.rules.areas import Place

COMMAND_LINE = "dòng lệnh"
LEAST_FREE_BYTES = 1_000_000_000


class DatabaseUnreachable(OcopError):
    sentence = "Không mở được cơ sở dữ liệu {address}. Kiểm tra OCOP_DATABASE_URL và máy chủ cơ sở dữ liệu."


class NotMigrated(OcopError):
    sentence = "Cơ sở dữ liệu chưa có lược đồ mới nhất. Chạy lệnh ocop migrate rồi làm lại."


class NotInProduction(OcopError):
    sentence = "{what} không nạp được khi OCOP_ENV là production. Dùng một cơ sở dữ liệu thử riêng."


class NotGranted(OcopError):
    sentence = "Tài khoản “{username}” không có quyền làm việc này. Dùng tài khoản khác trong --as."


class UnknownRole(OcopError):
    sentence = "Không có vai trò “{role}”. Chọn một trong: {known}."


class UnknownScreen(OcopError):
    sentence = "Không có loại dữ liệu “{screen}”. Chọn một trong: {known}."


class DayOfBoundariesNeeded(OcopError):
    sentence = "Cho biết ranh giới tại ngày nào: --as-of NĂM-THÁNG-NGÀY, ví dụ --as-of 2025-07-01."


class DayOfChangeNeeded(OcopError):
    sentence = (
        "Bảng chuyển đổi không cho biết các đơn vị thay đổi từ ngày nào. Ghi ngày: --as-of NĂM-THÁNG-NGÀY, "
        "ví dụ 2025-07-01."
    )


class DayNeeded(OcopError):
    sentence = (
        "Danh mục đầy đủ làm các đơn vị không có tên kết thúc. Cho biết danh mục tại ngày nào: --as-of NĂM-THÁNG-NGÀY."
    )


class NotForBoundaries(OcopError):
    sentence = "Ranh giới không có cột và bên gửi. Bỏ --sender, --answers và --map."


class NoSuchColumn(OcopError):
    sentence = "--map: tệp không có cột “{title}”. Đang có: {present}."


class NoSuchField(OcopError):
    sentence = "--map: không có trường “{field}”. Chọn một trong: {known}."


class NoAnswers(OcopError):
    sentence = (
        "Tệp trả lời “{path}” chưa đúng dạng: cần danh sách questions mà --json in ra, mỗi câu thêm answer. {what}"
    )


class NoSuchFile(OcopError):
    sentence = "Không thấy tệp “{path}”. Kiểm tra lại đường dẫn."


class FileUnusable(OcopError):
    sentence = "Không đọc hay ghi được tệp “{path}”. Kiểm tra đường dẫn, quyền và chỗ trống trên đĩa."


class NoPasswordGiven(OcopError):
    sentence = "Chưa có mật khẩu ở đầu vào chuẩn. Đưa mật khẩu vào một dòng, hoặc bỏ --password-stdin."


class CheckFailed(OcopError):
    sentence = "{count} mục chưa đạt. Sửa theo chỉ dẫn ở trên rồi chạy lại ocop doctor."


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except OcopError as refusal:
        print(refusal, file=sys.stderr)
    except OSError as error:
        print(FileUnusable(path=error.filename or ""), file=sys.stderr)
    return 1


# ---- serve, migrate, seed, demo ----------------------------------------------------------------------------


def _serve(arguments: argparse.Namespace) -> int:
    # What is imported stays: looking for garbage meanwhile costs a sixth of the start. create_app turns it on again.
    gc.disable()
    import uvicorn

    settings = _settings()
    database = _migrated_database(settings)
    host, port = arguments.host or settings.host, arguments.port or settings.port
    print(f"Mở trình duyệt tại http://{host}:{port} (dừng bằng Ctrl+C).", flush=True)
    if not settings.is_production:
        _say_demo_accounts(database)
    database.engine.dispose()
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=host,
        port=port,
        workers=arguments.workers,
        forwarded_allow_ips=settings.trusted_proxies,
        server_header=False,
        log_level="warning",
    )
    return 0


def _say_demo_accounts(database: "Database") -> None:
    from app.config import DATA
    from app.services import accounts

    kept = DATA / "demo_password"
    if not kept.exists():
        return
    with _reading(database) as session:
        names = [user.username for user in accounts.list_users(session) if user.is_demo]
    if names:
        password = kept.read_text(encoding="utf-8").strip()
        print(f"Tài khoản dùng thử: {', '.join(names)}. Mật khẩu chung: {password}", flush=True)


def _migrate(_arguments: argparse.Namespace) -> int:
    from app import schema
    from app.current import acting_as, system
    from models import Base

    database = _database(_settings())
    if schema.is_current(database):
        print(f"Lược đồ đã là bản mới nhất, {len(Base.metadata.tables)} bảng; không đổi gì.")
        return 0
    with acting_as(system(COMMAND_LINE)):
        schema.migrate(database)
    print(f"Đã đưa lược đồ lên bản mới nhất: {len(Base.metadata.tables)} bảng.")
    return 0


def _seed(arguments: argparse.Namespace) -> int:
    settings = _settings()
    if arguments.demo and settings.is_production:
        raise NotInProduction(what="Dữ liệu dùng thử")
    from seed import reference

    database = _migrated_database(settings)
    counts = reference.load(database)
    print(
        f"Dữ liệu ban đầu: {_number(counts['new'])} dòng mới, {_number(counts['changed'])} thay đổi, "
        f"{_number(counts['same'])} giữ nguyên, {_number(counts['removed'])} bỏ đi."
    )
    if arguments.demo:
        from seed import demo

        made = demo.load(database)
        state = "mới nạp" if made.is_new else "đã có từ trước, không đổi gì"
        print(
            f"Dữ liệu dùng thử ({state}): {_number(made.entities)} chủ thể, {_number(made.products)} sản phẩm, "
            f"{_number(len(made.accounts))} tài khoản."
        )
        for username, role, area in made.accounts:
            print(f"{username}: {role}, {area}")
        print(f"Mật khẩu chung: {made.password}")
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    settings = _settings()
    if settings.is_production:
        raise NotInProduction(what="Dữ liệu thử tải")
    database = _migrated_database(settings)
    from seed import volume

    made = volume.load(database, products=arguments.products, say=lambda line: print(line, flush=True))
    print(
        f"Đã nạp dữ liệu thử tải: {_number(made['products'])} sản phẩm, {_number(made['entities'])} chủ thể, "
        f"{_number(made['participations'])} lượt tham gia, {_number(made['ratings'])} kết quả đánh giá."
    )
    return 0


# ---- accounts ----------------------------------------------------------------------------------------------


def _user_add(arguments: argparse.Namespace) -> int:
    from app.services import accounts
    from models import Role

    if arguments.role not in set(Role):
        raise UnknownRole(role=arguments.role, known=", ".join(f"{role.value} ({role.label})" for role in Role))
    with _writing("create", arguments) as session:
        user, password = accounts.add_user(
            session,
            username=arguments.username,
            full_name=arguments.name,
            role=Role(arguments.role),
            office=arguments.office,
            password=_password_from_stdin() if arguments.password_stdin else None,
            place=_place(session, arguments),
        )
        label = accounts.area_label(user)
    print(f"Đã thêm tài khoản “{user.username}”: {user.full_name}, {user.role.label}, {label}.")
    if password:
        print(f"Mật khẩu dùng một lần: {password}")
    print("Lần đăng nhập đầu sẽ phải đổi mật khẩu.")
    return 0


def _place(session: "OcopSession", arguments: argparse.Namespace) -> "Place | None":
    from app.current import today
    from app.services.accounts import place_named
    from models import Commune, District, Province

    if arguments.commune:
        return place_named(session, Commune, arguments.commune, today=today())
    if arguments.district:
        return place_named(session, District, arguments.district, today=today())
    if arguments.province:
        return place_named(session, Province, arguments.province, today=today())
    return None


def _user_list(arguments: argparse.Namespace) -> int:
    from app.services import accounts

    with _reading(_migrated_database(_settings()), "list", arguments) as session:
        users = accounts.list_users(session)
        for user in users:
            locked = ", đã khóa" if user.locked else ""
            print(f"{user.username}: {user.full_name}, {user.role.label}, {accounts.area_label(user)}{locked}")
    print(f"{_number(len(users))} tài khoản.")
    return 0


def _user_lock(arguments: argparse.Namespace) -> int:
    from app.services import accounts

    with _writing("edit", arguments) as session:
        user = accounts.user_named(session, arguments.username)
        ended = accounts.lock(session, user)
    print(f"Đã khóa tài khoản “{user.username}”, kết thúc {_number(ended)} phiên làm việc.")
    return 0


def _user_unlock(arguments: argparse.Namespace) -> int:
    from app.services import accounts

    with _writing("edit", arguments) as session:
        user = accounts.user_named(session, arguments.username)
        accounts.unlock(session, user)
    print(f"Đã mở khóa tài khoản “{user.username}”.")
    return 0


def _user_passwd(arguments: argparse.Namespace) -> int:
    from app.services import accounts

    given, handed_over = _password_from_stdin() if arguments.password_stdin else "", ""
    with _writing("edit", arguments) as session:
        user = accounts.user_named(session, arguments.username)
        if given:
            accounts.set_password(session, user, password=given)
        else:
            handed_over = accounts.reset_password(session, user)
    print(f"Đã đặt lại mật khẩu của “{user.username}”; các phiên đang mở đã kết thúc.")
    if handed_over:
        print(f"Mật khẩu dùng một lần: {handed_over}")
        print("Lần đăng nhập tới sẽ phải đổi mật khẩu.")
    return 0


def _password_from_stdin() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise NoPasswordGiven
    return password


# ---- import and export -------------------------------------------------------------------------------------


def _import(arguments: argparse.Namespace) -> int:
    """Read a file, plan it and, unless it is a dry run, apply it as one batch."""
    from app.current import acting_as, today
    from app.files import read
    from app.services import importing
    from app.services.importing import originals, senders
    from models import CommuneSuccession
    from models.base import screens

    path = Path(arguments.file)
    if arguments.screen == "boundary":
        if arguments.sender or arguments.answers or arguments.map:
            raise NotForBoundaries
        return _import_boundaries(arguments, path)
    model = screens().get(arguments.screen)
    if model is None:
        raise UnknownScreen(
            screen=arguments.screen, known=", ".join(sorted(str(m.__screen__) for m in importing.importable()))
        )
    if not path.is_file():
        raise NoSuchFile(path=path)
    if arguments.complete and arguments.as_of is None:
        raise DayNeeded
    if model is CommuneSuccession and arguments.as_of is None:
        raise DayOfChangeNeeded
    answers = _answers(Path(arguments.answers), model) if arguments.answers else {}
    settings = _settings()
    database = _migrated_database(settings)
    who, as_of = _actor(database, arguments, arguments.screen, "import"), arguments.as_of or today()
    with acting_as(who), database.reading() as session:
        sheet = arguments.sheet or senders.sheet_of(senders.known(session, arguments.sender), model)
    table = read(path, name=path.name, sheet=sheet, known=importing.known_titles(model))
    titles = [column.label for column in table.columns]
    mapping = _mapping(model, titles, arguments.map)
    options = importing.Options(
        province=arguments.province, mapping=mapping, complete=arguments.complete, asks_day=arguments.as_of is None
    )
    content = path.read_bytes()
    content_hash = hashlib.sha256(content).hexdigest()
    with (
        progress.watched(_say_progress) if sys.stderr.isatty() else nullcontext(),
        acting_as(who),
        database.writing.begin() as session,
    ):
        sender = senders.known(session, arguments.sender)
        options, said = senders.recalled(session, sender, model, titles, options, as_of)
        links = {
            each: {**options.links.get(each, {}), **answers.get(each, {})} for each in {**options.links, **answers}
        }
        plan = importing.plan(session, model, table, as_of=as_of, options=replace(options, links=links))
        before = [*importing.imported_before(session, content_hash, plan), *said]
        if model in importing.DATED and plan.options.asks_day:
            before.append(f"Chưa ghi --as-of nên lấy ngày hôm nay, {today():%d/%m/%Y}.")
        kept_back = bool(plan.refused) and not arguments.partial
        batch = None
        if plan.writes and not kept_back and not arguments.dry_run:
            originals.keep(originals.folder(settings.files), content)
            sender = senders.named(session, arguments.sender)
            batch = importing.store(
                session, plan, file_name=path.name, content_hash=content_hash, size=len(content), sender=sender
            )
            importing.apply(session, batch, partial=arguments.partial)
        number = batch.number if batch else None
    if any(asked.relation == importing.AS_OF for asked in plan.unfound):
        before.append("Tên, mã xã có nghĩa khác nhau tùy ngày. Ghi --as-of NGÀY nếu cả tệp tính đến một ngày.")
    if plan.unfound:
        before.append("Trả lời các giá trị chưa rõ bằng --answers, trên trang Nhập liệu, hoặc sửa trong tệp.")
    if arguments.json:
        looked_at = (
            {"columns": _columns(plan), "notes": [*before, *plan.notes], "likely": _likely(plan)}
            if arguments.dry_run
            else {}
        )
        print(json.dumps(_as_json(plan, number) | looked_at, ensure_ascii=False))
    else:
        _say_import(plan, number, [*before, *plan.notes], dry_run=arguments.dry_run)
    return int(bool(plan.refused) and number is None and not arguments.dry_run)


def _import_boundaries(arguments: argparse.Namespace, path: Path) -> int:
    """Shapes of communes from a GeoJSON file: no batch, the trail says what was kept."""
    from app.current import acting_as
    from app.files import MAX_BYTES
    from app.services import boundaries

    if not path.is_file():
        raise NoSuchFile(path=path)
    if arguments.as_of is None:
        raise DayOfBoundariesNeeded
    with path.open("rb") as file:
        shapes = boundaries.read(file.read(MAX_BYTES + 1))
    database = _migrated_database(_settings())
    with (
        acting_as(_actor(database, arguments, "commune", "import")),
        database.writing.begin() as session,
    ):
        as_of = arguments.as_of
        plan = boundaries.plan(session, shapes, as_of=as_of, province=arguments.province)
        writes = not arguments.dry_run and (arguments.partial or not plan.refused)
        if writes:
            boundaries.apply(session, plan)
    if arguments.json:
        problems = [{"line": r.number, "column": r.column, "sentence": r.sentence} for r in plan.refused]
        print(json.dumps({"batch": None, "counts": plan.counts, "also": {}, "problems": problems}, ensure_ascii=False))
    else:
        _say_boundaries(plan, as_of, writes=writes, dry_run=arguments.dry_run)
    return int(bool(plan.refused) and not writes and not arguments.dry_run)


def _say_boundaries(plan: "boundaries.Plan", as_of: date, *, writes: bool, dry_run: bool) -> None:
    for refused in plan.refused:
        print(f"Hình {refused.number}, “{refused.column}”: {refused.sentence}", file=sys.stderr)
    print(
        f"Ranh giới tại ngày {as_of:%d/%m/%Y}: {_number(len(plan.new))} mới, {_number(len(plan.changed))} thay đổi, "
        f"{_number(plan.same)} giữ nguyên, {_number(plan.counts['refused'])} bị từ chối."
    )
    if dry_run:
        print("Chỉ xem trước, chưa ghi gì.")
    elif not writes:
        print("Chưa ghi hình nào. Sửa các hình bị từ chối rồi nhập lại, hoặc dùng --partial.", file=sys.stderr)


def _say_progress(doing: str, done: int, total: int, _share: float) -> None:
    """One line that is written over; at every thousandth row."""
    if not done % 1000:
        print(f"\r{doing}: {_number(done)} / {_number(total)} dòng", end="\033[K\r", file=sys.stderr, flush=True)


def _as_json(plan: "Plan", number: int | None) -> dict[str, Any]:
    problems = [
        {"line": row.line, "column": problem.column, "sentence": problem.sentence}
        for row in plan.refused
        for problem in row.problems
    ]
    told = {"batch": number, "counts": plan.counts, "also": plan.also, "problems": problems}
    return told | ({"questions": [_as_question(asked) for asked in plan.unfound]} if plan.unfound else {})


def _as_question(asked: "Unfound") -> dict[str, Any]:
    """A value to answer about; `answer` is for whoever answers: one of `answers`, the id of another row, or, where
    `answers` is null, a day as 15/03/2026."""
    answers: list[tuple[int | str, str]] = [*asked.suggestions]
    if asked.creatable:
        answers.append(("create", f"Tạo mới “{asked.value}”"))
    if asked.optional:
        answers.append(("empty", "Để trống"))
    if asked.skippable:
        answers.append(("skip", "Bỏ qua các dòng này"))
    return {
        "relation": asked.relation,
        "key": asked.key,
        "column": asked.label,
        "value": asked.value,
        "why": asked.why,
        "lines": asked.lines,
        "answers": None if asked.typed else [{"answer": answer, "label": label} for answer, label in answers],
        "suggested": asked.suggested,
        "answer": None,
    }


def _likely(plan: "Plan") -> list[dict[str, Any]]:
    """New rows and the rows of the register that they may be."""
    return [
        {"line": each.line, "name": each.name, "there": [{"id": pk, "name": name} for pk, name in each.there]}
        for each in plan.likely
    ]


def _columns(plan: "Plan") -> list[dict[str, str]]:
    return [{"title": title, "field": path, "reason": reason} for title, path, reason in plan.mapped]


def _answers(path: Path, model: type["Base"]) -> dict[str, dict[str, Any]]:
    """{relation: {key: answer}} of a file of answered questions; those without an answer are asked again.

    Raises NoSuchFile, NoAnswers.
    """
    if not path.is_file():
        raise NoSuchFile(path=path)
    try:
        read = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError:
        raise NoAnswers(path=path, what="Đây không phải JSON.") from None
    questions = read.get("questions", []) if isinstance(read, dict) else read
    if not isinstance(questions, list):
        raise NoAnswers(path=path, what="Không thấy danh sách nào.")
    links: dict[str, dict[str, Any]] = {}
    for count, each in enumerate(questions, start=1):
        if fault := _fault_of_answer(each, model):
            raise NoAnswers(path=path, what=f"Câu thứ {count}: {fault}")
        answer = each.get("answer")
        if answer not in (None, ""):
            is_number = isinstance(answer, str) and answer.isdecimal()
            links.setdefault(each["relation"], {})[each["key"]] = int(answer) if is_number else answer
    return links


def _fault_of_answer(question: Any, model: type["Base"]) -> str:
    """What of an answered question cannot be read, as a sentence."""
    from sqlalchemy import inspect

    from app.services import importing

    if not isinstance(question, dict) or not all(isinstance(question.get(name), str) for name in ("relation", "key")):
        return "thiếu relation hoặc key."
    relations = {importing.AS_OF, *inspect(model).relationships.keys(), *importing.importable_paths(model)}
    if question["relation"] not in relations:
        return f"relation “{question['relation']}” không có ở loại dữ liệu này."
    answer = question.get("answer")
    if isinstance(answer, bool) or not isinstance(answer, int | str | None):
        return "answer là một chữ hoặc một số."
    offered = question.get("answers")
    if isinstance(answer, str) and answer and not answer.isdecimal() and isinstance(offered, list):
        known = [each["answer"] for each in offered if isinstance(each, dict) and "answer" in each]
        if answer not in known:
            return f"không có cách trả lời “{answer}”."
    return ""


def _mapping(model: type["Base"], titles: Sequence[str], given: Sequence[str]) -> dict[str, str]:
    """{title: path, "" to leave it out} of `Cột=trường`; a field is named by its path or as the page names it.

    Raises NoSuchColumn, NoSuchField.
    """
    from app.services import importing
    from models.rules.text import fold

    paths = importing.importable_paths(model)
    by_name = {fold(importing.path_label(model, path)): path for path in paths} | {path: path for path in paths}
    mapping = {}
    for each in given:
        title, _, field = each.rpartition("=")
        found = next((known for known in titles if fold(known) == fold(title)), None)
        if found is None:
            raise NoSuchColumn(title=title, present=", ".join(f"“{known}”" for known in titles))
        path = by_name.get(field.strip()) or by_name.get(fold(field)) if field.strip() else ""
        if path is None:
            known = ", ".join(f"{path} ({importing.path_label(model, path)})" for path in paths)
            raise NoSuchField(field=field, known=known)
        mapping[found] = path
    return mapping


def _say_import(plan: "Plan", number: int | None, notes: Sequence[str], *, dry_run: bool) -> None:
    from models import RowAction

    for row in plan.refused:
        for column, sentence in row.problems:
            print(f"Dòng {row.line}, cột “{column}”: {sentence}", file=sys.stderr)
    for sentence in (*notes, *plan.also_words):
        print(sentence)
    for each in plan.likely:
        print(f"Dòng {each.line}: “{each.name}” có thể đã có: {'; '.join(name for _, name in each.there)}.")
    counts = ", ".join(
        f"{_number(plan.counts[action])} {action.label.lower()}"
        for action in RowAction
        if action is not RowAction.SKIPPED or plan.counts[action]
    )
    print(f"{plan.model.__plural__} tại ngày {plan.as_of:%d/%m/%Y}: {counts}.")
    if number is not None:
        print(f"Đã nhập, đợt nhập số {number}.")
    elif dry_run:
        print("Chỉ xem trước, chưa ghi gì.")
    elif plan.refused:
        print("Chưa ghi dòng nào. Sửa các dòng bị từ chối rồi nhập lại, hoặc dùng --partial.", file=sys.stderr)


def _export(arguments: argparse.Namespace) -> int:
    """Write what a list shows to a workbook, as its button does."""
    from urllib.parse import parse_qsl

    from admin_views import VIEWS
    from admin_views.export import workbook
    from app.current import acting_as

    classes = {view.model.__screen__: view for view in VIEWS}
    if arguments.screen not in classes:
        raise UnknownScreen(screen=arguments.screen, known=", ".join(sorted(str(name) for name in classes)))
    database = _migrated_database(_settings())
    view = classes[arguments.screen]()
    out = Path(arguments.out)
    with acting_as(_actor(database, arguments, arguments.screen, "export")):
        query = view.read_query(dict(parse_qsl(arguments.query)))
        # Written beside and moved, so that a stopped export leaves no half workbook under the name.
        half = out.with_name(f".{out.name}.part")
        counted: list[int] = []
        try:
            with half.open("wb") as file:
                for piece in workbook(database, view, query, on_counted=counted.append):
                    file.write(piece)
            half.replace(out)
        except OSError as error:
            raise FileUnusable(path=out) from error
        finally:
            with suppress(OSError):
                half.unlink(missing_ok=True)
    print(f"Đã xuất {_number(counted[0])} dòng {view.noun} ra {out}.")
    return 0


# ---- doctor ------------------------------------------------------------------------------------------------


def _doctor(_arguments: argparse.Namespace) -> int:
    settings = _settings()  # a wrong setting is its own sentence
    failed = 0
    for what, fault in _checks(settings):
        print(f"{'Chưa đạt' if fault else 'Đạt'}: {what}{f'. {fault}' if fault else ''}")
        failed += bool(fault)
    if failed:
        raise CheckFailed(count=failed)
    return 0


def _checks(settings: "Settings") -> Iterator[tuple[str, str]]:
    """(what was looked at, what is wrong with it and what to do; empty when it is well)."""
    yield f"thiết lập, môi trường {settings.env}", ""
    yield _database_check(settings)
    from admin_views import assets

    font = assets.BUILT / "ocop-sans.woff2"
    yield "phông chữ và biểu tượng", "" if font.exists() else "Chạy lệnh python -m admin_views.assets."
    for what, path in _places_written(settings):
        free = shutil.disk_usage(_existing(path)).free
        yield (
            f"đĩa chứa {what} còn trống {_number(free // 1_000_000)} MB",
            "" if free >= LEAST_FREE_BYTES else "Giải phóng để còn ít nhất 1.000 MB.",
        )


def _database_check(settings: "Settings") -> tuple[str, str]:
    try:
        database = _migrated_database(settings)
    except OcopError as refusal:
        return "cơ sở dữ liệu", str(refusal)
    with _reading(database) as session:
        from sqlalchemy import func, select

        from models import User

        users = session.scalar(select(func.count(User.id))) or 0
    return f"cơ sở dữ liệu, lược đồ mới nhất, {_number(users)} tài khoản", ""


def _places_written(settings: "Settings") -> Iterator[tuple[str, Path]]:
    from sqlalchemy.engine import make_url

    yield "tệp tải lên", settings.files
    url = make_url(settings.database_url)
    if url.drivername == "sqlite" and url.database:
        yield "cơ sở dữ liệu", Path(url.database)


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return path if path.exists() else _existing(path.absolute().parent)


# ---- what the commands share -------------------------------------------------------------------------------


def _settings() -> "Settings":
    from app.config import load

    return load()


def _database(settings: "Settings") -> "Database":
    """An open database, reached once to be sure; raises DatabaseUnreachable."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import DBAPIError

    from app.database import connect

    try:
        database = connect(settings.database_url)
        database.engine.connect().close()
    except (DBAPIError, OSError) as error:
        raise DatabaseUnreachable(address=make_url(settings.database_url).render_as_string()) from error
    return database


def _migrated_database(settings: "Settings") -> "Database":
    from app import schema

    database = _database(settings)
    if not schema.is_current(database):
        raise NotMigrated
    return database


@contextmanager
def _reading(
    database: "Database", verb: str = "", arguments: argparse.Namespace | None = None
) -> "Iterator[OcopSession]":
    from app.current import acting_as

    with acting_as(_actor(database, arguments, "user", verb)), database.reading() as session:
        yield session


@contextmanager
def _writing(verb: str, arguments: argparse.Namespace) -> "Iterator[OcopSession]":
    """One transaction on the accounts, as whom --as names or as the command line."""
    from app.current import acting_as

    database = _migrated_database(_settings())
    with (
        acting_as(_actor(database, arguments, "user", verb)),
        database.writing.begin() as session,
    ):
        yield session


def _actor(database: "Database", arguments: argparse.Namespace | None, screen: str, verb: str) -> "Actor":
    """Whom --as names, if that person may do the verb on the screen; without --as the command line itself."""
    from app.current import system

    username: str | None = getattr(arguments, "as_user", None)
    if username is None:
        return system(COMMAND_LINE)
    from app.services import accounts
    from models.rules.access import may

    with database.reading() as session:
        actor = accounts.actor_named(session, username)
    if not may(actor.rights, screen, verb):
        raise NotGranted(username=username)
    return actor


def _number(count: int) -> str:
    from models.rules.words import number

    return number(count)


# ---- the command line itself -------------------------------------------------------------------------------

# The words of argparse that a person can meet; its own come in English only.
_WORDS = {
    "usage: ": "cách dùng: ",
    "positional arguments": "tham số",
    "options": "tùy chọn",
    "show this help message and exit": "in hướng dẫn này",
    "%(prog)s: error: %(message)s\n": "%(prog)s: %(message)s\n",
    "the following arguments are required: %s": "còn thiếu: %s",
    "unrecognized arguments: %s": "không có tùy chọn này: %s",
    "expected one argument": "cần một giá trị",
    "expected at least one argument": "cần ít nhất một giá trị",
    "invalid choice: %(value)r (choose from %(choices)s)": "“%(value)s” không có; chọn: %(choices)s",
    "argument %(argument_name)s: %(message)s": "%(argument_name)s: %(message)s",
    "ambiguous option: %(option)s could match %(matches)s": "%(option)s có thể là %(matches)s; ghi đủ chữ",
    "not allowed with argument %s": "không dùng cùng %s",
    "ignored explicit argument %r": "không nhận giá trị %r",
}


_IMPORT_HELP = """\
trả lời các giá trị chưa rõ:
  ocop import product sp.xlsx --dry-run --json > hoi.json
  Trong hoi.json, mỗi câu của questions có answers là các cách trả lời. Ghi cách được chọn vào answer của câu đó
  (số của một bản ghi, create, empty, skip hoặc giá trị của danh sách), để null là chưa trả lời. Rồi:
  ocop import product sp.xlsx --answers hoi.json
  Tệp trả lời cũng có thể chỉ là danh sách questions, mỗi câu cần relation, key và answer.

--dry-run --json còn in columns (title, field, reason) và notes. TRƯỜNG của --map là field hoặc tên trường trên trang.

mã thoát:
  0  đã xem trước hoặc đã nhập (xem trước có dòng bị từ chối, có câu hỏi vẫn là 0)
  1  bị từ chối: không đọc được tệp, hoặc không ghi dòng nào vì có dòng bị từ chối
  2  sai dòng lệnh
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    # argparse asks its module's `_` for every word; there is no other way in.
    setattr(argparse, "_", lambda word: _WORDS.get(word, word))  # noqa: B010  # it is not in its stubs
    parser = _Parser(prog="ocop", description="Quản lý Chương trình Mỗi xã một sản phẩm", allow_abbrev=False)
    commands = parser.add_subparsers(title="lệnh", metavar="LỆNH", required=True)

    serve = _command(commands, "serve", _serve, "chạy máy chủ")
    serve.add_argument("--host", metavar="ĐỊA_CHỈ", help="mặc định lấy OCOP_HOST")
    serve.add_argument("--port", type=_port, metavar="CỔNG", help="mặc định lấy OCOP_PORT")
    serve.add_argument("--workers", type=_count, default=1, metavar="SỐ", help="số tiến trình, mặc định 1")

    _command(commands, "migrate", _migrate, "đưa lược đồ lên bản mới nhất")

    seed = _command(commands, "seed", _seed, "nạp dữ liệu ban đầu")
    seed.add_argument("--demo", action="store_true", help="nạp thêm một năm dữ liệu dùng thử")

    demo = _command(commands, "demo", _demo, "nạp dữ liệu thử tải")
    demo.add_argument("--products", type=_count, required=True, metavar="SỐ", help="số sản phẩm")

    imported = _command(commands, "import", _import, "nhập một tệp danh mục, như trang Nhập liệu")
    imported.add_argument("screen", metavar="LOẠI", help="ví dụ commune; boundary là ranh giới xã")
    imported.add_argument("file", metavar="TỆP", help="tệp .xls, .xlsx, .ods hay .csv; ranh giới là .geojson")
    imported.add_argument("--as-of", type=_day, metavar="NGÀY", help="danh mục tại ngày nào, mặc định hôm nay")
    imported.add_argument("--province", metavar="MÃ", help="tỉnh của danh mục, khi tệp không có cột tỉnh")
    imported.add_argument(
        "--complete", action="store_true", help="danh mục đầy đủ của tỉnh: đơn vị không có trong tệp kết thúc hôm trước"
    )
    imported.add_argument("--sheet", metavar="TÊN", help="trang tính, mặc định trang đầu tiên có dữ liệu")
    imported.add_argument(
        "--map", action="append", default=[], metavar="CỘT=TRƯỜNG", help="đọc cột này là trường này; CỘT= là không dùng"
    )
    imported.add_argument("--sender", default="", metavar="TÊN", help="bên gửi: đọc như lần trước và nhớ cho lần sau")
    imported.add_argument("--answers", metavar="TỆP", help="trả lời các giá trị chưa rõ, tệp .json, xem bên dưới")
    imported.add_argument("--partial", action="store_true", help="ghi các dòng tốt dù có dòng bị từ chối")
    imported.add_argument("--dry-run", action="store_true", help="chỉ xem trước, không ghi")
    imported.add_argument("--json", action="store_true", help="in kết quả dạng JSON")
    _add_as(imported)
    imported.formatter_class = argparse.RawDescriptionHelpFormatter
    imported.epilog = _IMPORT_HELP

    exported = _command(commands, "export", _export, "xuất một danh sách ra Excel, như nút Xuất Excel")
    exported.add_argument("screen", metavar="DANH_SÁCH", help="ví dụ product, commune")
    exported.add_argument("--out", required=True, metavar="TỆP", help="tệp .xlsx sẽ ghi")
    exported.add_argument("--query", default="", metavar="LỌC", help='như địa chỉ trang, ví dụ "search=mien&step=4"')
    _add_as(exported)

    _user_commands(commands)
    _command(commands, "doctor", _doctor, "tự kiểm tra thiết lập, cơ sở dữ liệu, phông chữ, đĩa")
    return parser


def _user_commands(commands: Any) -> None:
    user = commands.add_parser("user", help="tài khoản", description="Tài khoản", allow_abbrev=False)
    verbs = user.add_subparsers(title="việc", metavar="VIỆC", required=True)

    add = _command(verbs, "add", _user_add, "thêm tài khoản")
    add.add_argument("username", metavar="TÊN", help="tên đăng nhập: chữ thường không dấu, số, dấu chấm")
    add.add_argument("--name", required=True, metavar="HỌ_TÊN")
    add.add_argument("--role", required=True, metavar="VAI_TRÒ", help="ví dụ commune_clerk (cán bộ xã)")
    add.add_argument("--office", default="", metavar="ĐƠN_VỊ")
    place = add.add_mutually_exclusive_group()
    place.add_argument("--province", metavar="MÃ", help="địa bàn là một tỉnh")
    place.add_argument("--district", metavar="MÃ", help="địa bàn là một huyện")
    place.add_argument("--commune", metavar="MÃ", help="địa bàn là một xã, phường")
    listed = _command(verbs, "list", _user_list, "liệt kê tài khoản")
    passwd = _command(verbs, "passwd", _user_passwd, "đặt lại mật khẩu")
    others = (
        passwd,
        _command(verbs, "lock", _user_lock, "khóa tài khoản, kết thúc các phiên đang mở"),
        _command(verbs, "unlock", _user_unlock, "mở khóa, bỏ cả tạm khóa vì nhập sai"),
    )
    for other in others:
        other.add_argument("username", metavar="TÊN")
    for with_password in (add, passwd):
        with_password.add_argument(
            "--password-stdin", action="store_true", help="đọc mật khẩu từ đầu vào chuẩn, một dòng"
        )
    for any_verb in (add, listed, *others):
        _add_as(any_verb)


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], says: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=says, description=says[0].upper() + says[1:], allow_abbrev=False
    )
    parser.set_defaults(run=run)
    return parser


def _add_as(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="as_user", metavar="TÊN", help="làm với tư cách tài khoản này")


def _day(text: str) -> date:
    """2021-02-01 or 01/02/2021."""
    for pattern in ("%Y-%m-%d", "%d/%m/%Y"):
        with suppress(ValueError):
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007  # a day has no zone
    raise argparse.ArgumentTypeError(f"“{text}” không phải ngày; ghi như 2021-02-01 hoặc 01/02/2021")


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"“{text}” không phải số từ 1 đến 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"“{text}” không phải số từ 1 trở lên")
    return int(text)
