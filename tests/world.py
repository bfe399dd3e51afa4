"""A small world that tests share: in every table one row of Xã An Thạnh and one of Xã Long Hậu, in another province.

Rows of An Thạnh have the id OWN, those of Long Hậu FOREIGN; NEIGHBOUR is a commune beside An Thạnh without rows.
Reference rows have both ids, everyone reads them. All people are made up.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.current import Actor
from app.database import Database
from app.session import OcopSession
from models import (
    Area,
    AuditEntry,
    Base,
    BatchState,
    Boundary,
    Commune,
    CommuneKind,
    CommuneSuccession,
    CriteriaSet,
    Criterion,
    CriterionKind,
    CriterionOption,
    Cycle,
    CycleStep,
    District,
    DistrictKind,
    Entity,
    EntityKind,
    Grant,
    GroupLevel,
    ImportBatch,
    ImportRow,
    Job,
    JobTask,
    Move,
    Participation,
    Product,
    ProductGroup,
    Province,
    ProvinceKind,
    Rating,
    ReceivingLevel,
    Regime,
    Representative,
    Role,
    RowAction,
    Sender,
    SessionRecord,
    SignInAttempt,
    StepCode,
    StepKind,
    StepRecord,
    SuccessionKind,
    User,
)
from models.base import Everywhere
from models.rules.access import ACCESS, grants

OWN, FOREIGN, NEIGHBOUR = 1, 2, 3
SINCE, DECIDED, ENTERED = date(2019, 1, 1), date(2024, 12, 20), datetime(2024, 3, 4, 2, 30, tzinfo=UTC)


def models() -> list[type[Base]]:
    """Every model, parents before their children."""
    by_table = {mapper.local_table: mapper.class_ for mapper in Base.registry.mappers}
    return [by_table[table] for table in Base.metadata.sorted_tables]


SCOPED = [model for model in models() if not issubclass(model, Everywhere)]


def fill(database: Database) -> None:
    """Both halves of the world, and the grants of every role."""
    with database.writing.begin() as session:
        for build in (_places, _people, _programme, _producers, _cycle, _imports):
            build(session)
        session.add_all(Grant(role=role, screen=screen, verb=verb) for role, screen, verb in grants())


def clerk(*, batch_owner: int = OWN) -> Actor:
    """Nguyễn Thị Bình of Xã An Thạnh."""
    area = Area(districts=frozenset({OWN}), communes=frozenset({OWN}), around=frozenset({OWN}), user_id=batch_owner)
    return _of(Role.COMMUNE_CLERK, "Nguyễn Thị Bình", area)


def province_clerk() -> Actor:
    """Lê Văn Tâm of Tỉnh Bến Tre."""
    area = Area(provinces=frozenset({OWN}), around=frozenset({OWN}), user_id=OWN)
    return _of(Role.PROVINCE_CLERK, "Lê Văn Tâm", area)


def _of(role: Role, name: str, area: Area) -> Actor:
    rights = frozenset((screen, verb) for screen, verbs in ACCESS[role].items() for verb in verbs)
    return Actor(name, area, area.user_id, role, rights, "7F3K-92QD")


def row_of(session: OcopSession, model: type[Base], which: int) -> int:
    """The id of the row of An Thạnh (OWN) or Long Hậu (FOREIGN); the trail's is the one of its product."""
    if model is not AuditEntry:
        return which
    found = select(AuditEntry.id).where(AuditEntry.model == "products", AuditEntry.row_id == which)
    return session.execute(found.limit(1)).scalar_one()


def _add(session: OcopSession, *rows: Base) -> None:
    """One flush a row, so that ids follow the order written here on both databases."""
    for row in rows:
        session.add(row)
        session.flush()


def _places(session: OcopSession) -> None:
    dated: dict[str, Any] = {"valid_from": SINCE, "legal_basis": "Nghị quyết 655/NQ-UBTVQH14"}
    _add(
        session,
        Province(code="83", name="Tỉnh Bến Tre", kind=ProvinceKind.PROVINCE, **dated),
        Province(code="87", name="Tỉnh Đồng Tháp", kind=ProvinceKind.PROVINCE, **dated),
        District(code="837", name="Huyện Thạnh Phú", kind=DistrictKind.RURAL, province_id=OWN, **dated),
        District(code="876", name="Huyện Lai Vung", kind=DistrictKind.RURAL, province_id=FOREIGN, **dated),
    )
    for code, name, place in (
        ("29227", "Xã An Thạnh", OWN),
        ("30244", "Xã Long Hậu", FOREIGN),
        ("29230", "Xã Giao Thạnh", OWN),
    ):
        _add(
            session,
            Commune(code=code, name=name, kind=CommuneKind.COMMUNE, province_id=place, district_id=place, **dated),
        )
    _add(
        session,
        CommuneSuccession(old_id=NEIGHBOUR, new_id=OWN, kind=SuccessionKind.PART),
        CommuneSuccession(old_id=FOREIGN, new_id=NEIGHBOUR, kind=SuccessionKind.PART),
    )
    for place, drawn_on in ((OWN, SINCE), (FOREIGN, DECIDED)):
        outline = {"outline": "M0 0l9 0 0 9z", "x": 0, "y": 0, "width": 9, "height": 9}
        _add(session, Boundary(commune_id=place, province_id=place, as_of=drawn_on, geometry="{}", **outline))


