"""A clerk of Xã Thạnh Phú moves products through the cycle of 2026, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.exc import IntegrityError

from app.current import Actor, acting_as, system
from app.database import Database
from app.services import cycle, rating
from app.session import OcopSession
from models import (
    Area,
    AuditEntry,
    Commune,
    Cycle,
    CycleStep,
    Entity,
    EntityKind,
    Move,
    Participation,
    ParticipationState,
    Product,
    Role,
    StepRecord,
    User,
)
from models.rules import cycle as rules
from models.rules.words import VIETNAM

TODAY = date(2026, 6, 15)
BEFORE = date(2026, 1, 9)

pytestmark = pytest.mark.fill("reference")


@dataclass
class Scene:
    database: Database
    commune_id: int
    province_id: int
    cycle_id: int
    entity_id: int

    def product(self, name: str, *, step: int = 1, **columns: object) -> int:
        """A product in the cycle of 2026 at that step; returns its participation's id."""
        with acting_as(system("kiểm thử")), self.database.writing.begin() as session:
            product = self.bare(session, name)
            here = session.get_one(Cycle, self.cycle_id)
            participation = cycle.enter(session, product, here, today=TODAY)
            while participation.step.number < step:
                if participation.step.number == 7:
                    rating.record(session, product, mean_points=Decimal(60), decided_on=TODAY)
                cycle.advance(session, participation, today=TODAY)
            for name_, value in columns.items():
                setattr(participation, name_, value)
            return participation.id

    def bare(self, session: OcopSession, name: str) -> Product:
        product = Product(name=name, entity_id=self.entity_id, commune_id=self.commune_id)
        session.add(product)
        session.flush()
        return product

    @contextmanager
    def clerk(self, role: Role = Role.COMMUNE_CLERK) -> Iterator[OcopSession]:
        """A session of Bình of Xã Thạnh Phú, or of Tâm of the province."""
        name = {Role.COMMUNE_CLERK: "binh", Role.PROVINCE_CLERK: "tam"}[role]
        with acting_as(system("kiểm thử")), self.database.writing.begin() as session:
            user = session.scalar(select(User).where(User.username == name))
            if user is None:
                user = User(username=name, full_name=name.title(), role=role, password_hash="x")
                session.add(user)
                session.flush()
            user_id = user.id
        area = (
            Area(communes=frozenset({self.commune_id}), around=frozenset({self.province_id}))
            if role is Role.COMMUNE_CLERK
            else Area(provinces=frozenset({self.province_id}), around=frozenset({self.province_id}))
        )
        who = Actor(name=name.title(), area=area, user_id=user_id, role=role)
        with acting_as(who), self.database.writing.begin() as session:
            yield session

    def stored(self, participation_id: int) -> tuple[int, ParticipationState, int]:
        """(step number, state, version) as another session reads them."""
        with acting_as(system("kiểm thử")), self.database.reading() as session:
            row = session.get_one(Participation, participation_id)
            return row.step.number, row.state, row.version

    def moves(self, participation_id: int) -> list[tuple[Move, int | None, int, str]]:
        with acting_as(system("kiểm thử")), self.database.reading() as session:
            records = session.scalars(
                select(StepRecord).where(StepRecord.participation_id == participation_id).order_by(StepRecord.id)
            ).all()
            number = {s.id: s.number for s in session.scalars(select(CycleStep))}
            return [
                (r.move, number.get(r.from_step_id or 0), number[r.to_step_id], r.reason or r.note) for r in records
            ]

    def trail(self, participation_id: int) -> list[tuple[str, str]]:
        """(who, verb) of each change of the participation."""
        with acting_as(system("kiểm thử")), self.database.reading() as session:
            entries = session.scalars(
                select(AuditEntry)
                .where(AuditEntry.model == "participations", AuditEntry.row_id == participation_id)
                .order_by(AuditEntry.id)
            )
            return [(entry.actor, entry.verb) for entry in entries]


