"""What places are called today and were called before, read from the real successions of 2025."""

from datetime import date

import pytest
from sqlalchemy import delete, event, select

from app.current import acting_as, system
from app.database import Database
from app.services import accounts
from app.services.place_names import lineage, place_words
from app.session import OcopSession
from models import Area, Commune, CommuneSuccession, Role, SuccessionKind

TODAY = date(2026, 11, 25)


def commune(session: OcopSession, code: str, on: date) -> Commune:
    found = session.scalars(select(Commune).where(Commune.code == code, Commune.valid_from <= on)).all()
    return max((each for each in found if each.in_force(on)), key=lambda each: each.valid_from)


BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)


@pytest.mark.fill("reference")
@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("28945", "Xã Đồng Khởi — trước 01/07/2025: xã Bình Khánh, huyện Mỏ Cày Nam"),
        ("28757", "Phường Phú Tân — trước 01/07/2025: phường Phú Tân, thành phố Bến Tre"),
        ("28858", "Phường Phú Tân — trước 01/07/2025: xã Hữu Định, huyện Châu Thành"),
    ],
)
def test_todays_name_stands_first_and_the_former_one_behind(any_database: Database, code: str, line: str) -> None:
    with acting_as(system("kiểm thử")), any_database.reading() as session:
        place = (commune(session, code, BEFORE).id, None)

        assert place_words(session, [place], TODAY)[place].line == line


@pytest.mark.fill("reference")
def test_on_a_day_before_the_merger_the_unit_has_its_own_name_alone(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.reading() as session:
        place = (commune(session, "28945", BEFORE).id, None)

        assert place_words(session, [place], BEFORE)[place].line == "Xã Bình Khánh"


@pytest.mark.fill("reference")
def test_a_moved_row_says_where_it_lay(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.reading() as session:
        now, then = commune(session, "28945", AFTER), commune(session, "28945", BEFORE)
        words = place_words(session, [(now.id, then.id), (now.id, None)], TODAY)

    assert words[now.id, then.id].former == "trước 01/07/2025: xã Bình Khánh, huyện Mỏ Cày Nam"
    assert (words[now.id, None].former, words[now.id, None].province) == ("", "Tỉnh Vĩnh Long")


@pytest.mark.fill("reference")
def test_a_divided_unit_says_that_a_clerk_must_choose(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.reading() as session:
        place = (commune(session, "29770", BEFORE).id, None)

        assert place_words(session, [place], TODAY)[place].former.endswith("đã chia, chờ chọn xã mới")


@pytest.mark.fill("reference")
def test_a_way_that_stops_at_a_unit_which_ended_too_is_not_called_today(database: Database) -> None:
    """28837 was dissolved in 2024 and nothing says where it went; here another unit is said to have gone into it."""
    with acting_as(system("kiểm thử")), database.writing.begin() as session, session.doing("kiểm thử"):
        lost, first = commune(session, "28837", date(2021, 2, 1)), commune(session, "28840", date(2017, 10, 15))
        session.execute(delete(CommuneSuccession).where(CommuneSuccession.old_id == first.id))
        session.add(CommuneSuccession(old_id=first.id, new_id=lost.id, kind=SuccessionKind.WHOLE))
    with acting_as(system("kiểm thử")), database.reading() as session:
        words = place_words(session, [(first.id, None)], TODAY)[first.id, None]

    assert (words.today, words.former.endswith("chưa rõ đơn vị kế tục")) == (first.name, True)


@pytest.mark.fill("reference")
def test_a_page_of_places_is_one_query(database: Database) -> None:
    asked: list[str] = []
    with acting_as(system("kiểm thử")), database.reading() as session:
        places = [(pk, None) for pk in session.scalars(select(Commune.id).limit(100))]
        event.listen(database.engine, "before_cursor_execute", lambda _c, _cur, sql, *_rest: asked.append(sql))

        place_words(session, places, TODAY)
        lineage(session, [pk for pk, _ in places], TODAY)

    assert len(asked) == 3


@pytest.mark.fill("reference")
def test_units_say_what_they_were_and_what_they_have_become(any_database: Database) -> None:
    with acting_as(system("kiểm thử")), any_database.reading() as session:
        old, new = commune(session, "28945", BEFORE), commune(session, "28945", AFTER)
        divided = commune(session, "29770", BEFORE)
        first, lost = commune(session, "28945", date(2019, 1, 1)), commune(session, "28954", date(2019, 1, 1))
        said = lineage(session, [old.id, new.id, divided.id, first.id, lost.id], TODAY)

    assert (first.name, old.name) == ("Xã Bình Khánh Đông", "Xã Bình Khánh")
    assert said[old.id] == said[first.id] == "nay là Xã Đồng Khởi"
    assert said[lost.id] == "chưa rõ đơn vị kế tục"
    assert said[new.id].startswith("trước 01/07/2025: ")
    assert "xã Bình Khánh" in said[new.id]
    assert said[divided.id].startswith("đã chia, nay thuộc ")


@pytest.mark.fill("world")
def test_a_unit_in_force_that_gave_a_part_away_is_neither_former_nor_followed(database: Database) -> None:
    with acting_as(system("kiểm thử")), database.reading() as session:
        ids = list(session.scalars(select(Commune.id)))

        assert set(lineage(session, ids, TODAY).values()) == {""}


@pytest.mark.fill("reference")
def test_who_had_a_commune_that_ended_may_name_its_successor_and_no_more(any_database: Database) -> None:
    with any_database.writing.begin() as session, acting_as(system("kiểm thử")):
        old = commune(session, "28945", BEFORE)
        new = commune(session, "28945", AFTER)
        accounts.add_user(
            session,
            username="canbo",
            full_name="Lê Thị Mai",
            role=Role.COMMUNE_CLERK,
            place=old,
            password="mat-khau-12",
        )
        area: Area = accounts.area_of(session, accounts.user_named(session, "canbo"))

    assert (old.id in area.communes, new.id in area.communes) == (True, False)
    assert old.id in area.left
    assert new.id not in area.left
    assert area.heirs == {new.id}
