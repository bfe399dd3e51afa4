"""Bộ tiêu chí: the set, with its whole tree on the record."""

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from admin_views import pages
from admin_views.base import OcopView
from app.session import OcopSession
from models import CriteriaSet, Criterion, CriterionKind
from models.base import Base
from models.rules.words import number


class CriteriaSetView(OcopView, model=CriteriaSet):
    category = "Danh mục"
    icon = "clipboard-check"
    column_list = (
        CriteriaSet.name,
        CriteriaSet.number,
        CriteriaSet.decision,
        CriteriaSet.max_points,
        CriteriaSet.valid_from,
        CriteriaSet.valid_to,
    )
    column_filters = (CriteriaSet.decision,)

    def related(self, session: OcopSession, row: Base) -> list[pages.RelatedTable]:
        criteria = session.execute(
            select(Criterion)
            .where(Criterion.criteria_set_id == row.id)
            .order_by(Criterion.position)
            .options(selectinload(Criterion.options))
        ).scalars()
        rows = []
        for criterion in criteria:
            options = "; ".join(
                f"{number(o.points)} điểm: {o.text}" + (f" (từ {o.min_star} sao)" if o.min_star else "")
                for o in criterion.options
            )
            label = criterion.name if criterion.kind is CriterionKind.PART else f"{criterion.code}. {criterion.name}"
            cells = [
                pages.Cell(label, second=criterion.condition),
                pages.Cell(number(criterion.max_points)),
                pages.Cell(options),
            ]
            rows.append(pages.ListRow(str(criterion.id), criterion.name, "", cells))
        tree = pages.RelatedTable(
            "Tiêu chí", ("Tiêu chí", "Điểm tối đa", "Lựa chọn"), rows, None, "Bộ này chưa có tiêu chí nào."
        )
        return [tree]