@pytest.fixture
def scene(any_database: Database) -> Scene:
    with acting_as(system("kiểm thử")), any_database.writing.begin() as session:
        commune = session.scalars(select(Commune).where(Commune.code == "29182", Commune.valid_to.is_(None))).one()
        here = Cycle(
            name="Chu trình OCOP năm 2026",
            year=2026,
            province_id=commune.province_id,
            opened_on=date(2026, 1, 10),
        )
        entity = Entity(name="HTX Cồn Bửng", kind=EntityKind.COOPERATIVE, commune=commune)
        session.add_all([here, entity])
        session.flush()
        return Scene(any_database, commune.id, commune.province_id, here.id, entity.id)


def test_a_clerk_moves_a_product_and_leaves_one_record_and_one_trail(scene: Scene) -> None:
    honey = scene.product("Mật ong hoa dừa", step=2)

    with scene.clerk() as session:
        cycle.advance(session, session.get_one(Participation, honey), today=TODAY, note="Ý tưởng tốt")

    assert scene.stored(honey)[:2] == (3, ParticipationState.IN_PROGRESS)
    assert scene.moves(honey)[-1] == (Move.ADVANCE, 2, 3, "Ý tưởng tốt")
    assert scene.trail(honey)[-1] == ("Binh", "chuyển bước")


def test_entering_a_cycle_starts_at_the_first_step_once(scene: Scene) -> None:
    honey = scene.product("Mật ong hoa dừa")

    assert scene.moves(honey) == [(Move.ENTER, None, 1, "")]
    with acting_as(system("kiểm thử")), scene.database.writing.begin() as session:
        product = session.get_one(Participation, honey).product
        here = session.get_one(Cycle, scene.cycle_id)
        with pytest.raises(cycle.AlreadyIn, match="đã có trong chu trình năm 2026"):
            cycle.enter(session, product, here, today=TODAY)
        with pytest.raises(cycle.CycleNotOpen, match="09/01/2026"):
            cycle.enter(session, product, here, today=BEFORE)


def test_a_cycle_of_another_province_is_refused(scene: Scene) -> None:
    with acting_as(system("kiểm thử")), scene.database.writing.begin() as session:
        other = Cycle(
            name="Chu trình OCOP năm 2026, Cà Mau",
            year=2026,
            province_id=scene.province_id - 1,
            opened_on=date(2026, 1, 10),
        )
        session.add(other)
        product = scene.bare(session, "Khô cá dứa")

        with pytest.raises(cycle.OtherProvince):
            cycle.enter(session, product, other, today=TODAY)
        stays = {
            day: cycle.check(session, Move.ADVANCE, Product, [product.id], today=day).stay for day in (BEFORE, TODAY)
        }

    assert {day: list(reasons) for day, reasons in stays.items()} == {
        BEFORE: [rules.NO_OPEN_CYCLE],
        TODAY: [rules.NOT_IN_CYCLE],
    }


def test_a_product_of_a_former_commune_takes_part_in_the_cycle_of_its_new_province(scene: Scene) -> None:
    with acting_as(system("kiểm thử")), scene.database.writing.begin() as session:
        former = session.scalars(
            select(Commune).where(Commune.code == "29182", Commune.valid_from == date(2017, 10, 15))
        ).one()
        product = Product(name="Khô cá dứa", entity_id=scene.entity_id, commune=former)
        session.add(product)
        session.flush()
        before = cycle.check(session, Move.ADVANCE, Product, [product.id], today=TODAY)
        cycle.enter(session, product, session.get_one(Cycle, scene.cycle_id), today=TODAY)
        after = cycle.check(session, Move.ADVANCE, Product, [product.id], today=TODAY)

    assert list(before.stay) == [rules.NOT_IN_CYCLE]
    assert [p.product.name for p in after.can] == ["Khô cá dứa"]


