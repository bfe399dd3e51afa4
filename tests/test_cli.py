"""The command line as an office uses it: what it prints, what it refuses, how it exits, what it stored."""

import io
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import func, select

from app.cli import main
from app.current import acting_as, system
from app.database import Database, connect
from app.services import accounts
from models import AuditEntry, Product
from models.base import now

ROOT = Path(__file__).parent.parent
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder of an office that runs with the defaults, but for the address of its database."""
    monkeypatch.chdir(tmp_path)
    for name in ("OCOP_ENV", "OCOP_SECRET_KEY", "OCOP_FILES", "OCOP_ALLOWED_HOSTS", "OCOP_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OCOP_DATABASE_URL", f"sqlite:///{tmp_path}/ocop.db")
    return tmp_path


@pytest.fixture
def ocop(office: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; gives (exit code, what it printed, what it refused)."""

    def run(*words: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        try:
            code = main(words)
        except SystemExit as left:
            code = int(left.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def sign_in(database: Database, username: str, password: str) -> accounts.SignInOutcome:
    with database.writing.begin() as session:
        return accounts.sign_in(session, username=username, password=password, address="", now=now())


def add(ocop: Run, username: str = "lan", role: str = "administrator", *others: str) -> tuple[int, str, str]:
    return ocop("user", "add", username, "--name", "Lê Thị Lan", "--role", role, *others)


# ---- migrate, seed ----


def test_migrate_says_what_it_did_and_does_nothing_the_second_time(ocop: Run) -> None:
    first, second = ocop("migrate"), ocop("migrate")

    assert (first[0], second[0]) == (0, 0)
    assert first[1].startswith("Đã đưa lược đồ lên bản mới nhất: ")
    assert second[1].startswith("Lược đồ đã là bản mới nhất, ")


def test_seed_loads_the_reference_data_once(ocop: Run) -> None:
    ocop("migrate")

    first, second = ocop("seed"), ocop("seed")

    assert first[0] == second[0] == 0
    assert "Dữ liệu ban đầu: 4." in first[1]
    assert second[1].startswith("Dữ liệu ban đầu: 0 dòng mới, 0 thay đổi, 4.")


@pytest.mark.fill("demo")
def test_seed_demo_prints_the_accounts_and_their_one_password(ocop: Run, database: Database, office: Path) -> None:
    code, said, _ = ocop("seed", "--demo")

    assert code == 0
    assert "đã có từ trước, không đổi gì" in said
    assert "thanhphu: Cán bộ huyện, Huyện Thạnh Phú" in said
    kept = (office / "data" / "demo_password").read_text(encoding="utf-8").strip()
    assert f"Mật khẩu chung: {kept}" in said
    assert sign_in(database, "xa", kept).token is not None


@pytest.mark.fill("reference")
def test_demo_writes_as_many_products_as_asked_for(ocop: Run, database: Database) -> None:
    code, said, _ = ocop("demo", "--products", "30")

    assert code == 0
    assert said.splitlines()[-1].startswith("Đã nạp dữ liệu thử tải: 30 sản phẩm, ")
    with acting_as(system("kiểm thử")), database.reading() as session:
        assert session.scalar(select(func.count(Product.id))) == 30


@pytest.mark.parametrize("words", [("seed", "--demo"), ("demo", "--products", "10")])
def test_demo_data_is_refused_in_production(
    ocop: Run, database: Database, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("OCOP_ENV", "production")
    monkeypatch.setenv("OCOP_SECRET_KEY", "k" * 40)
    monkeypatch.setenv("OCOP_ALLOWED_HOSTS", "ocop.test")

    code, said, refused = ocop(*words)

    assert (code, said) == (1, "")
    assert "không nạp được khi OCOP_ENV là production" in refused


@pytest.mark.parametrize(
    "words", [("seed",), ("demo", "--products", "10"), ("user", "list"), ("user", "lock", "lan"), ("serve",)]
)
def test_without_migrations_a_command_says_what_to_run(ocop: Run, words: tuple[str, ...]) -> None:
    assert ocop(*words) == (
        1,
        "",
        "Cơ sở dữ liệu chưa có lược đồ mới nhất. Chạy lệnh ocop migrate rồi làm lại.\n",
    )


def test_a_database_that_does_not_answer_is_named_without_its_password(
    ocop: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCOP_DATABASE_URL", "postgresql+psycopg://ocop:bimat@127.0.0.1:1/ocop")

    code, _, refused = ocop("migrate")

    assert code == 1
    assert refused.startswith("Không mở được cơ sở dữ liệu postgresql+psycopg://ocop:***@127.0.0.1:1/ocop.")


def test_a_wrong_setting_stops_with_its_sentence(ocop: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCOP_PORT", "tám nghìn")

    code, _, refused = ocop("doctor")

    assert code == 1
    assert refused.startswith("Thiết lập OCOP_PORT chưa đúng: “tám nghìn”")


# ---- user ----


def test_user_add_hands_over_a_one_time_password_that_must_be_changed(ocop: Run, database: Database) -> None:
    code, said, _ = add(ocop)

    assert code == 0
    first, second, third = said.splitlines()
    assert first == "Đã thêm tài khoản “lan”: Lê Thị Lan, Quản trị, Toàn quốc."
    assert third == "Lần đăng nhập đầu sẽ phải đổi mật khẩu."
    outcome = sign_in(database, "lan", second.removeprefix("Mật khẩu dùng một lần: "))
    assert outcome.token is not None
    assert outcome.must_change


@pytest.mark.fill("reference")
@pytest.mark.parametrize(
    ("role", "place", "label"),
    [
        ("commune_clerk", ("--commune", "29182"), "Cán bộ xã, Xã Thạnh Phú"),
        ("district_clerk", ("--district", "837"), "Cán bộ huyện, Huyện Thạnh Phú"),
        ("province_clerk", ("--province", "86"), "Cán bộ tỉnh, Tỉnh Vĩnh Long"),
    ],
)
def test_user_add_takes_the_place_by_its_code(
    ocop: Run, database: Database, role: str, place: tuple[str, str], label: str
) -> None:
    code, said, _ = add(ocop, "lan", role, *place)

    assert code == 0
    assert said.splitlines()[0] == f"Đã thêm tài khoản “lan”: Lê Thị Lan, {label}."


@pytest.mark.parametrize(
    ("username", "role", "others", "refusal"),
    [
        ("Lan", "leader", (), "Tên đăng nhập “Lan” chưa đúng."),
        ("lan", "sếp", (), "Không có vai trò “sếp”. Chọn một trong: commune_clerk (Cán bộ xã), "),
        ("lan", "commune_clerk", (), "Cán bộ xã cần địa bàn là một xã, phường."),
        ("lan", "commune_clerk", ("--commune", "00001"), "Không có xã, phường mã “00001”."),
        ("lan", "leader", ("--password-stdin",), "Chưa có mật khẩu ở đầu vào chuẩn."),
    ],
)
def test_user_add_refuses_in_one_sentence_and_adds_nobody(
    ocop: Run, database: Database, username: str, role: str, others: tuple[str, ...], refusal: str
) -> None:
    code, said, refused = add(ocop, username, role, *others)

    assert (code, said) == (1, "")
    assert refused.startswith(refusal)
    assert refused.count("\n") == 1
    assert ocop("user", "list")[1] == "0 tài khoản.\n"


def test_user_list_shows_role_area_and_lock(ocop: Run, database: Database) -> None:
    add(ocop)
    add(ocop, "minh", "leader")
    ocop("user", "lock", "minh")

    code, said, _ = ocop("user", "list")

    assert code == 0
    assert said.splitlines() == [
        "lan: Lê Thị Lan, Quản trị, Toàn quốc",
        "minh: Lê Thị Lan, Lãnh đạo, Toàn quốc, đã khóa",
        "2 tài khoản.",
    ]


def test_user_passwd_from_standard_input_forces_no_change_and_leaves_a_trail(ocop: Run, database: Database) -> None:
    add(ocop)

    code, said, _ = ocop("user", "passwd", "lan", "--password-stdin", typed="mật khẩu của Lan\n")

    assert code == 0
    assert "mật khẩu của Lan" not in said
    outcome = sign_in(database, "lan", "mật khẩu của Lan")
    assert outcome.token is not None
    assert not outcome.must_change
    with acting_as(system("kiểm thử")), database.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.model == "users")).all()[-1]
    assert (entry.actor, entry.verb) == ("dòng lệnh", "đặt lại mật khẩu")


def test_user_passwd_without_one_hands_over_a_one_time_password(ocop: Run, database: Database) -> None:
    add(ocop)

    code, said, _ = ocop("user", "passwd", "lan")

    assert code == 0
    password = said.splitlines()[1].removeprefix("Mật khẩu dùng một lần: ")
    assert sign_in(database, "lan", password).must_change


def test_user_lock_and_unlock_say_what_happened(ocop: Run, database: Database) -> None:
    ocop("user", "add", "lan", "--name", "Lan", "--role", "leader", "--password-stdin", typed="mật khẩu của Lan\n")
    sign_in(database, "lan", "mật khẩu của Lan")

    assert ocop("user", "lock", "lan") == (0, "Đã khóa tài khoản “lan”, kết thúc 1 phiên làm việc.\n", "")
    assert sign_in(database, "lan", "mật khẩu của Lan").token is None
    assert ocop("user", "unlock", "lan") == (0, "Đã mở khóa tài khoản “lan”.\n", "")
    assert sign_in(database, "lan", "mật khẩu của Lan").token is not None
    assert ocop("user", "lock", "khongco")[0] == 1


@pytest.mark.fill("reference")
def test_a_command_in_someones_name_needs_that_persons_right(ocop: Run, database: Database) -> None:
    add(ocop, "quantri")
    add(ocop, "lanhdao", "leader")

    refused = add(ocop, "minh", "leader", "--as", "lanhdao")
    done = add(ocop, "minh", "leader", "--as", "quantri")

    assert refused[0] == 1
    assert refused[2].startswith("Tài khoản “lanhdao” không có quyền làm việc này.")
    assert done[0] == 0
    with acting_as(system("kiểm thử")), database.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.row_label == "minh")).one()
        assert entry.user_id == accounts.user_named(session, "quantri").id


# ---- doctor, the words of the command line ----


def test_doctor_passes_an_office_that_is_ready(ocop: Run, database: Database) -> None:
    from admin_views import assets

    assets.ensure()

    code, said, _ = ocop("doctor")

    assert code == 0
    lines = said.splitlines()
    assert all(line.startswith("Đạt: ") for line in lines)
    assert lines[1] == "Đạt: cơ sở dữ liệu, lược đồ mới nhất, 0 tài khoản"
    assert any(line.startswith("Đạt: đĩa chứa cơ sở dữ liệu còn trống ") for line in lines)


def test_doctor_names_what_is_missing_and_fails(ocop: Run) -> None:
    code, said, refused = ocop("doctor")

    assert code == 1
    assert "Chưa đạt: cơ sở dữ liệu. Cơ sở dữ liệu chưa có lược đồ mới nhất." in said
    assert refused.startswith("1 mục chưa đạt.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "còn thiếu: LỆNH"),
        (("user", "add"), "còn thiếu: TÊN, --name, --role"),
        (("xóa",), "“xóa” không có; chọn: "),
        (("migrate", "--nhanh"), "không có tùy chọn này: --nhanh"),
        (("serve", "--port"), "--port: cần một giá trị"),
        (("serve", "--port", "70000"), "“70000” không phải số từ 1 đến 65535"),
        (("serve", "--port", "tám"), "“tám” không phải số từ 1 đến 65535"),
        (("demo", "--products", "0"), "“0” không phải số từ 1 trở lên"),
        (("user", "add", "a", "--province", "86", "--commune", "1"), "--commune: không dùng cùng --province"),
    ],
)
def test_a_wrong_command_line_is_told_in_vietnamese(ocop: Run, words: tuple[str, ...], said: str) -> None:
    code, out, refused = ocop(*words)

    assert (code, out) == (2, "")
    assert refused.startswith("cách dùng: ocop")
    assert said in refused
    assert not any(english in refused for english in ("usage", "error", "argument", "invalid", "required"))


