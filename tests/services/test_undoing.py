"""Undo of an applied batch: what goes back, what stays and why; on both databases."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, or_, select

from app.current import Actor, acting_as, seeing_everything, system
from app.database import Database
from app.services import accounts, importing
from app.services.importing import undoing
from app.services.importing.undoing import Line
from app.session import OcopSession
from app.table import Cell, Column, Table
from models import (
    Area,
    AuditAction,
    AuditEntry,
    BatchState,
    Commune,
    CommuneKind,
    CommuneSuccession,
    Cycle,
    CycleStep,
    District,
    Entity,
    EntityKind,
    ImportBatch,
    Participation,
    Product,
    ProductStatus,
    Province,
    Rating,
    Regime,
    Representative,
    Role,
    StepCode,
    StepRecord,
    User,
)
from models.base import Base, now

pytestmark = pytest.mark.usefixtures("at_the_command_line")

IN_2017, IN_2021, IN_2025 = date(2017, 10, 15), date(2021, 2, 1), date(2025, 1, 1)
HEADER = ("Mã TP", "Tỉnh Thành Phố", "Mã QH", "Quận Huyện", "Mã PX", "Phường Xã", "Cấp")
THANH_PHU = ("83", "Tỉnh Bến Tre", "837", "Huyện Thạnh Phú")
AN_THANH = (*THANH_PHU, "29224", "Xã An Thạnh", "Xã")
GIAO_THANH = (*THANH_PHU, "29227", "Xã Giao Thạnh", "Xã")
RENAMED = (*THANH_PHU, "29224", "Thị trấn Giồng Bông", "Thị trấn")
CLERK_RIGHTS = frozenset({("commune", "import"), ("entity", "import"), ("product", "import")})


class Office:
    """One database, its imports and their undo."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def bring_in(self, *rows: Sequence[Cell], as_of: date = IN_2021) -> int:
        return self.take(Commune, HEADER, *rows, as_of=as_of)

    def take(self, model: type[Base], header: Sequence[str], *rows: Sequence[Cell], as_of: date = IN_2021) -> int:
        columns = tuple(Column(label) for label in header)
        table = Table(columns, [tuple(row) for row in rows], range(2, len(rows) + 2), sheet="DM")
        with self.database.writing.begin() as session:
            plan = importing.plan(session, model, table, as_of=as_of)
            assert not plan.refused, [row.problems for row in plan.refused]
            batch = importing.store(session, plan, file_name="danh-muc.xlsx", content_hash="a" * 64, size=1234)
            batch_id = batch.id
        with self.database.writing.begin() as session:
            importing.apply(session, session.get_one(ImportBatch, batch_id))
        return batch_id

    def batch(self, session: OcopSession, screen: str, user_id: int | None = None) -> ImportBatch:
        """An applied batch, for what is written under its number."""
        with seeing_everything():
            number = (session.scalar(select(func.max(ImportBatch.number))) or 0) + 1
        batch = ImportBatch(
            **{"number": number, "screen": screen, "state": BatchState.APPLIED, "file_name": "danh-sach.xlsx"},
            **{"file_hash": "b" * 64, "file_size": 10, "as_of": IN_2021, "options": {"columns": []}},
            **{"user_id": user_id, "made_by": session.actor.name, "applied_at": now()},
        )
        session.add(batch)
        session.flush()
        return batch

    def look(self, batch_id: int) -> undoing.Undo:
        with self.database.reading() as session:
            return undoing.look(session, session.get_one(ImportBatch, batch_id))

    def undo(self, batch_id: int, **options: Any) -> undoing.Undo:
        with self.database.writing.begin() as session:
            return undoing.undo(session, session.get_one(ImportBatch, batch_id), **options)

    def edit(self, model: type[Base], row_id: int, **values: Any) -> None:
        with self.database.writing.begin() as session, session.doing("sửa"):
            row = session.get_one(model, row_id)
            for name, value in values.items():
                setattr(row, name, value)

    def lives(self, code: str, model: Any = Commune) -> list[tuple[str, date, date | None]]:
        with self.database.reading() as session:
            found = session.scalars(select(model).where(model.code == code).order_by(model.valid_from))
            return [(unit.name, unit.valid_from, unit.valid_to) for unit in found]

    def unit(self, code: str, day: date = IN_2021, model: Any = Commune) -> Any:
        with self.database.reading() as session:
            in_force = or_(model.valid_to.is_(None), model.valid_to >= day)
            return session.scalars(select(model).where(model.code == code, model.valid_from <= day, in_force)).one()

    def count(self, model: type[Base]) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count(model.id))) or 0

    def contents(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Every row but the trail and the batches, without what any save counts on."""
        left_out = {"audit_entries", "import_batches", "import_rows", "senders"}
        found: dict[tuple[str, int], dict[str, Any]] = {}
        with self.database.engine.connect() as connection:
            for table in Base.metadata.sorted_tables:
                if table.name not in left_out:
                    for row in connection.execute(select(table)).mappings():
                        kept = {k: v for k, v in row.items() if k not in ("version", "created_at", "updated_at")}
                        found[table.name, row["id"]] = kept
        return found


@pytest.fixture
def office(any_database: Database) -> Office:
    return Office(any_database)


def said(lines: Sequence[Line]) -> dict[str, str]:
    return {f"{line.model.__label__} {line.label}": line.reason for line in lines}


def numbers(found: undoing.Undo) -> tuple[int, int, int]:
    return len(found.reversed), len(found.kept), len(found.blocked)


# ---- communes -------------------------------------------------------------------------------------------------


def test_a_first_list_is_removed_with_its_districts_and_provinces(office: Office) -> None:
    before = office.contents()
    batch_id = office.bring_in(AN_THANH, GIAO_THANH)

    looked = office.look(batch_id)
    undone = office.undo(batch_id)

    assert numbers(looked) == numbers(undone) == (4, 0, 0)
    assert looked.mark == undone.mark
    assert office.contents() == before
    with office.database.reading() as session:
        batch = session.get_one(ImportBatch, batch_id)
        assert (batch.state, batch.undone_by) == (BatchState.UNDONE, "dòng lệnh")
        assert undoing.outcome(batch).endswith(" bởi dòng lệnh: 4 dòng trả lại như trước.")
        trail = session.scalars(select(AuditEntry).where(AuditEntry.batch_id == batch_id)).all()
    deleted = [(entry.model, entry.verb) for entry in trail if entry.action is AuditAction.DELETE]
    assert sorted(deleted) == [
        ("communes", undoing.VERB),
        ("communes", undoing.VERB),
        ("districts", undoing.VERB),
        ("provinces", undoing.VERB),
    ]


def test_looking_changes_nothing(office: Office) -> None:
    batch_id = office.bring_in(AN_THANH)
    before, trail = office.contents(), office.count(AuditEntry)

    office.look(batch_id)

    assert (office.contents(), office.count(AuditEntry)) == (before, trail)


def test_a_closed_life_is_open_again_and_the_one_that_followed_is_gone(office: Office) -> None:
    office.bring_in(AN_THANH, GIAO_THANH)
    before = office.contents()
    batch_id = office.bring_in(RENAMED, GIAO_THANH, as_of=IN_2025)

    looked = office.look(batch_id)
    office.undo(batch_id)

    assert office.contents() == before
    assert office.lives("29224") == [("Xã An Thạnh", IN_2021, None)]
    assert said(looked.reversed) == {
        "Xã, phường Xã An Thạnh": "Trả lại như trước đợt nhập.",
        "Xã, phường Thị trấn Giồng Bông": "Bỏ, vì đợt nhập này đã thêm.",
        "Chuyển đổi xã, phường Xã An Thạnh → Thị trấn Giồng Bông": "Bỏ, vì đợt nhập này đã thêm.",
    }
    closed = next(line for line in looked.reversed if line.changes)
    assert list(closed.changes) == [("Đến hết ngày", "31/12/2024", "")]


def test_a_life_corrected_in_place_gets_its_name_and_its_search_text_back(office: Office) -> None:
    office.bring_in(AN_THANH)
    before = office.contents()
    batch_id = office.bring_in(RENAMED)

    undone = office.undo(batch_id)

    assert office.contents() == before
    assert [list(line.changes) for line in undone.reversed] == [
        [("Tên xã, phường", "Thị trấn Giồng Bông", "Xã An Thạnh"), ("Loại", "Thị trấn", "Xã")]
    ]


def _open_cycle_and_account(office: Office) -> None:
    with office.database.writing.begin() as session:
        province = session.scalars(select(Province)).one()
        session.add(Cycle(name="Chu trình năm 2025", year=2025, province=province, opened_on=IN_2021))
        accounts.add_user(
            session,
            username="lan.tinh",
            full_name="Nguyễn Thị Lan",
            role=Role.PROVINCE_CLERK,
            place=province,
            password="mat-khau-2026-dai",
        )


def test_children_cycles_and_accounts_go_back_to_a_renamed_province(office: Office) -> None:
    office.bring_in(AN_THANH, GIAO_THANH)
    _open_cycle_and_account(office)
    before = office.contents()
    batch_id = office.bring_in(
        ("83", "Thành phố Bến Tre Mới", *AN_THANH[2:]), ("83", "Thành phố Bến Tre Mới", *GIAO_THANH[2:]), as_of=IN_2025
    )
    moved = office.contents()

    looked = office.look(batch_id)
    office.undo(batch_id)

    assert moved != before
    assert {line.model for line in looked.reversed} >= {Province, District, Cycle, User}
    assert (len(looked.kept), len(looked.blocked)) == (0, 0)
    assert office.contents() == before


def test_what_people_do_to_their_own_account_does_not_hold_a_place(office: Office) -> None:
    office.bring_in(AN_THANH)
    _open_cycle_and_account(office)
    batch_id = office.bring_in(("83", "Thành phố Bến Tre Mới", *AN_THANH[2:]), as_of=IN_2025)
    with office.database.reading() as session:
        user_id = session.scalars(select(User.id)).one()
    office.edit(User, user_id, must_change_password=False, password_changed_at=now())

    looked = office.look(batch_id)

    assert (len(looked.kept), len(looked.blocked)) == (0, 0)


def test_one_edited_child_keeps_the_renamed_province_and_all_that_moved_with_it(office: Office) -> None:
    office.bring_in(AN_THANH, GIAO_THANH)
    _open_cycle_and_account(office)
    batch_id = office.bring_in(
        ("83", "Thành phố Bến Tre Mới", *AN_THANH[2:]), ("83", "Thành phố Bến Tre Mới", *GIAO_THANH[2:]), as_of=IN_2025
    )
    with office.database.reading() as session:
        district_id = session.scalars(
            select(District.id).where(District.valid_to.is_(None)).order_by(District.id)
        ).first()
    assert district_id is not None
    office.edit(District, district_id, legal_basis="Nghị quyết 10/NQ")

    looked = office.look(batch_id)

    assert looked.reversed == [], "nothing may go back under a province that stays closed"
    with pytest.raises(undoing.NothingToUndo):
        office.undo(batch_id)


def test_a_commune_in_use_stays_with_its_closed_life_and_their_succession(office: Office) -> None:
    office.bring_in(AN_THANH, GIAO_THANH)
    giao = (*THANH_PHU, "29227", "Thị trấn Giao Thạnh", "Thị trấn")
    batch_id = office.bring_in(RENAMED, giao, as_of=IN_2025)
    used = office.unit("29224", IN_2025).id
    with office.database.writing.begin() as session:
        session.add(Entity(name="HTX Giồng Bông", kind=EntityKind.COOPERATIVE, commune_id=used))

    looked = office.look(batch_id)
    undone = office.undo(batch_id)

    assert numbers(looked) == numbers(undone) == (3, 0, 3)
    assert said(looked.blocked) == {
        "Xã, phường Thị trấn Giồng Bông": "Đang được dùng: 1 chủ thể.",
        "Xã, phường Xã An Thạnh": "Giữ cùng xã, phường “Thị trấn Giồng Bông”.",
        "Chuyển đổi xã, phường Xã An Thạnh → Thị trấn Giồng Bông": "Giữ cùng xã, phường “Thị trấn Giồng Bông”.",
    }
    assert office.lives("29224") == [
        ("Xã An Thạnh", IN_2021, date(2024, 12, 31)),
        ("Thị trấn Giồng Bông", IN_2025, None),
    ]
    assert office.lives("29227") == [("Xã Giao Thạnh", IN_2021, None)]
    assert office.count(CommuneSuccession) == 1


def test_a_closed_life_that_was_edited_keeps_the_one_that_followed(office: Office) -> None:
    office.bring_in(AN_THANH)
    batch_id = office.bring_in(RENAMED, as_of=IN_2025)
    office.edit(Commune, office.unit("29224", IN_2021).id, legal_basis="Nghị quyết 1/NQ")

    looked = office.look(batch_id)

    assert numbers(looked) == (0, 3, 0)
    reason = said(looked.kept)["Xã, phường Xã An Thạnh"]
    assert reason.startswith("Đã sửa lúc ")
    assert reason.endswith(" bởi dòng lệnh.")


def test_a_district_stays_while_one_of_its_communes_does(office: Office) -> None:
    batch_id = office.bring_in(AN_THANH, GIAO_THANH)
    office.edit(Commune, office.unit("29224").id, legal_basis="Nghị quyết 1/NQ")

    undone = office.undo(batch_id)

    assert numbers(undone) == (1, 1, 2)
    assert said(undone.blocked) == {
        "Huyện Huyện Thạnh Phú": "Đang được dùng: 1 xã, phường.",
        "Tỉnh, thành phố Tỉnh Bến Tre": "Đang được dùng: 1 huyện, 1 xã, phường.",
    }
    assert [code for code in ("29224", "29227") if office.lives(code)] == ["29224"]


def test_a_later_batch_is_undone_first_then_the_one_before(office: Office) -> None:
    before = office.contents()
    first = office.bring_in(AN_THANH)
    second = office.bring_in(RENAMED, as_of=IN_2025)

    too_early = office.look(first)
    office.undo(second)
    office.undo(first)

    assert too_early.reversed == []
    assert office.contents() == before


def test_a_row_already_deleted_is_said_and_holds_nothing(office: Office) -> None:
    batch_id = office.bring_in(AN_THANH, GIAO_THANH)
    with office.database.writing.begin() as session, session.doing("xóa"):
        session.delete(session.scalars(select(Commune).where(Commune.code == "29224")).one())

    undone = office.undo(batch_id)

    assert said(undone.kept) == {"Xã, phường Xã An Thạnh": "Đã xóa sau đợt nhập."}
    assert numbers(undone) == (3, 1, 0)
    assert office.count(Province) == 0


NOTHING_NEW: Any = SimpleNamespace(model=Commune, counts={"new": 0, "changed": 0})


def test_the_same_file_is_imported_again_after_its_undo(office: Office) -> None:
    first = office.bring_in(AN_THANH)
    kept = office.contents()
    office.undo(first)

    with office.database.reading() as session:
        known = importing.imported_before(session, "a" * 64, NOTHING_NEW)
    second = office.bring_in(AN_THANH)

    assert known == []
    assert len(office.contents()) == len(kept)
    with office.database.reading() as session:
        assert session.get_one(ImportBatch, second).number == 2


# ---- any model ------------------------------------------------------------------------------------------------


class Village:
    """Producers and products before a batch; ids."""

    def __init__(self, office: Office) -> None:
        office.bring_in(AN_THANH, GIAO_THANH)
        self.commune, self.other = office.unit("29224").id, office.unit("29227").id
        with office.database.writing.begin() as session:
            self.province = session.scalars(select(Province.id)).one()
            entity = Entity(
                name="HTX An Thạnh", kind=EntityKind.COOPERATIVE, commune_id=self.commune, tax_code="1300222220"
            )
            product = Product(name="Kẹo dừa", entity=entity, commune_id=self.commune, description="Dòng một\nDòng hai")
            cycle = Cycle(name="Chu trình năm 2021", year=2021, province_id=self.province, opened_on=IN_2021)
            step = CycleStep(
                **{"number": 2, "code": StepCode.IDEA, "name": "Ý tưởng", "short_name": "Ý tưởng"},
                **{"kind": "product", "receiving_level": "commune", "valid_from": IN_2017},
            )
            session.add_all([entity, product, cycle, step])
            session.flush()
            self.entity, self.product, self.cycle, self.step = entity.id, product.id, cycle.id, step.id

    def rating(self, **values: Any) -> Rating:
        given = {"regime": Regime.QD148, "mean_points": Decimal("76.5"), "stars_by_points": 4, "stars": 4}
        return Rating(product_id=self.product, decided_on=IN_2025, **given | values)


@pytest.fixture
def village(office: Office) -> Village:
    return Village(office)


def test_rows_of_any_model_made_by_a_batch_are_removed_with_their_parts(office: Office, village: Village) -> None:
    before = office.contents()
    with office.database.writing.begin() as session:
        batch_id = office.batch(session, "product").id
        with session.doing("nhập liệu", batch_id=batch_id):
            entity = Entity(name="Cơ sở Hai Lúa", kind=EntityKind.HOUSEHOLD, commune_id=village.other)
            product = Product(name="Mật ong", entity=entity, commune_id=village.other)
            joined = Participation(
                product=product, cycle_id=village.cycle, step_id=village.step, entered_on=IN_2021, returns=0
            )
            session.add_all([entity, Representative(entity=entity, name="Trần Văn Lúa"), product, joined])
            session.add(village.rating())

    undone = office.undo(batch_id)

    assert numbers(undone) == (5, 0, 0)
    assert office.contents() == before


def test_lists_taken_by_the_import_itself_are_undone_one_after_the_other(office: Office, village: Village) -> None:
    before = office.contents()
    producers = office.take(
        Entity, ("Tên chủ thể", "Xã, phường", "Điện thoại"),
        ("HTX An Thạnh", "Xã An Thạnh", "0275 3870000"), ("HTX Giao Thạnh", "Xã Giao Thạnh", ""),
    )  # fmt: skip
    between = office.contents()
    products = office.take(
        Product, ("Tên sản phẩm", "Chủ thể", "Mô tả"),
        ("Kẹo dừa", "HTX An Thạnh", "Loại đặc biệt"), ("Mật ong", "HTX Giao Thạnh", ""),
    )  # fmt: skip

    too_early = office.look(producers)
    office.undo(products)
    after_products = office.contents()
    office.undo(producers)

    assert said(too_early.blocked) == {"Chủ thể HTX Giao Thạnh": "Đang được dùng: 1 sản phẩm."}
    assert after_products == between
    assert office.contents() == before


def test_entries_of_a_cycle_taken_by_the_import_go_with_their_first_step(office: Office, village: Village) -> None:
    before = office.contents()
    batch_id = office.take(Participation, ("Sản phẩm", "Chu trình"), ("Kẹo dừa", "Chu trình năm 2021"), as_of=IN_2021)

    undone = office.undo(batch_id)

    assert {line.model for line in undone.reversed} == {Participation, StepRecord}
    assert office.contents() == before


def test_changed_values_of_every_kind_are_put_back(office: Office, village: Village) -> None:
    with office.database.writing.begin() as session:
        rating = village.rating()
        session.add(rating)
        session.flush()
        rating_id = rating.id
    before = office.contents()
    with office.database.writing.begin() as session:
        batch_id = office.batch(session, "product").id
        with session.doing("nhập liệu", batch_id=batch_id):
            product = session.get_one(Product, village.product)
            product.name, product.description = "Kẹo dừa sữa", "Một\nhai\nba"
            product.commune_id, product.status = village.other, ProductStatus.PAUSED
            rating = session.get_one(Rating, rating_id)
            rating.mean_points, rating.stars, rating.stars_by_points = Decimal("95.123456"), 5, 5
            rating.decided_on, rating.potential_five, rating.expires_on = IN_2021, True, IN_2025
            entity = session.get_one(Entity, village.entity)
            entity.tax_code, entity.name = None, "HTX An Thạnh Mới"

    looked = office.look(batch_id)
    office.undo(batch_id)

    assert office.contents() == before
    by_model = {line.model: {label: (a, b) for label, a, b in line.changes} for line in looked.reversed}
    assert by_model[Product]["Nơi sản xuất"] == ("Xã Giao Thạnh", "Xã An Thạnh")
    assert by_model[Product]["Tình trạng"] == ("Tạm ngừng", "Đang sản xuất")
    assert by_model[Rating]["Điểm trung bình"] == ("95,123456", "76,5")
    assert by_model[Entity]["Mã số thuế"] == ("", "1300222220")


def test_a_row_changed_twice_by_a_batch_goes_back_to_before_the_first_time(office: Office, village: Village) -> None:
    with office.database.writing.begin() as session:
        batch_id = office.batch(session, "product").id
        with session.doing("nhập liệu", batch_id=batch_id):
            for name in ("Kẹo dừa béo", "Kẹo dừa sữa"):
                session.get_one(Product, village.product).name = name
                session.flush()

    office.undo(batch_id)

    with office.database.reading() as session:
        assert session.get_one(Product, village.product).name == "Kẹo dừa"


def test_a_row_that_a_batch_deleted_is_there_again_under_its_number(office: Office, village: Village) -> None:
    before = office.contents()
    with office.database.writing.begin() as session:
        batch_id = office.batch(session, "product").id
        with session.doing("nhập liệu", batch_id=batch_id):
            session.delete(session.get_one(Product, village.product))
        with session.doing("nhập liệu", batch_id=batch_id):
            session.delete(session.get_one(Entity, village.entity))

    undone = office.undo(batch_id)

    assert numbers(undone) == (2, 0, 0)
    assert office.contents() == before


def test_a_changed_row_edited_since_stays_and_the_others_go_back(office: Office, village: Village) -> None:
    with office.database.writing.begin() as session:
        batch_id = office.batch(session, "product").id
        with session.doing("nhập liệu", batch_id=batch_id):
            session.get_one(Product, village.product).packaging = "Hộp 200 g"
            session.get_one(Entity, village.entity).phone = "0275 3870000"
    office.edit(Product, village.product, description="Sửa sau")

    undone = office.undo(batch_id)

    assert ([line.model for line in undone.reversed], [line.model for line in undone.kept]) == ([Entity], [Product])
    with office.database.reading() as session:
        assert session.get_one(Product, village.product).packaging == "Hộp 200 g"
        assert session.get_one(Entity, village.entity).phone == ""


def test_a_value_changed_past_the_trail_is_kept(office: Office, village: Village) -> None:
    with office.database.writing.begin() as session:
        batch_id = office.batch(session, "entity").id
        with session.doing("nhập liệu", batch_id=batch_id):
            session.get_one(Entity, village.entity).phone = "0275 3870000"
    with office.database.engine.begin() as connection:
        connection.execute(Entity.__table__.update().values(phone="0275 1"))  # type: ignore[attr-defined]  # a Table

    looked = office.look(batch_id)

    assert said(looked.kept) == {"Chủ thể HTX An Thạnh": "Giá trị trong sổ không còn là giá trị đợt nhập đã ghi."}


def test_a_producer_with_products_of_others_is_blocked_by_name(office: Office, village: Village) -> None:
    with office.database.writing.begin() as session:
        batch_id = office.batch(session, "entity").id
        with session.doing("nhập liệu", batch_id=batch_id):
            entity = Entity(name="Cơ sở Hai Lúa", kind=EntityKind.HOUSEHOLD, commune_id=village.other)
            session.add_all([entity, Representative(entity=entity, name="Trần Văn Lúa")])
            session.get_one(Entity, village.entity).phone = "0275 3870000"
        entity_id = entity.id
    with office.database.writing.begin() as session:
        session.add_all(
            Product(name=name, entity_id=entity_id, commune_id=village.other) for name in ("Mật ong", "Trà")
        )

    undone = office.undo(batch_id)

    assert said(undone.blocked) == {"Chủ thể Cơ sở Hai Lúa": "Đang được dùng: 2 sản phẩm."}
    assert {line.model for line in undone.reversed} == {Entity, Representative}
    assert office.count(Representative) == 0


def test_a_tax_code_that_another_bears_now_is_not_given_back(office: Office, village: Village) -> None:
    with office.database.writing.begin() as session:
        batch_id = office.batch(session, "entity").id
        with session.doing("nhập liệu", batch_id=batch_id):
            session.get_one(Entity, village.entity).tax_code = None
    with office.database.writing.begin() as session:
        session.add(
            Entity(name="HTX Khác", kind=EntityKind.COOPERATIVE, commune_id=village.other, tax_code="1300222220")
        )

    looked = office.look(batch_id)

    assert said(looked.kept) == {
        "Chủ thể HTX An Thạnh": "Nếu trả lại thì trùng mã số thuế với một bản ghi khác.",
    }


def test_a_tax_code_that_the_batch_gave_to_a_new_producer_goes_back(office: Office, village: Village) -> None:
    before = office.contents()
    with office.database.writing.begin() as session:
        batch_id = office.batch(session, "entity").id
        with session.doing("nhập liệu", batch_id=batch_id):
            session.get_one(Entity, village.entity).tax_code = None
            session.flush()
            session.add(
                Entity(name="HTX Khác", kind=EntityKind.COOPERATIVE, commune_id=village.other, tax_code="1300222220")
            )

    office.undo(batch_id)

    assert office.contents() == before


def test_a_product_moved_to_a_new_producer_goes_back_before_that_is_removed(office: Office, village: Village) -> None:
    before = office.contents()
    with office.database.writing.begin() as session:
        batch_id = office.batch(session, "product").id
        with session.doing("nhập liệu", batch_id=batch_id):
            entity = Entity(name="Cơ sở Hai Lúa", kind=EntityKind.HOUSEHOLD, commune_id=village.other)
            session.add(entity)
            session.flush()
            session.get_one(Product, village.product).entity_id = entity.id

    office.undo(batch_id)

    assert office.contents() == before


# ---- who, when ------------------------------------------------------------------------------------------------


def test_a_batch_is_undone_once(office: Office) -> None:
    batch_id = office.bring_in(AN_THANH)
    office.undo(batch_id)

    for again in (office.look, office.undo):
        with pytest.raises(importing.AlreadyUndone) as refusal:
            again(batch_id)
    with pytest.raises(importing.AlreadyUndone), office.database.writing.begin() as session:
        importing.apply(session, session.get_one(ImportBatch, batch_id))
    with pytest.raises(importing.AlreadyUndone), office.database.writing.begin() as session:
        importing.drop(session, session.get_one(ImportBatch, batch_id))

    assert str(refusal.value) == "Đợt nhập số 1 đã hoàn tác. Tải tệp lên lại nếu cần nhập lần nữa."


def test_a_plan_is_not_undone(office: Office) -> None:
    batch_id = office.bring_in(AN_THANH)
    with office.database.writing.begin() as session, session.doing("sửa"):
        session.get_one(ImportBatch, batch_id).state = BatchState.PLANNED

    with pytest.raises(undoing.NotApplied):
        office.look(batch_id)


def test_another_outcome_than_the_one_seen_is_refused(office: Office) -> None:
    batch_id = office.bring_in(AN_THANH, GIAO_THANH)
    seen = office.look(batch_id).mark
    office.edit(Commune, office.unit("29224").id, legal_basis="Nghị quyết 1/NQ")
    before = office.contents()

    with pytest.raises(undoing.UndoMoved):
        office.undo(batch_id, seen=seen)

    assert office.contents() == before


def _clerk(office: Office, area: Area, **given: Any) -> Actor:
    with office.database.writing.begin() as session:
        user, _password = accounts.add_user(
            session,
            username="be.tinh",
            full_name="Phạm Văn Bé",
            role=Role.PROVINCE_CLERK,
            place=session.scalars(select(Province)).one(),
            password="mat-khau-2026-dai",
        )
        user_id = user.id
    return Actor(
        "Phạm Văn Bé", replace(area, user_id=user_id), user_id, Role.PROVINCE_CLERK, **{"rights": CLERK_RIGHTS} | given
    )


def test_a_clerk_undoes_an_own_batch_within_the_area(office: Office, village: Village) -> None:
    who = _clerk(office, Area(provinces=frozenset({village.province}), around=frozenset({village.province})))
    before = office.contents()
    with acting_as(who):
        with office.database.writing.begin() as session:
            batch_id = office.batch(session, "entity", who.user_id).id
            with session.doing("nhập liệu", batch_id=batch_id):
                session.add(Entity(name="Cơ sở Hai Lúa", kind=EntityKind.HOUSEHOLD, commune_id=village.other))
                session.get_one(Product, village.product).commune_id = village.other

        undone = office.undo(batch_id)

    assert numbers(undone) == (2, 0, 0)
    assert office.contents() == before
    with office.database.reading() as session:
        assert session.get_one(ImportBatch, batch_id).undone_by == "Phạm Văn Bé"


def test_rows_outside_the_clerk_s_area_stay_and_are_not_named(office: Office, village: Village) -> None:
    who = _clerk(office, Area(communes=frozenset({village.commune})))
    with office.database.writing.begin() as session:
        batch_id = office.batch(session, "entity", who.user_id).id
        with session.doing("nhập liệu", batch_id=batch_id):
            session.add(Entity(name="Cơ sở Hai Lúa", kind=EntityKind.HOUSEHOLD, commune_id=village.other))
            session.get_one(Entity, village.entity).phone = "0275 3870000"

    with acting_as(who):
        undone = office.undo(batch_id)

    assert [line.label for line in undone.reversed] == ["HTX An Thạnh"]
    assert said(undone.kept) == {"Chủ thể Chủ thể ngoài địa bàn": "Nằm ngoài địa bàn của bạn."}
    assert office.count(Entity) == 2


@pytest.mark.parametrize("rights", [frozenset(), CLERK_RIGHTS])
def test_who_may_not_import_or_did_not_make_it_does_not_undo_it(
    office: Office, rights: frozenset[tuple[str, str]]
) -> None:
    batch_id = office.bring_in(AN_THANH)
    who = _clerk(office, Area(), rights=rights)
    with office.database.writing.begin() as session:
        batch = session.get_one(ImportBatch, batch_id)
        with session.doing("sửa"):
            batch.user_id = None if rights else who.user_id

    with acting_as(who), office.database.reading() as session:
        with acting_as(system("kiểm thử")):
            batch = session.get_one(ImportBatch, batch_id)
        assert not undoing.may_undo(session, batch)
        with pytest.raises(undoing.NotYoursToUndo):
            undoing.look(session, batch)


# ---- many rows ------------------------------------------------------------------------------------------------


def test_a_long_list_is_undone_whole(office: Office) -> None:
    rows = [
        ("83", "Tỉnh Bến Tre", f"{800 + n // 20}", f"Huyện {800 + n // 20}", f"{20000 + n}", f"Xã Đông {n}", "Xã")
        for n in range(1_200)
    ]
    batch_id = office.bring_in(*rows)

    undone = office.undo(batch_id)

    assert numbers(undone) == (1_200 + 60 + 1, 0, 0)
    assert office.count(Commune) == 0


def test_a_commune_s_kind_reads_back_as_its_choice(office: Office) -> None:
    office.bring_in(AN_THANH)
    office.undo(office.bring_in(RENAMED))

    assert office.unit("29224").kind is CommuneKind.COMMUNE