def test_a_returned_plan_stays_until_it_is_handed_in_again(scene: Scene) -> None:
    rice = scene.product("Gạo sạch Thạnh Phú", step=4)

    with scene.clerk() as session:
        plan = session.get_one(Participation, rice)
        with pytest.raises(cycle.StepNotReady, match="Chưa nộp giấy tờ nên chưa có gì để trả lại"):
            cycle.send_back(session, plan, reason="Thiếu phần chi phí", today=TODAY)
        cycle.hand_in(session, plan, today=TODAY)
        with pytest.raises(cycle.StepNotReady, match="chưa thể ghi nhận nộp: Đã nộp, đang chờ kiểm tra"):
            cycle.hand_in(session, plan, today=TODAY)
        cycle.send_back(session, plan, reason="Thiếu phần chi phí", today=TODAY)
        with pytest.raises(cycle.StepNotReady, match="Kế hoạch kinh doanh đang bị trả lại"):
            cycle.advance(session, plan, today=TODAY)
        assert (plan.step.number, plan.returns) == (4, 1)
        cycle.hand_in(session, plan, today=TODAY, note="Đã bổ sung")
        assert plan.state is ParticipationState.SUBMITTED
        cycle.advance(session, plan, today=TODAY)

    assert scene.stored(rice)[0] == 5
    assert [move[0] for move in scene.moves(rice)[-4:]] == [Move.HAND_IN, Move.SEND_BACK, Move.RESUBMIT, Move.ADVANCE]
    assert [verb for _, verb in scene.trail(rice)[-4:]] == ["ghi nhận nộp", "trả lại", "nộp lại", "chuyển bước"]


def test_nothing_is_sent_back_without_a_reason_or_where_nothing_is_handed_in(scene: Scene) -> None:
    rice, salt = scene.product("Gạo sạch Thạnh Phú", step=4), scene.product("Muối biển", step=3)

    with scene.clerk() as session:
        with pytest.raises(cycle.ReasonNeeded):
            cycle.send_back(session, session.get_one(Participation, rice), reason="  ", today=TODAY)
        with pytest.raises(cycle.StepNotReady, match="Bước 3 không nhận giấy tờ"):
            cycle.send_back(session, session.get_one(Participation, salt), reason="Thiếu", today=TODAY)
        with pytest.raises(cycle.StepNotReady, match="Bước 3 không nhận giấy tờ nên không cần nộp"):
            cycle.hand_in(session, session.get_one(Participation, salt), today=TODAY)

    assert scene.stored(rice)[:2] == (4, ParticipationState.NOT_SUBMITTED)
    assert scene.trail(rice)[-1][0] == "kiểm thử"


def test_a_withdrawn_product_goes_nowhere_until_it_comes_back(scene: Scene) -> None:
    rice = scene.product("Gạo sạch Thạnh Phú", step=4, state=ParticipationState.SUBMITTED)

    with scene.clerk() as session:
        taking_part = session.get_one(Participation, rice)
        cycle.send_back(session, taking_part, reason="Thiếu phần chi phí", today=TODAY)
        with pytest.raises(cycle.StepNotReady, match="Không rút khỏi chu trình"):
            cycle.rejoin(session, taking_part, today=TODAY)
        with pytest.raises(cycle.ReasonNeeded):
            cycle.withdraw(session, taking_part, reason=" ", today=TODAY)
        cycle.withdraw(session, taking_part, reason="Chủ thể ngừng sản xuất", today=TODAY)
        for refused in (cycle.advance, cycle.hand_in):
            with pytest.raises(cycle.StepNotReady, match=r"Đã rút khỏi chu trình\. Đưa lại vào chu trình"):
                refused(session, taking_part, today=TODAY)
        with pytest.raises(cycle.StepNotReady, match="chưa thể rút khỏi chu trình: Đã rút"):
            cycle.withdraw(session, taking_part, reason="Lần nữa", today=TODAY)
        cycle.rejoin(session, taking_part, today=TODAY, note="Làm tiếp từ tháng 6")

    assert scene.stored(rice)[:2] == (4, ParticipationState.RETURNED)
    assert scene.moves(rice)[-2:] == [
        (Move.WITHDRAW, 4, 4, "Chủ thể ngừng sản xuất"),
        (Move.REJOIN, 4, 4, "Làm tiếp từ tháng 6"),
    ]
    assert [verb for _, verb in scene.trail(rice)[-2:]] == ["rút khỏi chu trình", "đưa lại vào chu trình"]