@pytest.mark.parametrize("words", [("--help",), ("user", "--help"), ("user", "add", "--help"), ("serve", "--help")])
def test_help_has_no_english_left(ocop: Run, words: tuple[str, ...]) -> None:
    code, said, _ = ocop(*words)

    assert code == 0
    assert not any(english in said for english in ("usage", "positional", "options", "show this", "arguments"))


def test_help_answers_without_loading_the_database_library() -> None:
    loaded = "import sys, app.cli; app.cli._parser(); print([m for m in sys.modules if m.startswith('sqlal')])"

    answer = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True, cwd=ROOT)

    assert answer.stdout == "[]\n"


def test_the_module_is_the_command(office: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "app", "migrate"],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={"OCOP_DATABASE_URL": f"sqlite:///{office}/moi.db", "PYTHONPATH": str(ROOT), "PATH": ""},
        cwd=office,
    )

    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("Đã đưa lược đồ lên bản mới nhất")
    moved = connect(f"sqlite:///{office}/moi.db")
    with acting_as(system("kiểm thử")), moved.reading() as session:
        assert accounts.list_users(session) == []
    moved.engine.dispose()


# ---- export ----


def test_a_file_that_cannot_be_written_is_a_sentence_and_leaves_nothing_beside_it(ocop: Run, office: Path) -> None:
    ocop("migrate")
    (office / "nay.xlsx").mkdir()

    nowhere = ocop("export", "product", "--out", "khong-co/x.xlsx")
    taken = ocop("export", "product", "--out", "nay.xlsx")
    written = ocop("export", "product", "--out", "sp.xlsx")

    assert (nowhere[0], taken[0], written[0]) == (1, 1, 0)
    assert nowhere[2] == (
        "Không đọc hay ghi được tệp “khong-co/x.xlsx”. Kiểm tra đường dẫn, quyền và chỗ trống trên đĩa.\n"
    )
    assert "“nay.xlsx”" in taken[2]
    assert not list(office.glob("**/.*.part"))


