"""Chuyển đơn vị: what has one successor goes there at once, what was divided waits, and every move goes back."""

from datetime import date

import pytest
from sqlalchemy import select

from app.current import Actor, acting_as, system
from app.database import Database
from app.services import accounts, importing, moving
from app.services.geography import Level, recorded_in, summary
from app.services.importing import undoing
from app.session import OcopSession
from app.table import Column, Table
from models import (
    AuditEntry,
    BatchState,
    Commune,
    CommuneSuccession,
    CriteriaSet,
    District,
    Entity,
    EntityKind,
    ImportBatch,
    ImportRow,
    Product,
    Province,
    Rating,
    Regime,
    Role,
    User,
)

TODAY = date(2026, 11, 25)
BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)
BINH_KHANH, DONG_KHOI = ("28945", BEFORE), ("28945", AFTER)  # one code, two places
DIVIDED = ("29770", BEFORE)
SYSTEM = system("kiểm thử")


def commune(session: OcopSession, unit: tuple[str, date]) -> Commune:
    code, on = unit
    return next(each for each in session.scalars(select(Commune).where(Commune.code == code)) if each.in_force(on))


def fill(database: Database, unit: tuple[str, date], *, address: str = "Ấp Phước Lý, xã Bình Khánh") -> tuple[int, int]:
    """A producer with a product and its result in a unit; ids of producer and product."""
    with acting_as(SYSTEM), database.writing.begin() as session, session.doing("thử"):
        place = commune(session, unit)
        entity = Entity(name="HTX Dừa Bình Khánh", kind=EntityKind.COOPERATIVE, commune=place, printed_address=address)
        product = Product(name="Kẹo dừa sáp", entity=entity, commune=place)
        rating = Rating(
            product=product,
            criteria_set=session.scalars(select(CriteriaSet)).first(),
            regime=Regime.QD148,
            mean_points=72,
            stars_by_points=4,
            stars=4,
            decided_on=date(2024, 6, 1),
        )
        session.add_all([entity, product, rating])
        session.flush()
        return entity.id, product.id


def place_of(session: OcopSession, row: Entity | Product | Rating) -> tuple[str, str | None]:
    """(name of the commune it lies in, of the one it was moved from)."""
    was = session.get(Commune, row.moved_from_id) if row.moved_from_id else None
    return session.get_one(Commune, row.commune_id).name, was.name if was else None


def places(database: Database, ids: tuple[int, int]) -> list[tuple[str, str | None]]:
    with acting_as(SYSTEM), database.reading() as session:
        rating = session.scalars(select(Rating).where(Rating.product_id == ids[1])).one()
        rows = (session.get_one(Entity, ids[0]), session.get_one(Product, ids[1]), rating)
        return [place_of(session, row) for row in rows]


def moved(database: Database) -> int:
    with acting_as(SYSTEM), database.writing.begin() as session:
        return moving.move(session, today=TODAY).id


def actor(database: Database, role: Role, place: accounts.Place | tuple[str, date]) -> Actor:
    with acting_as(SYSTEM), database.writing.begin() as session:
        found = commune(session, place) if isinstance(place, tuple) else session.get_one(type(place), place.id)
        name = f"canbo.{found.id}"
        user = accounts.add_user(
            session, username=name, full_name="Lê Thị Mai", role=role, place=found, password="mat-khau-2026"
        )[0]
        return accounts.actor_of(session, user)


@pytest.mark.fill("reference")
def test_records_go_to_the_one_successor_and_keep_where_they_were_recorded(any_database: Database) -> None:
    ids = fill(any_database, BINH_KHANH)

    moved(any_database)

    assert places(any_database, ids) == [("Xã Đồng Khởi", "Xã Bình Khánh")] * 3
    with acting_as(SYSTEM), any_database.reading() as session:
        entity = session.get_one(Entity, ids[0])
        assert entity.printed_address == "Ấp Phước Lý, xã Bình Khánh"
        assert entity.province_id == session.get_one(Commune, entity.commune_id).province_id