def test_who_withdrew_and_came_back_twice_has_the_state_from_before(scene: Scene) -> None:
    plan, class_ = scene.product("Gạo sạch Thạnh Phú", step=4), scene.product("Muối biển", step=3)

    with scene.clerk() as session:
        rows = {row_id: session.get_one(Participation, row_id) for row_id in (plan, class_)}
        cycle.hand_in(session, rows[plan], today=TODAY)
        for _ in range(2):
            for row in rows.values():
                cycle.withdraw(session, row, reason="Chủ thể xin rút", today=TODAY)
                cycle.rejoin(session, row, today=TODAY)

    assert scene.stored(plan)[:2] == (4, ParticipationState.SUBMITTED)
    assert scene.stored(class_)[:2] == (3, ParticipationState.IN_PROGRESS)


def test_many_withdraw_each_for_itself_and_come_back(scene: Scene) -> None:
    rice, candy = scene.product("Gạo sạch Thạnh Phú", step=2), scene.product("Kẹo dừa", step=7)
    with scene.clerk() as session:
        check = cycle.check(session, Move.WITHDRAW, Participation, [rice, candy], today=TODAY)
        reasons = [reason.text for reason in check.stay]
        with pytest.raises(cycle.ReasonNeeded):
            cycle.move_many(session, Move.WITHDRAW, check.seen, today=TODAY)

    with scene.clerk() as session:
        out = cycle.move_many(session, Move.WITHDRAW, check.seen, text="Chủ thể xin rút", today=TODAY)
    with scene.clerk() as session:
        again = cycle.move_many(session, Move.WITHDRAW, check.seen, text="Chủ thể xin rút", today=TODAY)
        back = cycle.check(session, Move.REJOIN, Participation, [rice, candy], today=TODAY)
        seen = back.seen
        returned = cycle.move_many(session, Move.REJOIN, seen, today=TODAY)
    with scene.clerk() as session:
        twice = cycle.move_many(session, Move.REJOIN, seen, today=TODAY)

    assert reasons == ["Rút khỏi chu trình ở bước 7 là việc của cấp tỉnh"]
    assert ([p.id for p in out.moved], [p.id for p in returned.moved]) == ([rice], [rice])
    assert [left.sentence for left in (*again.skipped, *twice.skipped)] == [
        "Đã rút ở bước 2.",
        "Đã đưa lại vào bước 2.",
    ]


def test_a_wrong_advance_is_taken_back_with_step_state_and_day(scene: Scene) -> None:
    rice = scene.product("Gạo sạch Thạnh Phú", step=4)
    with scene.clerk() as session:
        taking_part = session.get_one(Participation, rice)
        cycle.hand_in(session, taking_part, today=TODAY)
        entered = max(r.moved_at for r in taking_part.records if r.move is Move.ADVANCE).astimezone(VIETNAM).date()
        cycle.advance(session, taking_part, today=date(2026, 6, 20))

    with scene.clerk() as session:
        taking_part = session.get_one(Participation, rice)
        with pytest.raises(cycle.ReasonNeeded):
            cycle.step_back(session, taking_part, reason="", today=TODAY)
        cycle.step_back(session, taking_part, reason="Chọn nhầm sản phẩm", today=TODAY)
        day = taking_part.entered_on
        with pytest.raises(cycle.StepNotReady, match="chưa thể lùi bước: Việc ghi gần nhất không phải là chuyển bước"):
            cycle.step_back(session, taking_part, reason="Lần nữa", today=TODAY)

    assert scene.stored(rice)[:2] == (4, ParticipationState.SUBMITTED)
    assert day == entered
    assert scene.moves(rice)[-2:] == [(Move.ADVANCE, 4, 5, ""), (Move.STEP_BACK, 5, 4, "Chọn nhầm sản phẩm")]
    assert scene.trail(rice)[-1] == ("Binh", "lùi bước")


