"""What every view must be: explicit columns that exist, an icon that is drawn, a place in the menu, no secrets."""

from typing import Any

import pytest
from sqlalchemy import inspect

from admin_views import VIEWS, assets
from admin_views.base import OcopView
from admin_views.site import MENU
from models.base import fields

DRAWN = set(assets.ICONS.split()) if isinstance(assets.ICONS, str) else set(assets.ICONS)


@pytest.fixture(params=VIEWS, ids=lambda view: view.__name__)
def view(request: pytest.FixtureRequest) -> OcopView:
    made: OcopView = request.param()
    return made


def secrets(view: OcopView) -> set[str]:
    return {name for name, info in fields(view.model).items() if info.secret}


def test_a_view_stands_in_the_menu_with_an_icon_that_is_drawn(view: OcopView) -> None:
    assert view.category in MENU
    assert view.icon in DRAWN
    assert {action.icon for action in view.actions} <= DRAWN


def test_a_view_names_attributes_of_its_model(view: OcopView) -> None:
    names = {*inspect(view.model).attrs.keys()}

    assert {*view.get_list_columns(), *view.get_details_columns(), *view.get_form_columns()} <= names
    for declared in (*view.column_filters, *view.column_list, *view.form_columns, *view.column_details_list):
        assert getattr(declared, "key", declared) in names
    assert view.columns
    assert view.filters is not None
    assert view.default_sort


def test_a_form_holds_no_children_and_nothing_managed(view: OcopView) -> None:
    relations = inspect(view.model).relationships
    labels = fields(view.model)
    for name in view.get_form_columns():
        assert not (name in relations and relations[name].uselist), name
        assert not labels[name].managed, name
    assert list(view.form_class._unbound_fields or view.form_class()._fields) or not view.get_form_columns()


def test_a_secret_is_in_no_list_form_record_or_file(view: OcopView) -> None:
    hidden = secrets(view)
    shown_columns = {expression.key for column in view.columns for expression in column.expressions}

    assert not hidden & {*view.get_list_columns(), *view.get_details_columns(), *view.get_form_columns()}
    assert not hidden & {*view.get_export_columns(), *view.filters}
    assert not hidden & shown_columns
    assert not hidden & set(view.model.__search__)


def test_nothing_is_imported_or_served_as_a_file_by_sqladmin(view: OcopView) -> None:
    assert view.get_import_columns() == []
    assert not view.can_import


def test_two_views_do_not_share_an_address() -> None:
    identities = [made.identity for made in (view() for view in VIEWS)]

    assert len(set(identities)) == len(identities)


def test_an_action_is_named_like_no_address_of_the_site(view: OcopView) -> None:
    taken = {"list", "details", "create", "edit", "delete", "export", "import"}

    assert not taken & {action.name for action in view.actions}
    assert all(action.label for action in view.actions)


def test_columns_of_a_list_have_labels_that_differ(view: OcopView) -> None:
    labels: list[Any] = [column.label for column in view.columns]

    assert all(labels)
    assert len(set(labels)) == len(labels)
    files = [column.label for column in view.export_columns()]
    assert len(set(files)) == len(files), files