def _people(session: OcopSession) -> None:
    for place, username, name in ((OWN, "binh", "Nguyễn Thị Bình"), (FOREIGN, "hanh", "Trần Mỹ Hạnh")):
        user = User(
            username=username,
            full_name=name,
            role=Role.COMMUNE_CLERK,
            commune_id=place,
            password_hash=f"$argon2${username}",
        )
        _add(
            session,
            user,
            SessionRecord(token_hash=username.ljust(64, "0"), user=user, last_seen_at=ENTERED),
            SignInAttempt(username=username, failures=1, first_failed_at=ENTERED),
        )


def _programme(session: OcopSession) -> None:
    for number, code, name, kind in (
        (1, StepCode.OUTREACH, "Tuyên truyền, hướng dẫn", StepKind.GATHERING),
        (2, StepCode.IDEA, "Nhận đăng ký ý tưởng sản phẩm", StepKind.PRODUCT),
    ):
        _add(
            session,
            CycleStep(
                number=number,
                code=code,
                name=name,
                short_name=name[:12],
                kind=kind,
                may_be_returned=number == 2,
                receiving_level=ReceivingLevel.COMMUNE,
                valid_from=SINCE,
            ),
        )
    for number, name in ((7, "Chè các loại"), (9, "Trái cây chế biến")):
        criteria = CriteriaSet(
            number=number, name=name, decision="148/QĐ-TTg", max_points=Decimal(100), valid_from=SINCE
        )
        criterion = Criterion(
            criteria_set=criteria,
            position=1,
            part="A",
            code="A.1",
            name="Nguồn nguyên liệu",
            kind=CriterionKind.CRITERION,
            max_points=Decimal(5),
        )
        option = CriterionOption(criterion=criterion, position=1, points=Decimal("2.5"), text="Một nửa trong tỉnh")
        group = ProductGroup(decision="148/QĐ-TTg", code=f"1.{number}", name=name, level=GroupLevel.GROUP)
        _add(session, criteria, criterion, option, group)


def _producers(session: OcopSession) -> None:
    for place, name, tax, person, product in (
        (OWN, "HTX Nông nghiệp An Thạnh", "9900000016", "Võ Thị Lụa", "Mứt dừa An Thạnh"),
        (FOREIGN, "HTX Quýt hồng Lai Vung", "9900000023", "Đặng Văn Út", "Quýt hồng sấy dẻo"),
    ):
        entity = Entity(name=name, kind=EntityKind.COOPERATIVE, tax_code=tax, commune_id=place)
        _add(
            session,
            entity,
            Representative(entity=entity, name=person, position="Giám đốc"),
            Product(name=product, entity=entity, commune_id=place, group_id=place),
        )


def _cycle(session: OcopSession) -> None:
    for place, year, province in ((OWN, 2024, "Bến Tre"), (FOREIGN, 2023, "Đồng Tháp")):
        _add(
            session,
            Cycle(
                name=f"Chu trình OCOP {province} năm {year}", year=year, province_id=place, opened_on=date(2024, 1, 15)
            ),
        )
        taking_part = Participation(product_id=place, cycle_id=place, step_id=OWN, entered_on=date(2024, 3, 4))
        _add(
            session,
            taking_part,
            StepRecord(
                participation=taking_part, move=Move.ENTER, to_step_id=OWN, moved_at=ENTERED, moved_by="Lê Văn Tâm"
            ),
            Rating(
                product_id=place,
                participation=taking_part,
                criteria_set_id=OWN,
                regime=Regime.QD148,
                mean_points=Decimal("76.5"),
                stars_by_points=4,
                stars=4,
                decided_on=DECIDED,
                decision_number="3012/QĐ-UBND",
                authority="UBND huyện",
            ),
        )


def _imports(session: OcopSession) -> None:
    for owner, name in ((OWN, "danh muc xa An Thanh.xlsx"), (FOREIGN, "danh muc xa Long Hau.xlsx")):
        batch = _batch(owner, name, number=owner, state=BatchState.APPLIED)
        _add(session, Sender(name=f"nơi gửi {owner}", user_id=owner))
        _add(session, batch, ImportRow(batch=batch, user_id=owner, line=owner + 1, action=RowAction.SAME))
    for owner in (OWN, FOREIGN):
        read = _batch(owner, "danh muc con dang doc.xlsx", state=BatchState.READING)
        _add(session, read, Job(batch=read, user_id=owner, task=JobTask.READ, refusal="Đã dừng."))


def _batch(owner: int, name: str, **more: Any) -> ImportBatch:
    return ImportBatch(
        screen="commune",
        file_name=name,
        file_hash=str(owner) * 64,
        file_size=8_000,
        as_of=SINCE,
        user_id=owner,
        made_by="Lê Văn Tâm",
        **more,
    )
