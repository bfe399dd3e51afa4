"""sqladmin's own views, unmodified, on the one Session: whatever they ask, no foreign row is reached."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from sqladmin import Admin, ModelView, action
from sqladmin.authentication import AuthenticationBackend
from sqladmin.filters import AllUniqueStringValuesFilter, ForeignKeyFilter, OperationColumnFilter
from sqlalchemy import func, select
from sqlalchemy.orm import sessionmaker
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.testclient import TestClient

from app.current import acting_as, set_actor, system
from app.database import Database
from app.session import OcopSession
from models import AuditEntry, Commune, Entity, Participation, Product, Rating, Representative, User
from tests import world
from tests.conftest import Visit
from tests.world import FOREIGN, OWN

pytestmark = pytest.mark.fill("world")

FOREIGN_WORDS = ("Lai Vung", "Quýt hồng", "Long Hậu", "Long Hau", "Đặng Văn Út", "OCOP Đồng Tháp")


class Plain(AuthenticationBackend):
    """Everyone is Nguyễn Thị Bình."""

    async def authenticate(self, request: Request) -> bool:
        set_actor(world.clerk())
        return True


class PlainProduct(ModelView, model=Product):
    column_list = ["id", "name", "entity", "commune", "entity.tax_code"]
    column_searchable_list = ["name", "entity.name"]
    column_sortable_list = ["name", "entity.name"]
    column_filters = [
        ForeignKeyFilter(Product.commune_id, Commune.name, title="Xã"),
        AllUniqueStringValuesFilter(Product.name, title="Tên"),
        OperationColumnFilter(Product.packaging, title="Quy cách"),
    ]
    form_columns = ["name", "entity", "commune", "packaging"]
    form_ajax_refs = {"entity": {"fields": ("name",), "order_by": "name"}}
    export_types = ["csv", "json"]
    column_export_list = ["id", "name", "entity.name", "commune.name"]

    @action(name="rename", label="Đổi tên")
    async def rename(self, request: Request) -> Response:
        pks = [int(pk) for pk in request.query_params["pks"].split(",")]
        opened: Any = self.session_maker.begin()
        with opened as session, session.doing("đổi tên"):
            for row in session.scalars(select(Product).where(Product.id.in_(pks))):
                row.packaging = "Hộp 250 g"
        return RedirectResponse("/admin/product/list", 303)


class PlainUser(ModelView, model=User):
    """A reference model with selects of every commune and district."""

    form_columns = ["username", "full_name", "role", "province", "district", "commune"]


# Everything sqladmin would do by itself for every model that has places.
MAKE: Any = type(ModelView)
OTHERS: list[type[ModelView]] = [
    MAKE(f"Plain{model.__name__}", (ModelView,), {"column_list": "__all__"}, model=model)
    for model in world.SCOPED
    if model is not Product
]


@pytest.fixture
def client(any_database: Database, visit: Visit) -> Iterator[TestClient]:
    app = Starlette()
    maker = sessionmaker(
        any_database.writing.kw["bind"], class_=OcopSession, expire_on_commit=False, info={"writes": True}
    )
    admin = Admin(app, session_maker=maker, authentication_backend=Plain("k" * 40))
    views: list[type[ModelView]] = [PlainProduct, PlainUser, *OTHERS]
    for view in views:
        admin.add_view(view)
    yield visit(app)
    set_actor(None)


def stored(database: Database) -> dict[str, Any]:
    """Every column of the foreign rows, and how many rows there are of everything."""
    found: dict[str, Any] = {}
    with acting_as(system("kiểm thử")), database.reading() as session:
        for model in world.models():
            found[model.__name__] = session.scalar(select(func.count(model.id)))
            if model in world.SCOPED and model is not AuditEntry:
                row = session.get_one(model, FOREIGN)
                found[f"{model.__name__} {FOREIGN}"] = [getattr(row, c.key) for c in model.__mapper__.column_attrs]
    return found


def identities() -> list[tuple[str, type[Any]]]:
    return [("product", Product), *((view.identity, view.model) for view in OTHERS)]


def test_pages_of_every_model_show_own_rows_and_no_foreign_one(client: TestClient, any_database: Database) -> None:
    before = stored(any_database)
    for identity, model in identities():
        with acting_as(system("kiểm thử")), any_database.reading() as session:
            own, foreign = (world.row_of(session, model, which) for which in (OWN, FOREIGN))
        listed = client.get(f"/admin/{identity}/list?pageSize=100")
        assert listed.status_code == 200, identity
        # The trail of reference rows, which name communes, is everyone's.
        hidden = () if model is AuditEntry else FOREIGN_WORDS
        assert not [word for word in hidden if word in listed.text], identity
        assert f"/details/{own}" in listed.text, identity
        assert f'/details/{foreign}"' not in listed.text, identity
        assert client.get(f"/admin/{identity}/details/{own}").status_code == 200, identity
        assert client.get(f"/admin/{identity}/details/{foreign}").status_code == 404, identity
        assert client.get(f"/admin/{identity}/edit/{foreign}").status_code == 404, identity
        assert client.post(f"/admin/{identity}/edit/{foreign}", data={"name": "Của tôi"}).status_code == 404, identity
        exported = client.get(f"/admin/{identity}/export/csv")
        assert exported.status_code == 200, identity
        assert not [word for word in hidden if word in exported.text], identity
    assert stored(any_database) == before


def test_every_way_of_listing_counts_and_shows_own_rows(client: TestClient) -> None:
    for query in ("", "search=e", "search=Lai", "sortBy=entity.name&sort=desc", f"commune_id={FOREIGN}", "page=1"):
        page = client.get(f"/admin/product/list?{query}").text

        assert not [word for word in FOREIGN_WORDS if word in page.replace("Lai", "", 2 if "Lai" in query else 0)]
    page = client.get("/admin/product/list").text
    assert "Mứt dừa An Thạnh" in page
    assert "Xã Giao Thạnh" not in page, "the filter offers communes of the area only"


def test_an_export_holds_own_rows(client: TestClient) -> None:
    rows = list(csv.reader(io.StringIO(client.get("/admin/product/export/csv").text)))

    assert rows[1:] == [["1", "Mứt dừa An Thạnh", "HTX Nông nghiệp An Thạnh", "Xã An Thạnh"]]
    assert [row["id"] for row in client.get("/admin/product/export/json").json()] == [OWN]


def test_a_foreign_row_is_not_deleted(client: TestClient, any_database: Database) -> None:
    before = stored(any_database)
    for identity, _model in identities():
        answer = client.delete(f"/admin/{identity}/delete?pks={FOREIGN}")
        assert answer.status_code in (200, 303, 400, 404), identity
    assert stored(any_database) == before


def test_lookups_and_selects_offer_own_rows(client: TestClient) -> None:
    for term in ("H", "HTX", "Quýt", "%"):
        found = client.get("/admin/product/ajax/lookup", params={"name": "entity", "term": term})
        assert str(FOREIGN) not in [row["id"] for row in found.json()["results"]], term
    for page in (
        "/admin/product/create",
        f"/admin/product/edit/{OWN}",
        "/admin/user/create",
        f"/admin/user/edit/{OWN}",
    ):
        text = client.get(page).text
        assert "Xã An Thạnh" in text, page
        assert not [word for word in FOREIGN_WORDS if word in text], page


def test_a_foreign_link_typed_into_a_form_is_refused(client: TestClient, any_database: Database) -> None:
    before = stored(any_database)
    for entity, commune in ((FOREIGN, OWN), (OWN, FOREIGN), (FOREIGN, FOREIGN)):
        data = {"name": "Kẹo dừa", "entity": str(entity), "commune": str(commune), "packaging": ""}
        for page in ("create", f"edit/{OWN}"):
            answer = client.post(f"/admin/product/{page}", data={**data, "save": "Save"})
            assert answer.status_code == 400, (page, entity, commune)
    assert stored(any_database) == before


def test_own_rows_are_made_and_an_edit_without_the_version_seen_is_refused(
    client: TestClient, any_database: Database
) -> None:
    data = {"name": "Kẹo dừa", "entity": str(OWN), "commune": str(OWN), "packaging": "", "save": "Save"}

    assert client.post("/admin/product/create", data=data).status_code == 302
    assert client.post(f"/admin/product/edit/{OWN}", data=data).status_code == 400
    with acting_as(system("kiểm thử")), any_database.reading() as session:
        made = session.scalars(select(Product).where(Product.name == "Kẹo dừa")).one()
        assert (made.province_id, made.commune_id, made.search_text[:7]) == (OWN, OWN, "keo dua")
        assert session.get_one(Product, OWN).name == "Mứt dừa An Thạnh"
        (entry,) = session.scalars(
            select(AuditEntry).where(AuditEntry.row_id == made.id, AuditEntry.model == "products")
        )
        assert entry.actor == "Nguyễn Thị Bình"


def test_an_action_reaches_own_rows_only(client: TestClient, any_database: Database) -> None:
    client.get(f"/admin/product/action/rename?pks={OWN},{FOREIGN}")

    with acting_as(system("kiểm thử")), any_database.reading() as session:
        found = dict(session.execute(select(Product.id, Product.packaging)).all())
    assert found == {OWN: "Hộp 250 g", FOREIGN: ""}


def test_a_link_to_a_foreign_row_shows_nothing_of_it(client: TestClient, any_database: Database) -> None:
    with acting_as(system("kiểm thử")), any_database.writing.begin() as session:
        session.get_one(Product, OWN).entity_id = FOREIGN
        session.get_one(Participation, OWN).cycle_id = FOREIGN
        session.get_one(Rating, OWN).participation_id = FOREIGN
        assert session.get_one(Representative, FOREIGN).entity_id == session.get_one(Entity, FOREIGN).id

    for identity in ("product", "participation", "rating"):
        for page in ("list", f"details/{OWN}", f"edit/{OWN}", "export/csv"):
            text = client.get(f"/admin/{identity}/{page}").text
            assert not [word for word in FOREIGN_WORDS if word in text], (identity, page)
