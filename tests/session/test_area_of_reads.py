"""Whatever way a row is read, a clerk of Xã An Thạnh reads rows of An Thạnh only: every model, both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Select, case, distinct, exists, func, literal, select
from sqlalchemy.orm import Bundle, aliased, contains_eager, joinedload, selectinload, subqueryload

from app.current import Actor, acting_as, system
from app.database import Database
from models import (
    Area,
    AuditEntry,
    Base,
    Commune,
    Cycle,
    District,
    Entity,
    ImportRow,
    Participation,
    Product,
    Province,
    Rating,
    StepRecord,
    User,
)
from tests import world
from tests.world import FOREIGN, NEIGHBOUR, OWN, SCOPED

Model = type[Any]
Read = Callable[[Model, int], Select[Any]]


def _of_subquery(model: Model, row: int) -> Select[Any]:
    inner = select(model.id).subquery()
    return select(inner.c.id).where(inner.c.id == row)


def _of_cte(model: Model, row: int) -> Select[Any]:
    inner = select(model.id).cte()
    return select(inner.c.id).where(inner.c.id == row)


def _of_recursive_cte(model: Model, row: int) -> Select[Any]:
    line = select(model.id).where(model.id == row).cte("line", recursive=True)
    line = line.union_all(select(model.id).where(model.id == line.c.id, model.id < 0))
    return select(line.c.id)


def _of_union(model: Model, row: int) -> Select[Any]:
    both = select(model.id).where(model.id == row).union_all(select(model.id).where(model.id == row)).subquery()
    return select(both.c.id).distinct()


def _of_alias(model: Model, row: int) -> Select[Any]:
    other = aliased(model)
    return select(other.id).where(other.id == row)


def _of_alias_of_select(model: Model, row: int) -> Select[Any]:
    other = aliased(model, select(model).subquery())
    return select(other.id).where(other.id == row)


def _of_alias_of_alias(model: Model, row: int) -> Select[Any]:
    other = aliased(model, model.__table__.alias())
    return select(other.id).where(other.id == row)


def _joined_to_itself(model: Model, row: int) -> Select[Any]:
    """The own row beside every other: only an alias that is narrowed itself leaves the foreign one out."""
    other = aliased(model)
    return select(other.id).select_from(model).join(other, other.id == row)


def _outer_joined(model: Model, row: int) -> Select[Any]:
    return (
        select(model.id).select_from(Province).outerjoin(model, model.id == row).where(model.id.is_not(None)).distinct()
    )


def _outer_joined_alias(model: Model, row: int) -> Select[Any]:
    other = aliased(model)
    return (
        select(other.id).select_from(Province).outerjoin(other, other.id == row).where(other.id.is_not(None)).distinct()
    )


READS: dict[str, Read] = {
    "entities": lambda model, row: select(model).where(model.id == row),
    "columns": lambda model, row: select(model.id, model.created_at).where(model.id == row),
    "bundle": lambda model, row: select(Bundle("both", model.id, model.version)).where(model.id == row),
    "max": lambda model, row: select(func.max(model.id)).where(model.id == row).having(func.max(model.id).is_not(None)),
    "case": lambda model, row: select(case((model.id == row, model.id))).where(model.id == row),
    "only columns": lambda model, row: select(model).with_only_columns(model.id).where(model.id == row),
    "for update": lambda model, row: select(model.id).where(model.id == row).with_for_update(),
    "star": lambda model, row: select(literal(row)).select_from(model).where(model.id == row),
    "exists": lambda model, row: select(Province.id).where(
        Province.id == OWN, exists().where(model.id == row, Province.id > 0)
    ),
    "not exists": lambda model, row: select(Province.id).where(
        Province.id == OWN, ~(~exists().where(model.id == row, Province.id > 0))
    ),
    "in subquery": lambda model, row: select(User.id).where(
        User.id == OWN, literal(row).in_(select(model.id).where(model.id == row))
    ),
    "scalar subquery": lambda model, row: select(User.id).where(
        User.id == OWN, select(model.id).where(model.id == row).scalar_subquery() == row
    ),
    "correlated count": lambda model, row: select(User.id).where(
        User.id == OWN, select(func.count(model.id)).where(model.id == row, User.id > 0).scalar_subquery() == 1
    ),
    "subquery": _of_subquery,
    "cte": _of_cte,
    "recursive cte": _of_recursive_cte,
    "union": _of_union,
    "alias": _of_alias,
    "alias of a select": _of_alias_of_select,
    "alias of a table's alias": _of_alias_of_alias,
    "joined to itself": _joined_to_itself,
    "outer joined": _outer_joined,
    "outer joined alias": _outer_joined_alias,
}

COUNTS: dict[str, Callable[[Model], Select[Any]]] = {
    "of a column": lambda model: select(func.count(model.id)),
    "of distinct": lambda model: select(func.count(distinct(model.id))),
    "of rows": lambda model: select(func.count()).select_from(model),
    "of a select": lambda model: select(func.count()).select_from(select(model).subquery()),
    "of an alias": lambda model: select(func.count()).select_from(aliased(model)),
    "instead of columns": lambda model: select(model).with_only_columns(func.count(), maintain_column_froms=True),
}

ACTORS = {"commune": world.clerk, "province": world.province_clerk}


@pytest.fixture(params=ACTORS)
def who(request: pytest.FixtureRequest) -> Actor:
    return ACTORS[request.param]()


@pytest.mark.parametrize("model", SCOPED)
def test_every_read_finds_the_own_row_and_never_the_foreign_one(to_read: Database, who: Actor, model: Model) -> None:
    with acting_as(system("kiểm thử")), to_read.reading() as session:
        own, foreign = (world.row_of(session, model, which) for which in (OWN, FOREIGN))

    with acting_as(who), to_read.writing() as session:
        found = {
            name: tuple(len(set(session.execute(read(model, row)).all())) for row in (own, foreign))
            for name, read in READS.items()
        }

    assert found == dict.fromkeys(READS, (1, 0))


@pytest.mark.parametrize("model", SCOPED)
def test_every_count_counts_the_own_rows(to_read: Database, who: Actor, model: Model) -> None:
    with acting_as(system("kiểm thử")), to_read.reading() as session:
        inside = session.scalar(select(func.count(model.id)).where(model.within(who.area))) or 0
        everything = session.scalar(select(func.count(model.id))) or 0

    with acting_as(who), to_read.reading() as session:
        found = {name: session.scalar(count(model)) for name, count in COUNTS.items()}

    assert found == dict.fromkeys(COUNTS, inside)
    assert 0 < inside < everything


@pytest.mark.parametrize("model", SCOPED)
def test_a_foreign_row_is_not_got_by_its_key(to_read: Database, who: Actor, model: Model) -> None:
    with acting_as(system("kiểm thử")), to_read.reading() as session:
        own, foreign = (world.row_of(session, model, which) for which in (OWN, FOREIGN))

    with acting_as(who), to_read.reading() as session:
        assert session.get(model, own) is not None
        assert session.get(model, foreign) is None
        assert session.get(model, foreign, populate_existing=True) is None
        assert session.query(model).filter_by(id=foreign).all() == []
        assert session.query(model).filter_by(id=foreign).count() == 0
        assert session.query(session.query(model).filter_by(id=foreign).exists()).scalar() is False


@pytest.mark.parametrize("model", SCOPED)
def test_someone_without_a_place_finds_nothing(to_read: Database, model: Model) -> None:
    nobody = Actor("Cán bộ mới", Area(user_id=99), 99)

    with acting_as(nobody), to_read.reading() as session:
        found = session.scalars(select(model)).all()

    # Reference data has no place, and its trail is everyone's.
    assert [row for row in found if not isinstance(row, AuditEntry)] == []
    assert {row.commune_id for row in found if isinstance(row, AuditEntry)} <= {None}


def test_the_trail_of_a_foreign_row_stays_hidden(to_read: Database, who: Actor) -> None:
    with acting_as(who), to_read.reading() as session:
        seen = session.scalars(select(AuditEntry).where(AuditEntry.commune_id.is_not(None))).all()

    assert {entry.commune_id for entry in seen} <= {OWN, NEIGHBOUR}
    assert any(entry.model == "products" for entry in seen)


def test_a_union_of_selects_is_narrowed_in_every_part(to_read: Database, who: Actor) -> None:
    parts = select(Product.id), select(Entity.id), select(Rating.product_id)
    with acting_as(who), to_read.reading() as session:
        all_ = session.execute(parts[0].union_all(*parts[1:])).scalars().all()
        left = session.execute(parts[0].except_(select(Entity.id).where(Entity.id == OWN))).scalars().all()

    assert set(all_) == {OWN}
    assert left == []


def test_an_order_by_a_relation_does_not_bring_foreign_rows_back(to_read: Database, who: Actor) -> None:
    statement = select(Product.id).outerjoin(Product.entity).order_by(Entity.sort_key.desc(), Product.id)

    with acting_as(who), to_read.reading() as session:
        assert session.scalars(statement).all() == [OWN]


# ---- a row of the own area that leads to a foreign one, as old data may -------------------------------------------


@pytest.fixture
def mixed(any_database: Database) -> Database:
    """The product of An Thạnh is made by the entity of Long Hậu, and takes part in the cycle of Đồng Tháp."""
    with acting_as(system("kiểm thử")), any_database.writing.begin() as session:
        world_product = session.get_one(Product, OWN)
        world_product.entity_id = FOREIGN
        session.get_one(Participation, OWN).cycle_id = FOREIGN
        session.flush()
        # A representative of the own commune who stands with the foreign entity.
        session.connection().exec_driver_sql(f"UPDATE representatives SET entity_id = {FOREIGN} WHERE id = {OWN}")
        session.connection().exec_driver_sql(f"UPDATE representatives SET entity_id = {OWN} WHERE id = {FOREIGN}")
    return any_database


LOADS: dict[str, Callable[[], Select[Any]]] = {
    "lazy": lambda: select(Product),
    "joined": lambda: select(Product).options(joinedload(Product.entity)),
    "joined twice": lambda: select(Product).options(joinedload(Product.entity).joinedload(Entity.commune)),
    "selectin": lambda: select(Product).options(selectinload(Product.entity)),
    "subquery": lambda: select(Product).options(subqueryload(Product.entity)),
    "joined by hand": lambda: select(Product).outerjoin(Product.entity).options(contains_eager(Product.entity)),
}


@pytest.mark.fill("world")
def test_no_way_of_loading_a_link_brings_a_foreign_row(mixed: Database, as_clerk: None) -> None:
    found = {}
    for name, load in LOADS.items():
        with mixed.reading() as session:
            product = session.scalars(load()).unique().one()
            found[name] = product.entity, product.commune.name

    assert found == dict.fromkeys(LOADS, (None, "Xã An Thạnh"))


@pytest.mark.fill("world")
def test_no_way_of_loading_children_brings_a_foreign_row(mixed: Database, as_clerk: None) -> None:
    for option in (None, joinedload, selectinload, subqueryload):
        options = [option(Entity.representatives)] if option else []
        with mixed.reading() as session:
            entity = session.scalars(select(Entity).options(*options)).unique().one()
            assert (entity.id, entity.representatives) == (OWN, []), option


@pytest.mark.fill("world")
def test_questions_about_a_link_do_not_look_at_foreign_rows(mixed: Database, as_clerk: None) -> None:
    asked = {
        "has, by a value": select(Product.id).where(Product.entity.has(name="HTX Quýt hồng Lai Vung")),
        "has, by a condition": select(Product.id).where(Product.entity.has(Entity.tax_code.is_not(None))),
        "has": select(Product.id).where(Product.entity.has()),
        "any": select(Entity.id).where(Entity.representatives.any()),
        "joined": select(Product.id).join(Product.entity),
        "deep": select(Rating.id).where(Rating.product.has(Product.entity.has())),
    }
    with mixed.reading() as session:
        found = {name: session.scalars(statement).all() for name, statement in asked.items()}

        assert found == {question: [] for question in asked}
        assert session.scalars(select(Product.id).where(~Product.entity.has())).all() == [OWN]


@pytest.mark.fill("world")
def test_a_row_that_left_the_area_cannot_be_read_anew(any_database: Database) -> None:
    with acting_as(world.clerk()), any_database.reading() as session:
        assert session.get_one(Product, OWN).name == "Mứt dừa An Thạnh"
        session.rollback()
        with acting_as(system("kiểm thử")), any_database.writing.begin() as other:
            other.get_one(Product, OWN).commune_id = NEIGHBOUR

        assert session.scalars(select(Product)).all() == []


def test_a_system_actor_reads_everything(to_read: Database) -> None:
    with acting_as(system("kiểm thử")), to_read.reading() as session:
        for model in world.models():
            assert len(session.scalars(select(model.id)).all()) >= 2, model


def test_the_area_follows_each_model_s_own_rule(to_read: Database) -> None:
    """District by district, cycle by province, batch by its owner: a place more or less changes what is seen."""
    cases: list[tuple[type[Base], Area, list[int]]] = [
        (District, Area(districts=frozenset({FOREIGN})), [FOREIGN]),
        (District, Area(provinces=frozenset({FOREIGN})), [FOREIGN]),
        (Commune, Area(provinces=frozenset({OWN})), [OWN, NEIGHBOUR]),
        (Commune, Area(communes=frozenset({NEIGHBOUR}), provinces=frozenset({FOREIGN})), [FOREIGN, NEIGHBOUR]),
        (Cycle, Area(around=frozenset({OWN, FOREIGN})), [OWN, FOREIGN]),
        (Cycle, Area(communes=frozenset({OWN})), []),
        (ImportRow, Area(communes=frozenset({OWN}), user_id=FOREIGN), [FOREIGN]),
        (StepRecord, Area(communes=frozenset({NEIGHBOUR})), []),
    ]
    for model, area, expected in cases:
        with acting_as(Actor("Cán bộ", area)), to_read.reading() as session:
            assert sorted(session.scalars(select(model.id))) == expected, (model, area)


def test_one_statement_serves_several_areas_in_turn(to_read: Database) -> None:
    other = Actor("Trần Mỹ Hạnh", Area(communes=frozenset({FOREIGN}), around=frozenset({FOREIGN}), user_id=FOREIGN))
    statement = select(Product.id).order_by(Product.id)
    found = []
    for who in (world.clerk(), other, system("kiểm thử"), world.clerk()):
        with acting_as(who), to_read.reading() as session:
            found.append(list(session.scalars(statement)))

    assert found == [[OWN], [FOREIGN], [OWN, FOREIGN], [OWN]]
