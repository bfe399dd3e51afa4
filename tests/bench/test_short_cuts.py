"""The short cuts that lists and exports take give what the long way gives."""

from collections.abc import Iterator
from time import monotonic

import pytest
from sqlalchemy import func, select

from admin_views import VIEWS
from admin_views.base import OcopView
from admin_views.export import LONGEST_WAIT, _giving_way
from admin_views.pages_first import PagesFirst
from admin_views.products import ProductView
from admin_views.query import Kept, ListQuery
from app.current import Actor, acting_as, system
from app.database import Database
from app.services import accounts
from models import CycleStep, Product
from seed import volume
from tests.bench.databases import PEOPLE, _add_people, _spread

pytestmark = [pytest.mark.fill("reference")]


@pytest.fixture
def filled(database: Database) -> Database:
    with acting_as(system("kiểm thử")):
        volume.load(database, products=2500, say=lambda _line: None)
        _add_people(database)
        _spread(database)
    return database


@pytest.fixture
def view() -> OcopView:
    assert ProductView in VIEWS
    return ProductView()


def someone(database: Database, who: str) -> Actor:
    with acting_as(system("kiểm thử")), database.reading() as session:
        return accounts.actor_named(session, PEOPLE[who][0])


@pytest.mark.parametrize(("sort", "descending"), [("", False), ("name", True)])
@pytest.mark.parametrize("who", ["province of four lives", "commune"])
def test_the_pages_of_an_area_put_together_are_its_rows_in_order(
    filled: Database, view: OcopView, who: str, sort: str, descending: bool
) -> None:
    with acting_as(someone(filled, who)) as clerk, filled.reading() as session:
        order = [Product.sort_key, Product.id]
        wanted = list(session.scalars(select(Product.id).order_by(*(e.desc() if descending else e for e in order))))
        provinces = session.scalar(select(func.count(Product.province_id.distinct())))
        query = ListQuery(sort=sort, descending=descending)
        shown: list[int] = []
        for page in range(1, len(wanted) // query.size + 2):
            listed = view.list_page(session, ListQuery(sort=sort, descending=descending, page=page))
            shown += [int(row.pk) for row in listed.rows]

    assert shown == wanted
    assert who == "commune" or provinces == len(clerk.area.provinces) == 4


def test_a_list_that_is_not_counted_ends_as_it_ends_in_order(
    filled: Database, view: OcopView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admin_views.base.COUNT_LIMIT", 50)
    with acting_as(someone(filled, "province of four lives")), filled.reading() as session:
        wanted = list(session.scalars(select(Product.id).order_by(Product.sort_key, Product.id)))

        last, before = (view.list_page(session, ListQuery(page=page)) for page in (-1, -2))

    assert [int(row.pk) for row in (*before.rows, *last.rows)] == wanted[-50:]


def test_one_statement_gives_each_clerk_the_own_rows(filled: Database) -> None:
    statement = select(func.count(Product.id))
    counts: dict[str, int] = {}
    for _ in range(2):
        for who in ("province", "commune", "administrator"):
            with acting_as(someone(filled, who)) as clerk, filled.reading() as session:
                counts[who] = session.scalars(statement).one()
                inside = select(func.count(Product.id)).where(Product.within(clerk.area))
                assert counts[who] == session.scalar(inside)

    assert 0 < counts["commune"] < counts["province"] < counts["administrator"] == 2500


def test_a_kept_answer_is_asked_for_again_once_something_was_saved(database: Database) -> None:
    kept = Kept()

    def names() -> list[str]:
        with database.reading() as session:
            found: list[str] = kept.ask("steps", lambda: session.scalars(select(CycleStep.short_name)).all())
            return found

    with acting_as(system("kiểm thử")):
        before = names()
        with database.writing.begin() as session, session.doing("sửa bước"):
            session.scalars(select(CycleStep)).first().short_name = "Gieo ý tưởng"  # type: ignore[union-attr]  # there

        after = names()

    assert "Gieo ý tưởng" not in before
    assert "Gieo ý tưởng" in after


@pytest.fixture
def somebody_waits() -> Iterator[None]:
    PagesFirst.waiting += 1
    yield
    PagesFirst.waiting -= 1


@pytest.mark.usefixtures("somebody_waits")
def test_an_export_gives_way_to_a_page_and_goes_on_all_the_same() -> None:
    begun = monotonic()

    rows = list(_giving_way([(number,) for number in range(10)]))

    assert rows == [(number,) for number in range(10)]
    assert monotonic() - begun >= LONGEST_WAIT
