"""Chu trình năm, và các bước của nó."""

from admin_views.base import OcopView
from models import Cycle, CycleStep


class CycleView(OcopView, model=Cycle):
    category = "Danh mục"
    icon = "refresh"
    column_list = (
        Cycle.name,
        Cycle.year,
        Cycle.province,
        Cycle.plan_number,
        Cycle.opened_on,
        Cycle.closed_on,
    )
    column_filters = (Cycle.year, Cycle.province)
    column_default_sort = (Cycle.year, True)


class CycleStepView(OcopView, model=CycleStep):
    category = "Danh mục"
    icon = "list-check"
    column_list = (
        CycleStep.name,
        CycleStep.number,
        CycleStep.kind,
        CycleStep.receiving_level,
        CycleStep.may_be_returned,
        CycleStep.valid_from,
        CycleStep.valid_to,
    )
    column_filters = (CycleStep.kind, CycleStep.receiving_level)
    column_default_sort = (CycleStep.number, False)
