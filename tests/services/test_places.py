"""Places kept by hand: lives of one code that would share a day are refused, each with its sentence."""

from datetime import date

import pytest

from app.current import acting_as, system
from app.database import Database
from app.services import places
from app.session import InvalidRow
from models import Cycle, Province, ProvinceKind


def province(code: str, since: date, until: date | None = None) -> Province:
    return Province(code=code, name="Tỉnh Bến Tre", kind=ProvinceKind.PROVINCE, valid_from=since, valid_to=until)


@pytest.mark.parametrize(
    ("since", "until", "is_refused"),
    [
        (date(2025, 7, 1), None, False),
        (date(2025, 6, 30), None, True),
        (date(2000, 1, 1), date(2016, 12, 31), False),
        (date(2000, 1, 1), date(2017, 1, 1), True),
        (date(2018, 1, 1), date(2018, 2, 1), True),
    ],
)
def test_a_second_life_of_a_code_may_not_share_a_day(
    database: Database, since: date, until: date | None, is_refused: bool
) -> None:
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        session.add(province("83", date(2017, 1, 1), date(2025, 6, 30)))
        session.flush()
        row = province("83", since, until)
        session.add(row)

        if not is_refused:
            places.refuse_overlap(session, row)
            return
        with pytest.raises(InvalidRow) as refused:
            places.refuse_overlap(session, row)
        session.expunge(row)

    assert refused.value.problems == [
        (
            "valid_from",
            "Mã 83 đã là của Tỉnh Bến Tre từ 01/01/2017 đến 30/06/2025. "
            "Sửa mã hoặc ngày hiệu lực cho không trùng ngày.",
        )
    ]


@pytest.mark.parametrize(("code", "said"), [("8", "thiếu 1 chữ số"), ("BT", "mã gồm 2 chữ số"), ("830", "2 chữ số")])
def test_a_code_that_is_none_is_refused_by_hand_as_by_import(database: Database, code: str, said: str) -> None:
    with (
        acting_as(system("kiểm thử")),
        pytest.raises(InvalidRow, match=said),
        database.writing.begin() as session,
    ):
        session.add(province(code, date(2017, 1, 1)))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"year": 2017}, "Năm của chu trình phải từ 2018 đến 2100."),
        ({"year": 2101}, "Năm của chu trình phải từ 2018 đến 2100."),
        ({"year": 2026, "closed_on": date(2026, 1, 9)}, "Ngày đóng phải từ 10/01/2026 trở đi."),
    ],
)
def test_a_cycle_that_cannot_be_is_refused_with_a_sentence(values: dict[str, object], said: str) -> None:
    cycle = Cycle(name="Chu trình OCOP", opened_on=date(2026, 1, 10), **values)

    assert [sentence for _, sentence in cycle.faults()] == [said]


@pytest.mark.parametrize("values", [{"year": 2018}, {"year": 2100}, {"year": 2026, "closed_on": date(2026, 1, 10)}])
def test_a_cycle_at_the_bounds_is_taken(values: dict[str, object]) -> None:
    assert list(Cycle(name="Chu trình OCOP", opened_on=date(2026, 1, 10), **values).faults()) == []