def test_a_result_of_the_new_step_holds_a_product_there(scene: Scene) -> None:
    candy, salt = scene.product("Kẹo dừa", step=7), scene.product("Muối biển", step=7)
    with acting_as(system("kiểm thử")), scene.database.writing.begin() as session:
        rating.record(session, session.get_one(Participation, candy).product, mean_points=Decimal(60), decided_on=TODAY)

    with scene.clerk() as session:
        check = cycle.check(session, Move.STEP_BACK, Participation, [candy, salt], today=TODAY)
        seen = check.seen
        out = cycle.move_many(session, Move.STEP_BACK, seen, text="Chuyển nhầm", today=TODAY)
    with scene.clerk() as session:
        again = cycle.move_many(session, Move.STEP_BACK, seen, text="Chuyển nhầm", today=TODAY)

    assert list(check.stay) == [rules.RATED_SINCE]
    assert [p.id for p in out.moved] == [salt]
    assert [left.sentence for left in again.skipped] == ["Đã lùi về bước 6."]
    assert scene.stored(salt)[:2] == (6, ParticipationState.IN_PROGRESS)


def test_what_was_entered_by_mistake_is_removed_with_the_record_of_its_entry(scene: Scene) -> None:
    rice, salt = scene.product("Gạo sạch Thạnh Phú"), scene.product("Muối biển", step=2)

    with scene.clerk() as session:
        cycle.remove(session, session.get_one(Participation, rice))
    with pytest.raises(IntegrityError), scene.clerk() as session:
        cycle.remove(session, session.get_one(Participation, salt))

    with acting_as(system("kiểm thử")), scene.database.reading() as session:
        assert session.get(Participation, rice) is None
    assert scene.moves(rice) == []
    assert len(scene.moves(salt)) == 2


def test_promotion_waits_for_three_stars_and_for_the_province(scene: Scene) -> None:
    candy = scene.product("Kẹo dừa", step=7)

    with scene.clerk(Role.PROVINCE_CLERK) as session:
        taking_part = session.get_one(Participation, candy)
        with pytest.raises(cycle.StepNotReady, match="Chưa có kết quả đánh giá"):
            cycle.advance(session, taking_part, today=TODAY)
        low = rating.record(session, taking_part.product, mean_points=Decimal("49.99"), decided_on=TODAY)
        assert low.participation is taking_part  # of the cycle that was open on the day
        with pytest.raises(cycle.StepNotReady, match="dưới 3 sao"):
            cycle.advance(session, taking_part, today=TODAY)
        rating.record(
            session,
            taking_part.product,
            mean_points=Decimal(50),
            decided_on=TODAY,
            participation=taking_part,
        )
    with (
        scene.clerk() as session,
        pytest.raises(cycle.StepNotReady, match="Chuyển bước 7 là việc của cấp tỉnh"),
    ):
        cycle.advance(session, session.get_one(Participation, candy), today=TODAY)
    with scene.clerk(Role.PROVINCE_CLERK) as session:
        cycle.advance(session, session.get_one(Participation, candy), today=TODAY)

    assert scene.stored(candy)[:2] == (8, ParticipationState.IN_PROGRESS)


def test_the_check_page_splits_by_reason_and_changes_nothing(scene: Scene) -> None:
    moves = scene.product("Mật ong hoa dừa", step=2)
    returned = scene.product("Gạo sạch Thạnh Phú", step=4, state=ParticipationState.RETURNED)
    also = scene.product("Bưởi da xanh", step=4, state=ParticipationState.RETURNED)
    at_rating = scene.product("Kẹo dừa", step=7)
    last = scene.product("Nước mắm", step=8)
    with acting_as(system("kiểm thử")), scene.database.writing.begin() as session:
        outside = scene.bare(session, "Tôm khô").id
        ids = [
            *session.scalars(
                select(Participation.product_id).where(Participation.id.in_([moves, returned, also, at_rating, last]))
            ),
            outside,
        ]
    before = [scene.stored(p) for p in (moves, returned, also, at_rating, last)]

    with scene.clerk() as session:
        check = cycle.check(session, Move.ADVANCE, Product, ids, today=TODAY)
        names = {reason.text: [p.name for p in products] for reason, products in check.stay.items()}

    assert check.seen == {moves: (before[0][2], 2)}
    assert names == {
        "Kế hoạch kinh doanh đang bị trả lại": ["Bưởi da xanh", "Gạo sạch Thạnh Phú"],
        "Chuyển bước 7 là việc của cấp tỉnh": ["Kẹo dừa"],
        "Đã ở bước cuối của chu trình": ["Nước mắm"],
        rules.NOT_IN_CYCLE.text: ["Tôm khô"],
    }
    assert [scene.stored(p) for p in (moves, returned, also, at_rating, last)] == before


