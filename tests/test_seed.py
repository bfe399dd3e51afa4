import stat
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.current import acting_as, system
from app.database import Database
from app.services import accounts, importing
from app.session import OcopSession
from app.table import Column, Table
from models import (
    AuditEntry,
    Base,
    Commune,
    CommuneSuccession,
    CriteriaSet,
    Criterion,
    CriterionKind,
    CriterionOption,
    Cycle,
    CycleStep,
    District,
    Entity,
    Grant,
    Move,
    Participation,
    ParticipationState,
    Product,
    ProductGroup,
    Province,
    Rating,
    Role,
    StepRecord,
)
from models.rules.access import grants
from models.rules.rating import stars
from models.rules.text import fold
from seed import demo, reference
from tests.conftest import DEMO_PASSWORD


@pytest.fixture
def session(database: Database) -> Iterator[OcopSession]:
    with acting_as(system("kiểm thử")), database.writing.begin() as opened:
        yield opened


def count(session: OcopSession, model: type[Base]) -> int:
    return session.scalar(select(func.count(model.id))) or 0


# ---- reference data ----------------------------------------------------------------------------------------


@pytest.mark.fill("reference")
@pytest.mark.parametrize(
    ("model", "files"),
    [
        (Province, ["provinces"]),
        (District, ["districts"]),
        (Commune, ["communes"]),
        (CommuneSuccession, ["commune_successions"]),
        (CycleStep, ["cycle_steps"]),
        (ProductGroup, ["product_groups"]),
        (CriteriaSet, ["criteria_sets"]),
        (Criterion, ["criteria_set_7"]),
        (CriterionOption, ["criteria_set_7_options"]),
    ],
)
def test_every_line_of_the_files_is_a_row(session: OcopSession, model: type[Base], files: list[str]) -> None:
    assert count(session, model) == sum(len(reference.read(name)) for name in files) > 0


@pytest.mark.fill("reference")
def test_a_unit_lies_in_the_life_of_its_parent_on_its_last_day(session: OcopSession) -> None:
    former, new = (
        session.scalars(select(Commune).where(Commune.code == "29182", Commune.valid_from == since)).one()
        for since in (date(2017, 10, 15), date(2025, 7, 1))
    )
    of_a_new_city = session.scalars(
        select(Commune).join(Commune.province).where(Province.code == "75", Commune.valid_to.is_(None))
    ).first()

    assert (former.province.name, former.district and former.district.name) == ("Tỉnh Bến Tre", "Huyện Thạnh Phú")
    assert (new.province.name, new.district) == ("Tỉnh Vĩnh Long", None)
    assert new.province.valid_to is None
    assert of_a_new_city is not None
    assert of_a_new_city.province.name == "Thành phố Đồng Nai"


@pytest.mark.fill("reference")
def test_places_are_found_without_diacritics_and_their_making_is_in_the_trail(session: OcopSession) -> None:
    found = session.scalars(select(Commune.name).where(Commune.search_text.contains(fold("thanh phu")))).all()
    makers = set(session.scalars(select(AuditEntry.actor).where(AuditEntry.model == "communes")))

    assert {"Xã Thạnh Phú", "Thị trấn Thạnh Phú"} <= set(found)
    assert makers == {"dữ liệu ban đầu"}


@pytest.mark.fill("reference")
def test_the_points_of_criteria_set_7_add_up(session: OcopSession) -> None:
    criteria = session.scalars(select(Criterion)).all()
    parts = {c.code: c.max_points for c in criteria if c.kind is CriterionKind.PART}
    below: Counter[int] = Counter()
    for criterion in criteria:
        if criterion.parent_id is not None:
            below[criterion.parent_id] += int(criterion.max_points)

    assert parts == {"A": 40, "B": 25, "C": 35}
    assert {c.code for c in criteria if c.id in below and below[c.id] != c.max_points} == set()
    assert all(o.points <= o.criterion.max_points for o in session.scalars(select(CriterionOption)))


