"""What every model must declare; a forgotten line is named here."""

import importlib
import inspect as python
import pkgutil
import re
from typing import Any

import pytest
from sqlalchemy import inspect

import models
from admin_views import VIEWS
from app.services.importing import kinds, reading
from models import Area, AuditEntry, Base, Grant, ImportRow, Job, Role
from models.base import Everywhere, LabelledEnum, Placed, Searchable, field_info, fields, label_of, screens
from models.rules.access import ACCESS, KEEP, LOOK, MOVE, grants
from tests import world

MODELS = world.models()
Model = type[Any]


def reached(model: Model, path: str) -> Any:
    """The mapped attribute at the end of a dotted path; fails where there is none."""
    *links, last = path.split(".")
    for link in links:
        assert link in inspect(model).relationships, f"{model.__name__}.{link} is no relation"
        model = inspect(model).relationships[link].mapper.class_
    assert last in inspect(model).attrs, f"{model.__name__} has no {last}"
    return inspect(model).attrs[last]


@pytest.mark.parametrize("model", MODELS)
def test_a_model_says_what_a_clerk_calls_it(model: Model) -> None:
    assert model.__dict__.get("__label__"), "__label__"
    assert model.__label__[0].isupper()
    reached(model, model.__title__)
    for path in model.__hint__:
        reached(model, path)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_has_a_natural_key_of_its_own_attributes(model: Model) -> None:
    assert model.__keys__, "__keys__"
    for key in model.__keys__:
        for path in key:
            reached(model, path)


@pytest.mark.parametrize("model", MODELS)
def test_a_searchable_model_says_what_is_searched(model: Model) -> None:
    assert model.__search__ or not issubclass(model, Searchable)
    for path in model.__search__:
        assert path.count(".") <= issubclass(model, Searchable)
        reached(model, path)
        label_of(model, path)


@pytest.mark.parametrize("model", MODELS)
def test_every_column_and_relation_has_a_label(model: Model) -> None:
    unlabelled = [prop.key for prop in inspect(model).attrs if field_info(prop) is None]

    assert unlabelled == []
    assert all(info.label and info.label == info.label.strip() for info in fields(model).values())


@pytest.mark.parametrize("model", MODELS)
def test_a_model_says_where_its_rows_lie(model: Model) -> None:
    somewhere = model.within(Area(provinces=frozenset({1}), communes=frozenset({1}), around=frozenset({1}), user_id=1))
    named = {table for element in _parts(somewhere) if (table := getattr(element, "table", None)) is not None}

    assert named <= {model.__table__}, "within() compares columns of this table only"
    assert bool(named) != issubclass(model, Everywhere)
    if issubclass(model, Placed):
        places = [name for name, info in fields(model).items() if info.places]  # type: ignore[arg-type]  # a mixin
        assert len(places) == 1, "one relation says field(…, places=True)"


def _parts(expression: Any) -> list[Any]:
    return [expression, *(part for child in expression.get_children() for part in _parts(child))]


@pytest.mark.parametrize("model", MODELS)
def test_a_model_has_a_view_or_says_why_not(model: Model) -> None:
    viewed = {view.model for view in VIEWS}

    assert (model.__screen__ is not None) == (model in viewed)
    if model.__screen__ is None:
        assert re.search(r"__screen__ = None  # \w+", python.getsource(model)), "say why, on that line"


@pytest.mark.parametrize("model", [model for model in MODELS if model.__screen__])
def test_lists_of_a_model_with_a_key_can_be_imported_or_it_says_why_not(model: Model) -> None:
    if model in kinds.NOT_FROM_FILES:
        assert len(kinds.NOT_FROM_FILES[model]) > 10, "say why"
        assert model not in kinds.importable()
        with pytest.raises(kinds.NotImportable):
            kinds.list_kind(model)
        return

    kind = kinds.list_kind(model)
    assert model in kinds.importable()
    assert kind.needs, "a key tells its rows apart"
    assert {path for need in kind.needs for path in need} <= set(kind.uses), "a file can hold its keys"
    for path in kind.uses:
        assert reading.titles_of(model, path)
        assert reading.column_type(model, path) is not None


def test_identities_are_those_the_design_names() -> None:
    named = """province district commune commune-succession entity product product-group cycle cycle-step
        participation gathering support-need criteria-set round score-sheet rating recognition user audit
        import-batch"""
    ours = {"representative"}  # README, decisions

    assert set(screens()) <= set(named.split()) | ours


def test_the_package_names_every_model_and_closed_list() -> None:
    for found in pkgutil.iter_modules(models.__path__, "models."):
        if found.ispkg or found.name == "models.base":
            continue
        for name, thing in vars(importlib.import_module(found.name)).items():
            if not (isinstance(thing, type) and thing.__module__ == found.name):
                continue
            if issubclass(thing, Base | LabelledEnum):
                assert name in models.__all__, f"{name} of {found.name}"
    assert sorted(models.__all__, key=lambda n: (not n.isupper(), n)) == models.__all__


def test_only_the_trail_import_previews_and_jobs_leave_no_trail() -> None:
    assert {model for model in MODELS if not model.__audited__} == {AuditEntry, ImportRow, Job}
    for model in MODELS:
        if not model.__audited__:
            assert re.search(r"__audited__ = False  # \w+", python.getsource(model)), "say why, on that line"


def test_quiet_columns_exist_and_are_few() -> None:
    quiet = {model.__name__: set(model.__quiet__) for model in MODELS if model.__quiet__}

    assert quiet == {"SessionRecord": {"last_seen_at"}}


def test_secrets_are_those_we_know() -> None:
    """password, token and hash columns say secret=True, so that no list, file or trail shows them."""
    secret = {(m.__name__, name) for m in MODELS for name, info in fields(m).items() if info.secret}
    suspicious = {
        (m.__name__, c.key)
        for m in MODELS
        for c in inspect(m).column_attrs
        if re.search(r"password_|token|secret", c.key)
    }

    assert suspicious - secret == {("User", "password_changed_at")}
    assert secret <= suspicious


@pytest.mark.parametrize("model", MODELS)
def test_nothing_of_a_link_is_deleted_or_emptied_with_its_parent(model: Model) -> None:
    for relation in inspect(model).relationships:
        assert not relation.cascade.delete, relation
        assert not relation.uselist or relation.passive_deletes == "all", relation


# ---- rights ---------------------------------------------------------------------------------------------------------


def test_every_right_names_a_screen_and_a_verb_that_exist() -> None:
    known = {*KEEP, *LOOK, *MOVE, "import"} | {action.name for view in VIEWS for action in view().actions}

    for role, screen, verb in grants():
        assert screen in screens(), (role, screen)
        assert verb in known, (role, screen, verb)


def test_every_role_is_in_the_table_and_the_auditor_reads_the_trail_alone() -> None:
    assert set(ACCESS) == set(Role)
    assert ACCESS[Role.AUDITOR] == {"audit": LOOK}


def test_nobody_may_write_the_trail() -> None:
    assert {verb for _role, screen, verb in grants() if screen == "audit"} == set(LOOK)


def test_only_the_administrator_keeps_accounts() -> None:
    assert {role for role, screen, _verb in grants() if screen == "user"} == {Role.ADMINISTRATOR}
    assert issubclass(Grant, Everywhere)


def test_those_who_only_look_change_nothing() -> None:
    for role in (Role.LEADER, Role.AUDITOR, Role.COUNCIL_MEMBER):
        assert {verb for verbs in ACCESS[role].values() for verb in verbs} <= set(LOOK), role