def test_without_an_open_cycle_the_check_page_says_so(scene: Scene) -> None:
    honey = scene.product("Mật ong hoa dừa", step=2)
    with acting_as(system("kiểm thử")), scene.database.writing.begin() as session:
        session.get_one(Cycle, scene.cycle_id).closed_on = date(2026, 6, 30)
        never = scene.bare(session, "Tôm khô").id
        product_id = session.get_one(Participation, honey).product_id

    with scene.clerk() as session:
        by_product = cycle.check(session, Move.ADVANCE, Product, [product_id, never], today=date(2026, 7, 1))
        by_participation = cycle.check(session, Move.ADVANCE, Participation, [honey], today=date(2026, 7, 1))

    closed = "Chu trình năm 2026 đã đóng ngày 30/06/2026"
    assert [reason.text for reason in by_product.stay] == [closed, rules.NO_OPEN_CYCLE.text]
    assert [reason.text for reason in by_participation.stay] == [closed]


def test_confirmed_products_move_each_for_itself(scene: Scene) -> None:
    first, second, third = (scene.product(name, step=2) for name in ("Bưởi da xanh", "Dừa sáp", "Mật ong hoa dừa"))
    with scene.clerk() as session:
        check = cycle.check(session, Move.ADVANCE, Participation, [first, second, third], today=TODAY)
        seen = check.seen
    with scene.clerk() as session:  # somebody else, between the check page and the confirmation
        cycle.hand_in(session, session.get_one(Participation, second), today=TODAY)

    with scene.clerk() as session:
        outcome = cycle.move_many(session, Move.ADVANCE, seen, today=TODAY, text="Đợt tháng 6")

    assert [p.id for p in outcome.moved] == [first, third]
    assert [(left.name, left.sentence) for left in outcome.failed] == [
        ("Dừa sáp", "“Dừa sáp” vừa được người khác sửa sau khi bạn mở trang. Xem lại bản mới rồi lưu.")
    ]
    assert [scene.stored(p)[0] for p in (first, second, third)] == [3, 2, 3]
    assert scene.moves(third)[-1] == (Move.ADVANCE, 2, 3, "Đợt tháng 6")


def test_a_double_click_moves_once(scene: Scene) -> None:
    honey = scene.product("Mật ong hoa dừa", step=4)
    with scene.clerk() as session:
        seen = cycle.check(session, Move.ADVANCE, Participation, [honey], today=TODAY).seen

    with scene.clerk() as session:
        cycle.move_many(session, Move.ADVANCE, seen, today=TODAY)
    with scene.clerk() as session:
        again = cycle.move_many(session, Move.ADVANCE, seen, today=TODAY)

    assert [(left.name, left.sentence) for left in again.skipped] == [
        ("Mật ong hoa dừa", "Đã ở bước 5 từ ngày 15/06/2026.")
    ]
    assert (again.moved, again.failed) == ([], [])
    assert scene.stored(honey)[0] == 5


def test_a_product_of_another_commune_is_neither_shown_nor_moved(scene: Scene) -> None:
    honey = scene.product("Mật ong hoa dừa", step=2)
    version = scene.stored(honey)[2]
    stranger = Scene(scene.database, scene.commune_id - 1, scene.province_id, scene.cycle_id, scene.entity_id)

    with stranger.clerk() as session:
        check = cycle.check(session, Move.ADVANCE, Participation, [honey], today=TODAY)
        outcome = cycle.move_many(session, Move.ADVANCE, {honey: cycle.Seen(version, 2)}, today=TODAY)

    assert (check.can, dict(check.stay), outcome.moved) == ([], {}, [])
    assert outcome.failed[0].sentence.startswith("Không còn trong chu trình hoặc ngoài địa bàn")
    assert scene.stored(honey)[0] == 2