@pytest.mark.fill("reference")
def test_the_map_of_a_day_before_shows_moved_records_where_they_lay_then(any_database: Database) -> None:
    fill(any_database, BINH_KHANH)
    ids = fill(any_database, DIVIDED)
    before = report(any_database)
    moved(any_database)
    with acting_as(SYSTEM), any_database.writing.begin() as session:
        divided = commune(session, DIVIDED)
        heir = session.scalars(select(CommuneSuccession.new_id).where(CommuneSuccession.old_id == divided.id)).first()
        for model, row_id in ((Entity, ids[0]), (Product, ids[1])):
            moving.choose(session, model, row_id, heir or 0, version=1, today=TODAY)

    assert report(any_database) == before
    assert {"Xã Bình Khánh", "Phường Cái Vồn"} <= set(before)
    assert "Xã Đồng Khởi" in report(any_database, AFTER)
    with acting_as(SYSTEM), any_database.reading() as session:
        bears = commune(session, BINH_KHANH).id
        assert session.scalars(select(Product.id).where(recorded_in(Product, BEFORE) == bears)).all()
        assert not session.scalars(select(Product.id).where(recorded_in(Product, AFTER) == bears)).all()


@pytest.mark.fill("reference")
def test_a_list_of_another_day_finds_moved_records_and_moves_nothing(any_database: Database) -> None:
    ids = fill(any_database, BINH_KHANH)
    before = Table(
        tuple(map(Column, ("Tên chủ thể", "Mã xã", "Điện thoại"))),
        [("HTX Dừa Bình Khánh", "28945", "0275 3870 001")],
        [2],
    )
    after = Table(tuple(map(Column, ("Tên chủ thể", "Xã"))), [("HTX Dừa Bình Khánh", "Xã Đồng Khởi")], [2])
    assert planned(any_database, after, AFTER) == {"same": 1}, "not moved yet"

    moved(any_database)

    assert planned(any_database, after, AFTER) == {"same": 1}
    assert planned(any_database, before, BEFORE) == {"changed": 1}
    with acting_as(SYSTEM), any_database.writing.begin() as session:
        made = importing.plan(session, Entity, before, as_of=BEFORE)
        assert [set(row.changes) for row in made.rows] == [{"phone"}]
        importing.apply(session, importing.store(session, made, file_name="a", content_hash="a" * 64, size=1))
    assert places(any_database, ids) == [("Xã Đồng Khởi", "Xã Bình Khánh")] * 3


def planned(database: Database, table: Table, day: date) -> dict[str, int]:
    with acting_as(SYSTEM), database.writing.begin() as session:
        found = importing.plan(session, Entity, table, as_of=day).counts
        return {action: count for action, count in found.items() if count}


def report(database: Database, day: date = BEFORE) -> dict[str, tuple[int, ...]]:
    """Figures of the report by commune on a day, of those that have any."""
    with acting_as(SYSTEM), database.reading() as session:
        lines = summary(session, day, Level.COMMUNE).lines
        return {line.name: line.figures for line in lines if any(line.figures)}


@pytest.mark.fill("reference")
def test_communes_are_listed_in_vietnamese_order(database: Database) -> None:
    names = {"Xã An Thuận", "Xã An Thạnh", "Xã An Điền"}
    district = Commune.district.has(District.name == "Huyện Thạnh Phú")
    with acting_as(SYSTEM), database.reading() as session:
        units = session.scalars(select(Commune).where(Commune.name.in_(names), district)).all()
        ended = [(unit.code, unit.valid_to) for unit in units if unit.valid_to == BEFORE]
    for code, day in ended:
        fill(database, (code, day or BEFORE))

    with acting_as(SYSTEM), database.reading() as session:
        found = moving.look(session, TODAY)

    assert [each.unit.name for each in found.whole] == ["Xã An Điền", "Xã An Thạnh", "Xã An Thuận"]


@pytest.mark.fill("reference")
def test_looking_changes_nothing_and_counts_what_would_go(database: Database) -> None:
    ids = fill(database, BINH_KHANH)

    with acting_as(SYSTEM), database.reading() as session:
        found = moving.look(session, TODAY)

    assert [(each.unit.name, moving.counted(each.counts)) for each in found.whole] == [
        ("Xã Bình Khánh", "1 chủ thể, 1 sản phẩm")
    ]
    assert places(database, ids) == [("Xã Bình Khánh", None)] * 3


