import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text

from app.current import acting_as, system
from app.database import Database, connect
from app.session import OcopSession, search_columns
from models import Base, Commune, Cycle, Entity, Participation, Product, Rating, StepCode
from models.rules.text import fold
from seed import volume

PRODUCTS = 3000


@contextmanager
def looking(database: Database) -> Iterator[OcopSession]:
    with acting_as(system("kiểm thử")), database.reading() as session:
        yield session


def count(session: OcopSession, model: type[Base]) -> int:
    return session.scalar(select(func.count(model.id))) or 0


def indexes(database: Database) -> set[str | None]:
    inspector = inspect(database.engine)
    return {index["name"] for model in volume.FILLED for index in inspector.get_indexes(model.__tablename__)}


@pytest.fixture
def filled(database: Database) -> Database:
    volume.load(database, products=PRODUCTS, say=str)
    return database


@pytest.mark.fill("reference")
def test_volume_data_has_the_size_asked_for_and_says_how_far_it_is(any_database: Database) -> None:
    before, said = indexes(any_database), list[str]()

    counts = volume.load(any_database, products=PRODUCTS, say=said.append)

    with looking(any_database) as session:
        assert {m.__tablename__: count(session, m) for m in volume.FILLED} == counts
    assert counts == {"entities": 1765, "products": 3000, "participations": 1200, "ratings": 1800}
    assert said[0].startswith("3.000 sản phẩm")
    assert indexes(any_database) == before


@pytest.mark.fill("reference")
def test_volume_rows_are_what_the_session_would_have_written(filled: Database) -> None:
    with looking(filled) as session:
        products = session.scalars(select(Product).order_by(Product.id).limit(200)).all()
        ratings = session.scalars(select(Rating).order_by(Rating.id).limit(100)).all()
        taking_part = session.scalars(select(Participation).order_by(Participation.id).limit(100)).all()

        assert [(p.search_text, p.sort_key) for p in products] == [
            search_columns([p.name, p.entity.name, p.code]) for p in products
        ]
        assert [(e.search_text, e.sort_key) for p in products if (e := p.entity)] == [
            search_columns([e.name, e.tax_code or "", e.phone]) for p in products if (e := p.entity)
        ]
        assert [(r.search_text, r.sort_key) for r in ratings] == [
            search_columns([r.product.name, r.decision_number]) for r in ratings
        ]
        assert [(p.search_text, p.sort_key) for p in taking_part] == [
            search_columns([p.product.name]) for p in taking_part
        ]
        placed: list[Product | Rating | Participation] = [*products, *ratings, *taking_part]
        assert all((row.province_id, row.version) == (row.commune.province_id, 1) for row in placed)
        assert all(p.cycle.province_id == p.province_id for p in taking_part)
        assert all(r.stars <= r.stars_by_points and r.expires_on for r in ratings)


@pytest.mark.fill("reference")
def test_volume_products_lie_all_over_the_country_and_none_is_promoted_unrated(filled: Database) -> None:
    with looking(filled) as session:
        places = set(session.scalars(select(Product.commune_id)))
        in_force = set(session.scalars(select(Commune.id).where(Commune.valid_to.is_(None))))
        rated = set(session.scalars(select(Rating.product_id)))
        promoted = {p.product_id for p in session.scalars(select(Participation)) if p.step.code is StepCode.PROMOTION}

        assert places <= in_force
        assert len(places) > 1000
        assert count(session, Cycle) == 34
        assert promoted
        assert promoted <= rated


@pytest.mark.fill("reference")
def test_one_product_in_a_thousand_holds_the_rare_word(filled: Database) -> None:
    with looking(filled) as session:
        rare = session.scalars(select(Product.name).where(Product.search_text.contains(fold(volume.RARE_WORD)))).all()

    assert len(rare) == PRODUCTS // volume.RARE_ONE_IN
    assert all("Miến" in name for name in rare)


@pytest.mark.fill("reference")
def test_rows_added_after_volume_data_are_numbered_on_and_found(any_database: Database) -> None:
    volume.load(any_database, products=100, say=str)

    with acting_as(system("kiểm thử")), any_database.writing.begin() as session:
        last = session.scalar(select(func.max(Product.id))) or 0
        entity = session.scalars(select(Entity).limit(1)).one()
        added = Product(name="Tỏi đen Lý Sơn", entity=entity, commune=entity.commune)
        session.add(added)
        session.flush()
        assert added.id > last
    if any_database.is_sqlite:
        with any_database.engine.connect() as connection:
            found = connection.execute(text("SELECT rowid FROM products_fts WHERE products_fts MATCH '\"toi den\"'"))
            assert found.scalars().all() == [added.id]
            connection.execute(text("INSERT INTO products_fts(products_fts) VALUES ('integrity-check')"))


@pytest.mark.fill("reference")
def test_volume_data_is_loaded_once(filled: Database) -> None:
    with pytest.raises(volume.VolumeThere):
        volume.load(filled, products=10, say=str)

    with looking(filled) as session:
        assert count(session, Product) == PRODUCTS


def test_volume_data_needs_the_reference_data(database: Database) -> None:
    with pytest.raises(volume.NoReference):
        volume.load(database, products=10, say=str)


@pytest.mark.fill("demo")
def test_volume_data_comes_beside_what_is_there(database: Database) -> None:
    with looking(database) as session:
        before = session.execute(select(Product.name, Product.sort_key).order_by(Product.id)).all()

    volume.load(database, products=100, say=str)

    with looking(database) as session:
        assert count(session, Product) == len(before) + 100
        found = session.execute(select(Product.name, Product.sort_key).order_by(Product.id).limit(len(before)))
        assert found.all() == before


@pytest.mark.fill("reference")
def test_volume_data_is_the_same_each_time(database: Database, tmp_path: Path) -> None:
    copy = tmp_path / "other.db"
    with closing(sqlite3.connect(str(database.engine.url.database))) as here, closing(sqlite3.connect(copy)) as there:
        here.backup(there)
    other = connect(f"sqlite:///{copy}")

    volume.load(database, products=500, say=str)
    volume.load(other, products=500, say=str)

    rows = []
    for one in (database, other):
        with one.engine.connect() as connection:
            rows.append([connection.execute(select(m.__table__).order_by(m.id)).all() for m in volume.FILLED])
    other.engine.dispose()
    assert rows[0] == rows[1]
    assert date(2026, 11, 23) == volume.TODAY