REAL_LISTS = {
    "2017-10-15": ("gso_ben_tre_2017-10-15.xls", "164 mới, 0 thay đổi, 0 không đổi"),
    "2021-02-01": ("gso_ben_tre_2021-02-01.xls", "0 mới, 3 thay đổi, 154 không đổi"),
    "2025-01-01": ("ben_tre_units_2025-01.csv", "0 mới, 5 thay đổi, 143 không đổi"),
    "2025-07-01": ("vinh_long_units_2025.csv", "76 mới, 48 thay đổi, 0 không đổi"),
}


def test_the_real_lists_are_imported_as_of_their_days_and_exported_as_of_any(
    ocop: Run, office: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ocop("migrate")
    in_order = [_bring_in(ocop, shared_data, day) for day in REAL_LISTS]
    known = [_exported(ocop, office, day) for day in REAL_LISTS]
    monkeypatch.setenv("OCOP_DATABASE_URL", f"sqlite:///{office}/khac.db")

    ocop("migrate")
    for day in ("2025-07-01", "2017-10-15", "2025-01-01", "2021-02-01"):
        assert _bring_in(ocop, shared_data, day)[0] == 0

    for (code, out, _err), (day, (_file, counts)) in zip(in_order, REAL_LISTS.items(), strict=True):
        assert code == 0
        assert f"Xã, phường tại ngày {date.fromisoformat(day):%d/%m/%Y}: {counts}, 0 bị từ chối." in out
    assert [len(rows) for rows in known] == [164, 157, 148, 124]
    assert [_exported(ocop, office, day) for day in REAL_LISTS] == known


def _bring_in(ocop: Run, folder: Path, day: str) -> tuple[int, str, str]:
    return ocop("import", "commune", str(folder / REAL_LISTS[day][0]), "--as-of", day, "--complete")


def _exported(ocop: Run, office: Path, day: str) -> list[tuple[object, ...]]:
    assert ocop("export", "commune", "--out", "xa.xlsx", "--query", f"on={day}")[0] == 0
    return list(openpyxl.load_workbook(office / "xa.xlsx").worksheets[0].iter_rows(min_row=2, values_only=True))