@pytest.mark.fill("reference")
def test_a_move_is_one_numbered_batch_in_the_trail(database: Database) -> None:
    fill(database, BINH_KHANH)

    batch_id = moved(database)

    with acting_as(SYSTEM), database.reading() as session:
        batch = session.get_one(ImportBatch, batch_id)
        assert (batch.number, batch.state, batch.counts["changed"]) == (1, BatchState.APPLIED, 2)
        lines = session.scalars(select(ImportRow).where(ImportRow.batch_id == batch_id).order_by(ImportRow.line)).all()
        was = "Xã Bình Khánh, mã 28945, Huyện Mỏ Cày Nam, đến hết 30/06/2025"
        assert [line.changes for line in lines] == [{"name": [was, "Xã Đồng Khởi, mã 28945, từ 01/07/2025"]}] * 2
        trail = session.scalars(
            select(AuditEntry).where(AuditEntry.batch_id == batch_id, AuditEntry.verb == moving.VERB)
        )
        assert {"entities", "products"} <= {entry.model for entry in trail}


@pytest.mark.fill("reference")
def test_a_move_is_taken_back_whole(any_database: Database) -> None:
    ids = fill(any_database, BINH_KHANH)
    batch_id = moved(any_database)

    with acting_as(SYSTEM), any_database.writing.begin() as session:
        found = undoing.undo(session, session.get_one(ImportBatch, batch_id))

    assert (len(found.reversed), found.kept, found.blocked) == (2, [], [])
    assert places(any_database, ids) == [("Xã Bình Khánh", None)] * 3


@pytest.mark.fill("reference")
def test_nothing_is_moved_twice(database: Database) -> None:
    fill(database, BINH_KHANH)
    moved(database)

    with pytest.raises(moving.NothingToMove):
        moved(database)


@pytest.mark.fill("reference")
def test_a_register_that_changed_since_the_preview_is_looked_at_again(database: Database) -> None:
    ids = fill(database, BINH_KHANH)
    with acting_as(SYSTEM), database.reading() as session:
        seen = moving.look(session, TODAY).mark
    fill(database, BINH_KHANH, address="Ấp Phước Tân")

    with acting_as(SYSTEM), pytest.raises(moving.MovingChanged), database.writing.begin() as session:
        moving.move(session, today=TODAY, seen=seen)

    assert places(database, ids) == [("Xã Bình Khánh", None)] * 3


@pytest.mark.fill("reference")
def test_records_of_a_divided_commune_wait_and_their_address_suggests(database: Database) -> None:
    with acting_as(SYSTEM), database.reading() as session:
        heir = commune(session, ("29771", AFTER)).name
    ids = fill(database, DIVIDED, address=f"Khóm Mỹ Hòa, {heir}")
    fill(database, BINH_KHANH)

    moved(database)

    assert places(database, ids)[0][1] is None
    with acting_as(SYSTEM), database.reading() as session:
        found = moving.look(session, TODAY)
        asked = moving.waiting(session, found, found.divided[0].commune_id)
        assert [found.units[each.likely].name for each in asked if each.likely] == [heir] * 2
        assert {each.row_id for each in asked} == set(ids)


@pytest.mark.fill("reference")
def test_a_clerk_chooses_for_each_record_and_may_take_it_back(database: Database) -> None:
    ids = fill(database, DIVIDED)
    with acting_as(SYSTEM), database.writing.begin() as session:
        heir = commune(session, ("29771", AFTER))
        batch = moving.choose(session, Product, ids[1], heir.id, version=1, today=TODAY)
        batch_id, chosen, old = batch.id, heir.name, commune(session, DIVIDED).name

    assert places(database, ids) == [(old, None), (chosen, old), (chosen, old)]
    with acting_as(SYSTEM), database.writing.begin() as session:
        undoing.undo(session, session.get_one(ImportBatch, batch_id))
    assert places(database, ids) == [(old, None)] * 3


@pytest.mark.fill("reference")
@pytest.mark.parametrize("unit", [BINH_KHANH, DIVIDED])
def test_a_choice_that_is_none_is_refused(database: Database, unit: tuple[str, date]) -> None:
    ids = fill(database, unit)

    with acting_as(SYSTEM), pytest.raises(moving.NotThere), database.writing.begin() as session:
        moving.choose(session, Entity, ids[0], commune(session, DONG_KHOI).id, version=1, today=TODAY)


@pytest.mark.fill("reference")
def test_who_had_a_commune_sees_what_came_from_it_and_nothing_else_of_its_successor(any_database: Database) -> None:
    ids, others = fill(any_database, BINH_KHANH), fill(any_database, DONG_KHOI)
    who = actor(any_database, Role.COMMUNE_CLERK, BINH_KHANH)
    now = actor(any_database, Role.COMMUNE_CLERK, DONG_KHOI)

    moved(any_database)

    for clerk, seen in ((who, {ids[0]}), (now, {ids[0], others[0]})):
        with acting_as(clerk), any_database.reading() as session:
            assert set(session.scalars(select(Entity.id))) == seen
            assert len(session.scalars(select(Rating.id)).all()) == len(seen)
    with acting_as(who), any_database.reading() as session:
        assert session.get_one(Entity, ids[0]).commune.name == "Xã Đồng Khởi"


