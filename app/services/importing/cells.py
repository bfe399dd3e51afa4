"""Cells of a file as JSON, for the rows that are kept with a plan."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.table import Cell, CellError


def packed(cell: Cell) -> Any:
    if isinstance(cell, CellError):
        return {cell.reason: cell.text}
    if isinstance(cell, datetime):
        return {"datetime": cell.isoformat()}
    if isinstance(cell, date):
        return {"date": cell.isoformat()}
    if isinstance(cell, Decimal):
        return {"number": str(cell)}
    return cell


def unpacked(kept: Any) -> Cell:
    if not isinstance(kept, dict):
        return kept  # type: ignore[no-any-return]  # text, whole number, fraction, yes or no, nothing
    ((kind, text),) = kept.items()
    if kind == "converted":
        return text[1]  # type: ignore[no-any-return]  # as it was, and in Unicode
    if kind == "datetime":
        return datetime.fromisoformat(text)
    if kind == "date":
        return date.fromisoformat(text)
    if kind == "number":
        return Decimal(text)
    return CellError(text, kind)