def test_what_became_impossible_is_skipped_with_its_reason(scene: Scene) -> None:
    honey = scene.product("Mật ong hoa dừa", step=2)
    version = scene.stored(honey)[2]
    with acting_as(system("kiểm thử")), scene.database.writing.begin() as session:
        session.get_one(Cycle, scene.cycle_id).closed_on = date(2026, 6, 14)

    with scene.clerk() as session:
        outcome = cycle.move_many(session, Move.ADVANCE, {honey: cycle.Seen(version, 2)}, today=TODAY)

    assert [left.sentence for left in outcome.skipped] == [
        "Chu trình năm 2026 đã đóng ngày 14/06/2026. Đưa sản phẩm vào chu trình đang mở."
    ]


def test_many_are_sent_back_with_one_reason(scene: Scene) -> None:
    rice = scene.product("Gạo sạch Thạnh Phú", step=4, state=ParticipationState.SUBMITTED)
    salt = scene.product("Muối biển", step=3)
    with scene.clerk() as session:
        check = cycle.check(session, Move.SEND_BACK, Participation, [rice, salt], today=TODAY)
        with pytest.raises(cycle.ReasonNeeded):
            cycle.move_many(session, Move.SEND_BACK, check.seen, text="", today=TODAY)

    with scene.clerk() as session:
        outcome = cycle.move_many(session, Move.SEND_BACK, check.seen, text="Thiếu chữ ký", today=TODAY)
    with scene.clerk() as session:
        again = cycle.move_many(session, Move.SEND_BACK, check.seen, text="Thiếu chữ ký", today=TODAY)

    assert list(check.seen) == [rice]
    assert [p.id for p in outcome.moved] == [rice]
    assert [left.sentence for left in again.skipped] == ["Đã trả lại ở bước 4."]
    assert scene.moves(rice)[-1] == (Move.SEND_BACK, 4, 4, "Thiếu chữ ký")


def test_a_check_of_hundreds_takes_few_queries(scene: Scene) -> None:
    with acting_as(system("kiểm thử")), scene.database.writing.begin() as session:
        here = session.get_one(Cycle, scene.cycle_id)
        products = [
            Product(name=f"Kẹo dừa số {n}", entity_id=scene.entity_id, commune_id=scene.commune_id) for n in range(400)
        ]
        session.add_all(products)
        session.flush()
        step = session.scalars(select(CycleStep).where(CycleStep.number == 7)).first()
        assert step is not None
        session.add_all(Participation(product=p, cycle=here, step=step, entered_on=TODAY) for p in products)
        ids = [p.id for p in products]
    statements: list[str] = []

    with scene.clerk(Role.PROVINCE_CLERK) as session:
        event.listen(
            scene.database.engine,
            "before_cursor_execute",
            lambda _c, _cursor, statement, *_: statements.append(statement),
        )
        check = cycle.check(session, Move.ADVANCE, Product, ids, today=TODAY)

    assert {reason.text: len(products) for reason, products in check.stay.items()} == {rules.NOT_RATED.text: 400}
    assert len([s for s in statements if s.startswith("SELECT")]) <= 12


def test_two_transactions_at_once_move_a_product_once(scene: Scene) -> None:
    honey = scene.product("Mật ong hoa dừa", step=2)
    if scene.database.is_sqlite:
        return  # it lets one transaction write at a time
    seen = {honey: cycle.Seen(scene.stored(honey)[2], 2)}

    with acting_as(system("kiểm thử")), scene.database.writing.begin() as slow:
        read_before = slow.get_one(Participation, honey)
        with scene.database.writing.begin() as quick, quick.doing("kiểm thử"):
            quick.execute(
                update(Participation)
                .where(Participation.id == honey)
                .values(version=Participation.version + 1, returns=5)
            )
        outcome = cycle.move_many(slow, Move.ADVANCE, seen, today=TODAY)

    assert (outcome.moved, outcome.failed[0].participation) == ([], read_before)
    assert "vừa được người khác sửa" in outcome.failed[0].sentence
    assert scene.stored(honey)[0] == 2