@pytest.mark.fill("reference")
@pytest.mark.parametrize("both_parts", [False, True])
def test_areas_survive_two_mergers_of_which_the_first_was_a_clerks_choice(
    any_database: Database, *, both_parts: bool
) -> None:
    """Cái Vồn was divided; a clerk chose one of its heirs, which then is merged itself, with or without the other."""
    ids = fill(any_database, DIVIDED)
    with acting_as(SYSTEM), any_database.reading() as session:
        first = commune(session, DIVIDED)
        parts = session.scalars(
            select(Commune)
            .join(CommuneSuccession, CommuneSuccession.new_id == Commune.id)
            .where(CommuneSuccession.old_id == first.id)
            .order_by(Commune.id)
        ).all()
    chosen, other = ((unit.code, AFTER) for unit in parts)
    own = fill(any_database, chosen)
    clerks = {
        name: actor(any_database, Role.COMMUNE_CLERK, unit)
        for name, unit in (("first", DIVIDED), ("chosen", chosen), ("other", other))
    }
    with acting_as(SYSTEM), any_database.writing.begin() as session:
        for model, row_id in ((Entity, ids[0]), (Product, ids[1])):
            moving.choose(session, model, row_id, commune(session, chosen).id, version=1, today=TODAY)
        ended = [commune(session, chosen), *([commune(session, other)] if both_parts else [])]
        with session.doing("thử"):
            new = Commune(
                code="99999", name="Phường Mới", kind="phuong", province=ended[0].province, valid_from=date(2026, 10, 1)
            )
            session.add(new)
            for unit in ended:
                unit.valid_to = date(2026, 9, 30)
                session.add(CommuneSuccession(old=unit, new=new, kind="nhap_toan_bo"))
    clerks["new"] = actor(any_database, Role.COMMUNE_CLERK, ("99999", TODAY))

    moved(any_database)

    with acting_as(SYSTEM), any_database.writing.begin() as session:
        names = {
            name: f"canbo.{commune(session, unit).id}"
            for name, unit in (("first", DIVIDED), ("chosen", chosen), ("other", other))
        }
        for name, username in names.items():
            user = session.scalars(select(User).where(User.username == username)).one()
            clerks[name] = accounts.actor_of(session, user)
    seen = {}
    for name, clerk in clerks.items():
        with acting_as(clerk), any_database.reading() as session:
            seen[name] = set(session.scalars(select(Entity.id)))
    assert place_of_entity(any_database, ids[0]) == ("Phường Mới", "Phường Cái Vồn")
    assert seen["first"] == {ids[0]}
    assert seen["new"] == {ids[0], own[0]}
    assert seen["chosen"] == ({own[0]} if both_parts else {ids[0], own[0]})
    assert seen["other"] == set()


def place_of_entity(database: Database, row_id: int) -> tuple[str, str | None]:
    with acting_as(SYSTEM), database.reading() as session:
        return place_of(session, session.get_one(Entity, row_id))


@pytest.mark.fill("reference")
def test_districts_keep_the_records_of_their_time(database: Database) -> None:
    ids = fill(database, BINH_KHANH)
    fill(database, DONG_KHOI)
    with acting_as(SYSTEM), database.reading() as session:
        district = commune(session, BINH_KHANH).district
        former = session.scalars(select(Province).where(Province.code == "83")).one()
    assert district is not None
    clerks = [actor(database, Role.DISTRICT_CLERK, district), actor(database, Role.PROVINCE_CLERK, former)]

    moved(database)

    for clerk in clerks:
        with acting_as(clerk), database.reading() as session:
            assert session.scalars(select(Product.id)).all() == [ids[1]]


@pytest.mark.fill("reference")
def test_a_clerk_moves_the_records_of_the_own_area_alone(database: Database) -> None:
    fill(database, BINH_KHANH)
    with acting_as(SYSTEM), database.reading() as session:
        elsewhere = session.scalars(select(Province).where(Province.code == "01", Province.valid_to.is_(None))).one()
    who = actor(database, Role.PROVINCE_CLERK, elsewhere)

    with acting_as(who), database.reading() as session:
        assert moving.look(session, TODAY).whole == []
