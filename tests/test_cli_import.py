"""`ocop import`: what it prints, how it exits, what it stored."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.cli import main
from app.current import acting_as, system
from app.database import Database
from app.services import accounts
from models import AuditEntry, Commune, Entity, ImportBatch, Product, Province, Rating, Role, Sender

Run = Callable[..., tuple[int, str, str]]
HEADER = "Mã TP,Tỉnh Thành Phố,Mã QH,Quận Huyện,Mã PX,Phường Xã\n"
AN_THANH = "83,Tỉnh Bến Tre,837,Huyện Thạnh Phú,29224,Xã An Thạnh\n"
TAN_XUAN = "83,Tỉnh Bến Tre,836,Huyện Ba Tri,29119,Xã Tân Xuân\n"
LOST_ZERO = "83,Tỉnh Bến Tre,836,Huyện Ba Tri,119,Xã Tân Xuân\n"


@pytest.fixture
def ocop(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCOP_DATABASE_URL", str(database.engine.url))

    def run(*words: str, rows: str = AN_THANH) -> tuple[int, str, str]:
        Path("xa.csv").write_text(rows and HEADER + rows, encoding="utf-8")
        try:
            code = main(["import", *words])
        except SystemExit as left:
            code = int(left.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def codes(database: Database) -> list[str]:
    with acting_as(system("kiểm thử")), database.reading() as session:
        return list(session.scalars(select(Commune.code).order_by(Commune.code)))


def test_a_list_is_imported_as_one_numbered_batch(ocop: Run, database: Database) -> None:
    code, out, err = ocop("commune", "xa.csv", "--as-of", "2021-02-01", rows=AN_THANH + TAN_XUAN)

    assert (code, err) == (0, "")
    assert "Xã, phường tại ngày 01/02/2021: 2 mới, 0 thay đổi, 0 không đổi, 0 bị từ chối." in out
    assert out.endswith("Đã nhập, đợt nhập số 1.\n")
    assert codes(database) == ["29119", "29224"]
    with acting_as(system("kiểm thử")), database.reading() as session:
        assert set(session.scalars(select(AuditEntry.actor))) == {"dòng lệnh"}


def test_the_same_list_again_writes_no_batch(ocop: Run, database: Database) -> None:
    ocop("commune", "xa.csv", "--as-of", "01/02/2021")

    code, out, _ = ocop("commune", "xa.csv", "--as-of", "01/02/2021")

    assert code == 0
    assert "Tệp này không đổi gì." in out
    assert "bởi dòng lệnh, đợt nhập số 1." in out
    with acting_as(system("kiểm thử")), database.reading() as session:
        assert len(session.scalars(select(ImportBatch)).all()) == 1


def test_a_dry_run_writes_nothing_and_exits_well_with_refused_rows(ocop: Run, database: Database) -> None:
    code, out, err = ocop("commune", "xa.csv", "--as-of", "2021-02-01", "--dry-run", rows=AN_THANH + LOST_ZERO)

    assert code == 0
    assert "Chỉ xem trước, chưa ghi gì." in out
    assert err.startswith("Dòng 3, cột “Mã PX”: Mã “119” thiếu 2 chữ số")
    assert codes(database) == []


def test_a_refused_row_keeps_all_back_and_exits_with_one(ocop: Run, database: Database) -> None:
    code, _, err = ocop("commune", "xa.csv", "--as-of", "2021-02-01", rows=AN_THANH + LOST_ZERO)

    assert code == 1
    assert "Chưa ghi dòng nào." in err
    assert codes(database) == []


def test_partial_writes_the_good_rows(ocop: Run, database: Database) -> None:
    code, out, _ = ocop("commune", "xa.csv", "--as-of", "2021-02-01", "--partial", rows=AN_THANH + LOST_ZERO)

    assert code == 0
    assert "Đã nhập, đợt nhập số 1." in out
    assert codes(database) == ["29224"]


def test_partial_without_a_good_row_exits_with_one(ocop: Run) -> None:
    code, _, _ = ocop("commune", "xa.csv", "--as-of", "2021-02-01", "--partial", rows=LOST_ZERO)

    assert code == 1


def test_json_says_counts_parents_and_problems(ocop: Run) -> None:
    _, refused, _ = ocop("commune", "xa.csv", "--as-of", "2021-02-01", "--json", rows=AN_THANH + LOST_ZERO)
    _, written, _ = ocop("commune", "xa.csv", "--as-of", "2021-02-01", "--json", rows=AN_THANH)

    problems = json.loads(refused)["problems"]
    assert [(problem["line"], problem["column"]) for problem in problems] == [(3, "Mã PX")]
    assert json.loads(written) == {
        "batch": 1,
        "counts": {"new": 1, "changed": 0, "same": 0, "refused": 0, "skipped": 0},
        "also": {
            "province": {"new": 1, "changed": 0, "same": 0},
            "district": {"new": 1, "changed": 0, "same": 0},
        },
        "problems": [],
    }


@pytest.mark.parametrize(
    ("words", "rows", "said"),
    [
        (("commune", "xa.csv"), AN_THANH, "nên là danh mục trước 01/07/2025"),
        (("commune", "xa.csv"), "", "rỗng (0 byte)"),
        (("commune", "khong-co.csv"), AN_THANH, "Không thấy tệp “khong-co.csv”."),
        (("xa", "xa.csv"), AN_THANH, "Không có loại dữ liệu “xa”."),
        (("cycle", "xa.csv"), AN_THANH, "Chưa nhập được chu trình từ tệp."),
        (("product", "xa.csv"), AN_THANH, "Tệp thiếu cột “Tên sản phẩm”."),
        (("commune", "xa.csv", "--as", "khong.co"), AN_THANH, "“khong.co”"),
    ],
)
def test_what_is_refused_as_a_whole_exits_with_one_and_a_sentence(
    ocop: Run, words: tuple[str, ...], rows: str, said: str
) -> None:
    code, out, err = ocop(*words, rows=rows)

    assert (code, out) == (1, "")
    assert said in err


def test_an_empty_list_is_no_mistake(ocop: Run) -> None:
    code, out, _ = ocop("commune", "xa.csv", rows="\n")

    assert code == 0
    assert "Danh mục không có dòng nào" in out


def test_a_complete_list_ends_what_it_does_not_name(ocop: Run) -> None:
    ocop("commune", "xa.csv", "--as-of", "2017-10-15", rows=AN_THANH + TAN_XUAN)

    code, out, _ = ocop("commune", "xa.csv", "--as-of", "2021-02-01", "--complete")
    _, partial, _ = ocop("commune", "xa.csv", "--as-of", "2021-02-02", "--dry-run", rows=TAN_XUAN)

    assert code == 0
    assert "1 xã, phường không có trong danh mục kết thúc ngày 31/01/2021: 29119 Xã Tân Xuân." in out
    assert "Đã nhập, đợt nhập số 2." in out
    assert "1 mới" in partial


def test_a_table_of_changes_without_their_day_is_refused(ocop: Run) -> None:
    code, _out, err = ocop("commune-succession", "xa.csv", "--dry-run")

    assert code != 0
    assert "Bảng chuyển đổi không cho biết các đơn vị thay đổi từ ngày nào. Ghi ngày: --as-of" in err


def test_a_list_without_its_day_is_taken_for_today_and_says_so(ocop: Run) -> None:
    _, out, _ = ocop("commune", "xa.csv", rows="86,Tỉnh Vĩnh Long,,,29999,Xã Cồn Bửng\n")
    refused = ocop("commune", "xa.csv")

    assert "Chưa ghi --as-of nên lấy ngày hôm nay" in out
    assert refused[0] == 1
    assert "không còn cấp huyện. Cho biết danh mục tại ngày nào." in refused[2]


def test_a_day_that_cannot_be_read_is_said(ocop: Run) -> None:
    code, _, err = ocop("commune", "xa.csv", "--as-of", "hôm qua")

    assert code == 2
    assert "“hôm qua” không phải ngày" in err


# ---- a script that answers -------------------------------------------------------------------------------------

PRODUCTS = (
    "Tên sản phẩm,Chủ thể,Xã/phường,Nhóm sản phẩm\n"
    "Kẹo dừa,Cơ sở Hai Lúa,Xã Không Có,Nông Sản\n"
    "Kẹo chuối,Cơ sở Hai Lúa,Xã Không Có,\n"
)


def written(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def of_database(database: Database, column: Any) -> list[Any]:
    with acting_as(system("kiểm thử")), database.reading() as session:
        return list(session.scalars(select(column).order_by(column)))


@pytest.mark.fill("reference")
def test_a_script_reads_the_questions_answers_them_and_imports(ocop: Run, database: Database) -> None:
    file = written("sp.csv", PRODUCTS)
    _, out, _ = ocop("product", file, "--as-of", "2026-01-05", "--dry-run", "--json")
    asked = json.loads(out)
    with acting_as(system("kiểm thử")), database.reading() as session:
        commune = session.scalars(select(Commune.id).where(Commune.valid_to.is_(None))).first()
    answers = {"commune": commune, "entity": "create", "group": "empty"}
    assert {each["relation"]: each["lines"] for each in asked["questions"]} == {
        "commune": [2, 3], "entity": [2, 3], "group": [2],
    }  # fmt: skip
    for each in asked["questions"]:
        each["answer"] = answers[each["relation"]]
        assert each["answer"] == commune or each["answer"] in [offer["answer"] for offer in each["answers"]]
    written("tra-loi.json", json.dumps(asked))

    code, out, _ = ocop("product", file, "--as-of", "2026-01-05", "--answers", "tra-loi.json", "--json")

    assert (code, json.loads(out)["counts"]["new"]) == (0, 2)
    assert of_database(database, Product.name) == ["Kẹo chuối", "Kẹo dừa"]
    assert "questions" not in json.loads(out)


@pytest.mark.fill("reference")
def test_a_producer_whose_tax_code_stands_in_one_line_is_asked_about_and_made_once(
    ocop: Run, database: Database
) -> None:
    lines = "Kẹo dừa,Cơ sở Hai Lúa,,28810\nKẹo mè,Cơ sở Hai Lúa,9900000016,28810\n"
    file = written("sp.csv", f"Tên sản phẩm,Chủ thể,Mã số thuế,Mã xã\n{lines}")
    _, out, _ = ocop("product", file, "--as-of", "2026-01-05", "--dry-run", "--json")
    (asked,) = json.loads(out)["questions"]
    assert asked["lines"] == [2, 3]
    written("tra-loi.json", json.dumps([{**asked, "answer": "create"}]))

    code, out, _ = ocop("product", file, "--as-of", "2026-01-05", "--answers", "tra-loi.json", "--json")

    assert (code, json.loads(out)["also"]["entity"]["new"]) == (0, 1)
    assert of_database(database, Entity.tax_code) == ["9900000016"]


@pytest.mark.fill("reference")
def test_a_tax_code_of_another_producer_is_a_question_of_the_script_too(ocop: Run, database: Database) -> None:
    words = ("entity", "ct.csv", "--as-of", "2026-01-05")
    written("ct.csv", "Chủ thể,Mã số thuế,Mã xã\nCơ sở Hai Lúa,9900000016,28810\n")
    ocop(*words)
    written("ct.csv", "Chủ thể,Mã số thuế,Mã xã\nHTX Sông Tiền,9900000016,28810\n")

    code, out, _ = ocop(*words, "--json")

    (asked,) = json.loads(out)["questions"]
    assert (code, json.loads(out)["counts"]["changed"]) == (1, 0)
    assert "đang là của “Cơ sở Hai Lúa," in asked["why"]
    written("tra-loi.json", json.dumps([{**asked, "answer": asked["answers"][0]["answer"]}]))
    assert ocop(*words, "--answers", "tra-loi.json")[0] == 0
    assert of_database(database, Entity.name) == ["HTX Sông Tiền"]


@pytest.mark.fill("reference")
def test_a_dry_run_is_given_back_whole_and_names_rows_that_may_be_there(ocop: Run) -> None:
    ocop("entity", written("a.csv", "Chủ thể,Mã xã\nHTX Dừa Hữu Định,29182\n"), "--as-of", "2026-01-05")
    file = written("b.csv", "Chủ thể,Mã xã\nHTX Dừa Hữu Địn,29182\nHTX Bưởi,28858\n")
    likely = json.loads(ocop("entity", file, "--as-of", "2026-01-05", "--dry-run", "--json")[1])["likely"]
    asked = json.loads(ocop("entity", file, "--dry-run", "--json")[1])

    assert [(each["line"], [it["name"] for it in each["there"]]) for each in likely] == [
        (2, ["HTX Dừa Hữu Định, Xã Thạnh Phú"])
    ]
    day = next(each for each in asked["questions"] if each["relation"] == "as_of")
    day["answer"] = "2025-06-30"
    written("tra-loi.json", json.dumps(asked))
    code, out, _ = ocop("entity", file, "--answers", "tra-loi.json", "--dry-run", "--json")
    assert (code, json.loads(out)["counts"]["refused"]) == (0, 0)


@pytest.mark.fill("reference")
def test_a_real_list_of_products_with_stars_alone_becomes_results_of_one_day(
    ocop: Run, database: Database, shared_data: Path
) -> None:
    file = str(shared_data / "ocop_cau_ke_tra_vinh_2024-03.csv")

    def answered(screen: str) -> dict[str, Any]:
        asked: dict[str, Any] = json.loads(ocop(screen, file, "--as-of", "2024-03-01", "--dry-run", "--json")[1])
        for each in asked["questions"]:
            each["answer"] = "20/12/2023" if each["answers"] is None else "create"
        written("tra-loi.json", json.dumps(asked))
        words = ("--as-of", "2024-03-01", "--answers", "tra-loi.json", "--partial", "--json")
        done: dict[str, Any] = json.loads(ocop(screen, file, *words)[1])
        return done

    assert answered("product")["counts"]["new"] == 37
    results = answered("rating")

    assert (results["counts"]["new"], results["counts"]["refused"]) == (36, 1)
    assert results["problems"][0]["sentence"].startswith("Hạng 0 sao không có.")
    assert set(of_database(database, Rating.decided_on)) == {date(2023, 12, 20)}
    assert set(of_database(database, Rating.mean_points)) == {None}


@pytest.mark.fill("reference")
def test_what_was_said_of_a_sender_is_remembered_and_a_dry_run_remembers_nothing(ocop: Run, database: Database) -> None:
    file = written("ct.csv", "Người làm,Mã xã,Kiểu\nNhà vườn Năm,28810,Tập đoàn\n")
    more = ("entity", file, "--as-of", "2026-01-05", "--sender", "xã An Thạnh")
    maps = ("--map", "Người làm=name", "--map", "kiểu=Loại hình")
    _, out, _ = ocop(*more, *maps, "--dry-run", "--json")
    assert of_database(database, Sender.name) == []
    (asked,) = json.loads(out)["questions"]
    assert json.loads(out)["columns"][0] == {"title": "Người làm", "field": "name", "reason": "đã chọn"}
    written("tra-loi.json", json.dumps([{**asked, "answer": "dn"}]))

    code, _, err = ocop(*more, *maps, "--answers", "tra-loi.json")

    assert (code, err) == (0, "")
    assert of_database(database, Sender.name) == ["xã An Thạnh"]
    code, out, _ = ocop(*more)
    assert code == 0
    assert "Đọc tệp như lần trước của xã An Thạnh." in out
    assert "1 không đổi" in out


@pytest.mark.fill("reference")
@pytest.mark.parametrize(
    ("words", "answers", "said"),
    [
        (("--map", "Cột lạ=name"), "", "tệp không có cột “Cột lạ”. Đang có: “Tên sản phẩm”,"),
        (("--map", "Nhóm sản phẩm=ten"), "", "không có trường “ten”. Chọn một trong: name (Tên sản phẩm),"),
        (("--answers", "khong-co.json"), "", "Không thấy tệp “khong-co.json”."),
        (("--answers", "a.json"), "{", "Đây không phải JSON."),
        (("--answers", "a.json"), "3", "Không thấy danh sách nào."),
        (("--answers", "a.json"), '[{"relation": "entity"}]', "Câu thứ 1: thiếu relation hoặc key."),
        (("--answers", "a.json"), '[{"relation": "xa", "key": ""}]', "relation “xa” không có ở loại dữ liệu này."),
        (("--answers", "a.json"), '[{"relation": "entity", "key": "", "answer": []}]', "là một chữ hoặc một số."),
        (
            ("--answers", "a.json"),
            '[{"relation": "entity", "key": "", "answer": "taomoi", "answers": [{"answer": "create"}]}]',
            "không có cách trả lời “taomoi”.",
        ),
    ],
)
def test_answers_and_columns_that_cannot_be_meant_are_refused(
    ocop: Run, words: tuple[str, ...], answers: str, said: str
) -> None:
    file = written("sp.csv", PRODUCTS)
    written("a.json", answers)

    code, out, err = ocop("product", file, *words, "--dry-run")

    assert (code, out) == (1, "")
    assert said in err


def test_shapes_have_no_columns_to_map(ocop: Run) -> None:
    code, _, err = ocop("boundary", "xa.csv", "--map", "a=b")

    assert (code, "Ranh giới không có cột" in err) == (1, True)


@pytest.mark.fill("reference")
def test_a_named_clerk_imports_within_the_own_rights_and_area(ocop: Run, database: Database) -> None:
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        place = session.scalars(select(Province).where(Province.code == "86", Province.valid_to.is_(None))).one()
        for username, role in (("tinh", Role.PROVINCE_CLERK), ("lanhdao", Role.LEADER)):
            accounts.add_user(session, username=username, full_name="Trần Minh Khoa", role=role, place=place)
    rows = "86,Tỉnh Vĩnh Long,,,29999,Xã Cồn Bửng\n01,Thành phố Hà Nội,,,29998,Xã Bãi Giữa\n"

    foreign = ocop("commune", "xa.csv", "--as", "tinh", rows=rows)
    own = ocop("commune", "xa.csv", "--as", "tinh", "--partial", rows=rows)
    leader = ocop("commune", "xa.csv", "--as", "lanhdao", rows=rows)

    assert (foreign[0], own[0], leader[0]) == (1, 0, 1)
    assert "nằm ngoài địa bàn của bạn" in foreign[2]
    assert "29999" in codes(database)
    assert "29998" not in codes(database)
    assert "không có quyền" in leader[2]
