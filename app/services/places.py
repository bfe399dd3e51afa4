"""Places kept by hand: what the lives of one code must not do to each other."""

from sqlalchemy import select

from app.services.importing.writing import seeing_everything
from app.session import InvalidRow, OcopSession
from models.base import Base
from models.commune import Commune
from models.district import District
from models.province import Province
from models.rules.places import overlap
from models.rules.words import day


def refuse_overlap(session: OcopSession, row: Base) -> None:
    """Refuse a life that shares a day with another life of its code, whoever's area that lies in.

    row: a province, district or commune as it is to be saved, before its flush. Raises InvalidRow.
    """
    assert isinstance(row, Province | District | Commune)
    if not row.code or row.valid_from is None:
        return  # said by the form
    model = type(row)
    with seeing_everything(), session.no_autoflush:
        others = session.execute(
            select(model.name, model.valid_from, model.valid_to).where(
                model.code == row.code, model.id != (row.id or 0)
            )
        ).all()
    for other in others:
        if overlap([row, other]):
            until = f"đến {day(other.valid_to)}" if other.valid_to else "đến nay"
            sentence = (
                f"Mã {row.code} đã là của {other.name} từ {day(other.valid_from)} {until}. "
                "Sửa mã hoặc ngày hiệu lực cho không trùng ngày."
            )
            raise InvalidRow(row, [("valid_from", sentence)])
