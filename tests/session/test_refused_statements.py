"""Statements whose rows the area cannot reach are refused, whoever asks; both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    text,
    true,
    update,
)
from sqlalchemy.orm import aliased, make_transient_to_detached

from app.current import NoActorError, acting_as, system
from app.database import Database
from app.session import OcopSession, SlipsPastAreaError, UnnamedChangeError
from models import AuditEntry, Entity, ImportRow, Product, Province, Rating, Representative, SessionRecord
from tests import world
from tests.world import FOREIGN, OWN

TABLE: Any = Product.__table__
LIGHT = table("products", column("id"), column("name"))
INDEX = table("products_fts", column("rowid"), column("search_text"), column("products_fts"))
OTHER: Any = aliased(Product)

READS: dict[str, Callable[[], Any]] = {
    "text": lambda: text("SELECT name FROM products"),
    "text among columns": lambda: select(Province.id, text("name")),
    "text as a condition": lambda: select(Product.id).where(text("1 = 1")),
    "text as an order": lambda: select(Product.id).order_by(text("name")),
    "text as a source": lambda: select(column("name")).select_from(text("products")),
    "text before the columns": lambda: select(Province.id).prefix_with("(SELECT max(name) FROM products),"),
    "text at the end": lambda: select(Province.id).suffix_with("UNION SELECT id FROM products"),
    "text as a hint": lambda: select(Province.id).with_statement_hint("UNION SELECT id FROM products"),
    "a literal column": lambda: select(Province.id, literal_column("(SELECT max(name) FROM products)")),
    "from_statement": lambda: select(Product).from_statement(select(TABLE)),
    "from_statement of text": lambda: select(Product).from_statement(text("SELECT * FROM products")),
    "a table": lambda: select(TABLE),
    "a table's column": lambda: select(TABLE.c.name),
    "a table's column beside its alias": lambda: select(OTHER.id, TABLE.c.name).where(OTHER.id == OWN),
    "a table's column instead": lambda: select(Product).with_only_columns(TABLE.c.name),
    "a table's alias": lambda: select(TABLE.alias().c.name),
    "a model as an alias of a table's select": lambda: select(aliased(Product, select(TABLE).subquery()).id),
    "count of a table": lambda: select(func.count()).select_from(TABLE),
    "a literal from a table": lambda: select(literal(1)).select_from(TABLE),
    "a joined table": lambda: select(Province.id).join(TABLE, true()),
    "a table in a subquery": lambda: select(select(TABLE.c.name).subquery().c.name),
    "a table in a scalar subquery": lambda: select(Province.id, select(TABLE.c.name).limit(1).scalar_subquery()),
    "a table in IN": lambda: select(Province.id).where(Province.id.in_(select(TABLE.c.province_id))),
    "a table in EXISTS": lambda: select(Province.id).where(exists().where(TABLE.c.province_id == Province.id)),
    "a table in EXISTS beside its model": lambda: select(Product.id).where(exists().where(TABLE.c.id == FOREIGN)),
    "a table of our own naming": lambda: select(LIGHT.c.name),
    "a table of our own naming, joined": lambda: select(Province.id, LIGHT.c.name),
    "columns of no table": lambda: select(column("name")).select_from(LIGHT),
    "an entity only in OVER": lambda: select(func.row_number().over(order_by=Product.id)),
    "an entity only in OVER, inside": lambda: select(Province.id).where(
        literal(2).in_(select(func.count().over(partition_by=Product.id)))
    ),
    "an entity only in FILTER": lambda: select(func.count().filter(Product.id > 0)),
    "words of the search index": lambda: select(Product.id, INDEX.c.search_text),
    "the search index alone": lambda: select(INDEX.c.rowid),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_past_the_area_is_refused(to_read: Database, name: str) -> None:
    for who in (world.clerk(), world.province_clerk(), system("kiểm thử")):
        with acting_as(who), to_read.reading() as session, pytest.raises(SlipsPastAreaError):
            session.execute(READS[name]())


def test_the_same_statement_is_refused_in_every_form_of_asking(to_read: Database) -> None:
    statement: Any = text("SELECT name FROM products")
    with acting_as(world.clerk()), to_read.reading() as session:
        for ask in (session.execute, session.scalar, session.scalars):
            with pytest.raises(SlipsPastAreaError):
                ask(statement)
        with pytest.raises(SlipsPastAreaError):
            session.query(Product).filter(text("1 = 1")).all()
        with pytest.raises(SlipsPastAreaError):
            session.query(TABLE).all()


def test_nothing_is_read_or_written_when_nobody_answers_for_it(to_read: Database) -> None:
    with to_read.writing() as session:
        with pytest.raises(NoActorError):
            session.execute(select(Province.id))
        with pytest.raises(NoActorError):
            session.get(Product, OWN)
        session.add(Province(code="01", name="Thành phố Hà Nội"))
        with pytest.raises(NoActorError):
            session.flush()


# ---- statements that write ----------------------------------------------------------------------------------------

Write = Callable[[OcopSession], object]
WRITES: dict[str, Write] = {
    "update": lambda s: s.execute(update(Product).values(name="Mứt dừa")),
    "delete": lambda s: s.execute(delete(Rating)),
    "insert": lambda s: s.execute(insert(Representative).values(entity_id=OWN, name="Võ Thị Lụa")),
    "insert of many": lambda s: s.execute(insert(ImportRow), [{"batch_id": OWN, "line": 9, "action": "same"}]),
    "update of a quiet column": lambda s: s.execute(update(SessionRecord).values(last_seen_at=world.ENTERED)),
    "the older update": lambda s: s.query(Product).update({"name": "Mứt dừa"}),
    "the older delete": lambda s: s.query(Rating).delete(),
}
ALWAYS: dict[str, Write] = {
    "rows by key": lambda s: s.execute(update(Product), [{"id": FOREIGN, "name": "Mứt dừa"}]),
    "rows by parameter": lambda s: s.execute(
        delete(ImportRow).where(ImportRow.id == literal(FOREIGN)).execution_options(dml_strategy="core_only"), [{}]
    ),
    "past the ORM": lambda s: s.execute(
        update(ImportRow).values(line=9), execution_options={"dml_strategy": "core_only"}
    ),
    "a table": lambda s: s.execute(update(TABLE).values(name="Mứt dừa")),
    "a table, delete": lambda s: s.execute(delete(TABLE)),
    "bulk_save_objects": lambda s: s.bulk_save_objects([Product(id=FOREIGN, name="Mứt dừa")]),
    "bulk_update_mappings": lambda s: s.bulk_update_mappings(Product, [{"id": FOREIGN, "name": "Mứt dừa"}]),
    "bulk_insert_mappings": lambda s: s.bulk_insert_mappings(Product, [{"name": "Mứt dừa"}]),
    "merge without asking": lambda s: s.merge(_row_from_elsewhere(), load=False),
    "a row from elsewhere": lambda s: s.add(_row_from_elsewhere()),
}
TRAILLESS: dict[str, Write] = {
    name: WRITES[name] for name in ("update", "delete", "insert", "the older update", "the older delete")
} | {
    "the trail, update": lambda s: s.execute(update(AuditEntry).values(actor="Không ai")),
    "the trail, delete": lambda s: s.execute(delete(AuditEntry)),
    "the trail, insert": lambda s: s.execute(insert(AuditEntry).values(actor="Không ai")),
}


def _row_from_elsewhere() -> Product:
    row = Product(id=FOREIGN)
    make_transient_to_detached(row)
    return row


@pytest.mark.parametrize("name", WRITES)
def test_a_writing_statement_needs_a_named_verb(to_read: Database, name: str) -> None:
    for who in (world.clerk(), system("kiểm thử")):
        with acting_as(who), to_read.writing() as session, pytest.raises(SlipsPastAreaError):
            WRITES[name](session)


@pytest.mark.parametrize("name", ALWAYS)
def test_some_writing_is_refused_even_to_a_service(to_read: Database, name: str) -> None:
    with (
        acting_as(world.clerk()),
        to_read.writing() as session,
        pytest.raises(SlipsPastAreaError),
        session.doing("chuyển bước"),
    ):
        ALWAYS[name](session)


@pytest.mark.parametrize("name", TRAILLESS)
def test_a_user_s_statement_may_not_change_what_the_trail_keeps(to_read: Database, name: str) -> None:
    with (
        acting_as(world.clerk()),
        to_read.writing() as session,
        pytest.raises(UnnamedChangeError),
        session.doing("chuyển bước"),
    ):
        TRAILLESS[name](session)


def test_a_service_s_statement_reaches_the_own_rows_only(to_read: Database) -> None:
    with acting_as(world.clerk()), to_read.writing() as session:
        with session.doing("bỏ bản xem trước"):
            changed: Any = session.execute(update(ImportRow).values(label="Xã An Thạnh"))
            gone: Any = session.execute(delete(ImportRow))
        counts = changed.rowcount, gone.rowcount
        session.rollback()

    assert counts == (1, 1)


@pytest.mark.fill("world")
def test_nobody_rewrites_the_trail(any_database: Database) -> None:
    def rewrite(session: OcopSession) -> None:
        session.scalars(select(AuditEntry).limit(1)).one().actor = "Không ai"

    def remove(session: OcopSession) -> None:
        session.delete(session.scalars(select(AuditEntry).limit(1)).one())

    def make_up(session: OcopSession) -> None:
        session.add(AuditEntry(at=world.ENTERED, transaction="", actor="Không ai", model="products", row_id=1))

    for who in (world.clerk(), system("kiểm thử")):
        for change in (rewrite, remove, make_up):
            with acting_as(who), any_database.writing() as session:
                change(session)
                with pytest.raises(UnnamedChangeError):
                    session.flush()


def test_a_reading_session_does_not_write(to_read: Database) -> None:
    with acting_as(system("kiểm thử")), to_read.reading() as session:
        session.get_one(Entity, OWN).phone = "0275 3 870 001"

        with pytest.raises(UnnamedChangeError):
            session.flush()