@pytest.mark.fill("reference")
def test_a_second_run_changes_nothing(any_database: Database) -> None:
    with acting_as(system("kiểm thử")), any_database.reading() as session:
        before = count(session, AuditEntry)

    counts = reference.load(any_database)

    with acting_as(system("kiểm thử")), any_database.reading() as session:
        assert count(session, AuditEntry) == before
    assert {name: counts[name] for name in ("new", "changed", "removed")} == {"new": 0, "changed": 0, "removed": 0}


@pytest.mark.fill("reference")
def test_grants_follow_the_table_and_names_the_files(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        session.add(Grant(role=Role.AUDITOR, screen="user", verb="edit"))
        for grant in session.scalars(select(Grant).where(Grant.role == Role.LEADER)):
            session.delete(grant)
        session.scalars(select(CycleStep)).first().name = "Bước một"  # type: ignore[union-attr]  # there are eleven

    counts = reference.load(database)

    leaders = sum(1 for role, _, _ in grants() if role is Role.LEADER)
    assert (counts["new"], counts["changed"], counts["removed"]) == (leaders, 1, 1)
    with acting_as(system("kiểm thử")), database.reading() as session:
        assert {(g.role, g.screen, g.verb) for g in session.scalars(select(Grant))} == set(grants())
        assert session.scalars(select(CycleStep).where(CycleStep.name == "Bước một")).all() == []


@pytest.mark.fill("reference")
def test_a_unit_that_an_office_ended_stays_ended(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        session.scalars(select(Commune).where(Commune.code == "00004")).one().valid_to = date(2026, 11, 1)

    counts = reference.load(database)

    assert counts["changed"] == 0
    with acting_as(system("kiểm thử")), database.reading() as session:
        ended = session.scalars(select(Commune).where(Commune.code == "00004")).one()
        assert ended.valid_to == date(2026, 11, 1)


@pytest.mark.fill("reference")
def test_what_an_import_ended_or_renamed_stays_as_the_import_left_it(database: Database) -> None:
    table = Table(
        tuple(Column(label) for label in ("Mã TP", "Tỉnh Thành Phố", "Mã PX", "Phường Xã")),
        [("86", "Thành phố Vĩnh Long", "29182", "Phường Thạnh Phú")],
        [2],
    )
    with acting_as(system("dòng lệnh")), database.writing.begin() as session:
        plan = importing.plan(session, Commune, table, as_of=date(2026, 10, 1))
        importing.apply(session, importing.store(session, plan, file_name="x.xlsx", content_hash="a" * 64, size=1))
        # An office may also know an earlier end than the files do.
        session.scalars(select(District).where(District.code == "837")).one().valid_to = date(2025, 6, 1)
    with acting_as(system("kiểm thử")), database.reading() as session:
        before = count(session, AuditEntry)

    counts = reference.load(database)

    assert (counts["new"], counts["changed"]) == (0, 0)
    with acting_as(system("kiểm thử")), database.reading() as session:
        lives = session.execute(select(Province.name, Province.valid_to).where(Province.code == "86")).all()
        neighbour = session.scalars(select(Commune).where(Commune.code == "29221", Commune.valid_to.is_(None))).one()
        assert count(session, AuditEntry) == before
        assert {tuple(life) for life in lives} >= {("Thành phố Vĩnh Long", None)}
        assert neighbour.province.name == "Thành phố Vĩnh Long"
        assert session.scalars(select(District).where(District.code == "837")).one().valid_to == date(2025, 6, 1)


# ---- the demo year -----------------------------------------------------------------------------------------


@pytest.mark.fill("demo")
def test_the_demo_has_products_in_every_step_of_both_years(session: OcopSession) -> None:
    taking_part = session.scalars(select(Participation)).all()
    steps = {(p.cycle.year, p.step.number) for p in taking_part}
    states = Counter(p.state for p in taking_part)

    assert (count(session, Entity), count(session, Product), len(taking_part)) == (60, 100, 100)
    assert steps == {(year, number) for year in (2025, 2026) for number in range(1, 9)}
    assert states[ParticipationState.RETURNED] >= 6
    assert states[ParticipationState.WITHDRAWN] >= 2
    assert {p.commune.district.name for p in taking_part if p.commune.district} == {"Huyện Thạnh Phú"}
    assert {p.commune.name for p in taking_part if p.cycle.year == 2026} == {"Xã Thạnh Phú"}


@pytest.mark.fill("demo")
def test_every_demo_product_came_to_its_step_in_order_by_people_with_names(session: OcopSession) -> None:
    for participation in session.scalars(select(Participation)):
        records = participation.records
        numbers = [r.to_step.number for r in records if r.move in (Move.ENTER, Move.ADVANCE)]
        moved = [r.moved_at for r in records]

        assert numbers == list(range(1, participation.step.number + 1))
        assert moved == sorted(moved)
        assert all(r.reason for r in records if r.move in (Move.SEND_BACK, Move.WITHDRAW))
        assert max(moved) < datetime(2026, 11, 23, tzinfo=UTC)
    by = set(session.scalars(select(StepRecord.moved_by)))
    assert by == {"Nguyễn Văn Bình", "Phạm Ngọc Diệp", "Lê Thị Thu Hà"}


@pytest.mark.fill("demo")
def test_demo_ratings_have_the_ratios_of_the_province(session: OcopSession) -> None:
    recognised = [r for r in session.scalars(select(Rating)) if r.stars >= 3]
    share = Counter(r.stars for r in recognised)
    soon = [r for r in recognised if r.expires_on and date(2026, 11, 1) <= r.expires_on <= date(2027, 4, 30)]

    assert 0.75 <= share[3] / len(recognised) <= 0.85
    assert 0.14 <= share[4] / len(recognised) <= 0.22
    assert share[5] + sum(r.potential_five for r in recognised) == 2
    assert len(soon) >= 5
    assert all(r.stars_by_points == stars(Decimal(r.mean_points)) for r in recognised)
    assert {r.authority for r in recognised if r.stars == 3 and r.decided_on.year == 2025} == {"UBND huyện Thạnh Phú"}


@pytest.mark.fill("demo")
def test_demo_people_are_nobody(session: OcopSession) -> None:
    entities = session.scalars(select(Entity)).all()

    assert all(e.phone.startswith("0913 000 ") for e in entities)
    assert {e.tax_code for e in entities} == {None}


@pytest.mark.fill("demo")
def test_a_second_demo_run_changes_nothing(any_database: Database) -> None:
    with acting_as(system("kiểm thử")), any_database.reading() as session:
        before = count(session, AuditEntry)

    summary = demo.load(any_database, DEMO_PASSWORD)

    with acting_as(system("kiểm thử")), any_database.reading() as session:
        assert count(session, AuditEntry) == before
    assert not summary.is_new
    assert (summary.entities, summary.products) == (60, 100)


@pytest.mark.fill("demo")
def test_demo_accounts_sign_in_with_the_one_password_and_see_their_area(database: Database) -> None:
    summary = demo.load(database, DEMO_PASSWORD)

    seen = {}
    for username, _, _ in summary.accounts:
        with database.writing.begin() as session:
            outcome = accounts.sign_in(
                session, username=username, password=summary.password, address="", now=datetime.now(UTC)
            )
            assert outcome.token is not None
            assert not outcome.must_change
            who = accounts.actor_named(session, username)
        with acting_as(who), database.reading() as session:
            seen[username] = (count(session, Product), count(session, Cycle))
    assert [username for username, _, _ in summary.accounts] == [
        "admin",
        "hoidong",
        "kiemtoan",
        "lanhdao",
        "thanhphu",
        "tinh",
        "xa",
    ]
    assert seen["admin"] == seen["tinh"] == (100, 2)
    assert seen["thanhphu"][0] == 70
    assert 30 < seen["xa"][0] < 100  # its own, and those of the communes it took over


def test_the_demo_password_is_made_once_and_kept_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "demo_password"

    made, is_fresh = demo._password(file)

    assert is_fresh
    assert len(made) >= 8
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert demo._password(file) == (made, False)
