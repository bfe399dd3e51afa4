"""Kết quả đánh giá: record the mean of a council and what follows from it."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import inspect, or_, select

from app.current import seeing_everything, today
from app.errors import OcopError
from app.services.geography import spot_on
from app.session import OcopSession
from models import Commune, CriteriaSet, Cycle, District, Participation, Product, Province, Rating
from models.rules import rating as rules
from models.rules.geography import Spot
from models.rules.words import words

POTENTIAL_FIVE = "Tiềm năng 5 sao, chờ bộ đánh giá."


class PointsOutOfRange(OcopError):
    sentence = "Điểm trung bình {points} nằm ngoài khoảng 0 đến 100. Xem lại biên bản chấm rồi nhập lại."


class PointsTooFine(OcopError):
    sentence = "Điểm trung bình {points} có quá {most} số lẻ. Ghi nhiều nhất {most} số sau dấu phẩy."


class StarsOutOfRange(OcopError):
    sentence = "Hạng {stars} sao không có. Chọn từ 1 đến 5 sao; sản phẩm chưa xếp hạng thì không ghi kết quả."


class StarsAbovePoints(OcopError):
    sentence = "Hạng {stars} sao cao hơn điểm: {points} điểm chỉ được {by_points} sao. Sửa hạng sao hoặc điểm."


class NoReasonForFewerStars(OcopError):
    sentence = "Hạng {stars} sao thấp hơn điểm: {points} điểm được {by_points} sao. Ghi lý do thấp hơn."


class DecidedLater(OcopError):
    sentence = "Ngày quyết định {day} chưa tới. Xem lại ngày quyết định."


class ExpiresBefore(OcopError):
    sentence = "Hết hạn công nhận {expires} trước ngày quyết định {day}. Xem lại hai ngày."


class BeforeFirstRegime(OcopError):
    sentence = "Ngày quyết định {day} trước ngày 21/08/2019, khi chưa có quy định đánh giá. Xem lại ngày quyết định."


def record(
    session: OcopSession,
    product: Product,
    *,
    mean_points: Decimal,
    decided_on: date,
    stars: int | None = None,
    difference_reason: str = "",
    decision_number: str = "",
    authority: str = "",
    participation: Participation | None = None,
    criteria_set: CriteriaSet | None = None,
) -> Rating:
    """Write down a result and everything that follows from its points and its day.

    mean_points: exact mean of the council, 0 to 100.
    stars: what was awarded; when not given, the class of the points, but four from 90 points on, because the
    ministry alone gives five.
    authority: as printed on the decision; when not given, as the law of the day and the place say.
    Raises what `settle` raises.
    """
    rating = Rating(
        product=product,
        participation=participation,
        criteria_set=criteria_set,
        mean_points=mean_points,
        stars=_at_province(mean_points) if stars is None else stars,
        difference_reason=difference_reason,
        decided_on=decided_on,
        decision_number=decision_number,
        authority=authority,
    )
    with session.no_autoflush:  # unfinished until it is settled
        settle(session, rating)
    with session.doing("ghi kết quả đánh giá"):
        session.add(rating)
    return rating


def settle(session: OcopSession, rating: Rating) -> None:
    """Fill what follows from points, stars, product and day, of a new result as of a changed one.

    What was typed as printed (authority, last day) stays; what followed from the values before a change follows
    anew. For a screen that saves a form: call it before the flush.

    Raises what `flaws` finds first.
    """
    for _attribute, flaw in flaws(rating):
        raise flaw
    regime = rules.regime_on(rating.decided_on)
    by_points = None if rating.mean_points is None else rules.stars(rating.mean_points)
    assert regime is not None
    if rating.difference_reason == POTENTIAL_FIVE:
        rating.difference_reason = ""
    # With a reason of its own the ministry has decided.
    rating.potential_five = rules.may_be_five(by_points, rating.stars) and not rating.difference_reason
    if rating.potential_five:
        rating.difference_reason = POTENTIAL_FIVE
    rating.regime = regime
    rating.stars_by_points = by_points
    _follow(session, rating)


def flaws(rating: Rating) -> Iterator[tuple[str, OcopError]]:
    """All that is wrong with points, stars and day, each with its attribute; what is still empty is not looked at."""
    points, stars, day = rating.mean_points, rating.stars, rating.decided_on
    by_points, shown = None, ""
    if points is not None:
        shown = _shown(points)
        if not 0 <= points <= rules.HIGHEST:
            yield "mean_points", PointsOutOfRange(points=shown)
        elif points != round(points, rules.DECIMALS):
            yield "mean_points", PointsTooFine(points=shown, most=rules.DECIMALS)
        else:
            by_points = rules.stars(points)
    if stars is not None and not 1 <= stars <= 5:
        yield "stars", StarsOutOfRange(stars=stars)
    elif stars is not None and by_points is not None:
        if stars > by_points:
            yield "stars", StarsAbovePoints(stars=stars, points=shown, by_points=by_points)
        has_reason = rating.difference_reason not in ("", None, POTENTIAL_FIVE)
        if stars < by_points and not has_reason and not rules.may_be_five(by_points, stars):
            yield "difference_reason", NoReasonForFewerStars(stars=stars, points=shown, by_points=by_points)
    if day is not None and rules.regime_on(day) is None:
        yield "decided_on", BeforeFirstRegime(day=words(day))
    elif day is not None and day > today():
        yield "decided_on", DecidedLater(day=words(day))
    if day is not None and rating.expires_on is not None and rating.expires_on <= day and not _follows(rating):
        yield "expires_on", ExpiresBefore(expires=words(rating.expires_on), day=words(day))


def _follow(session: OcopSession, rating: Rating) -> None:
    """Authority, cycle and last day, where they are empty or are what the values before the change gave."""
    product, stars, day = _product(session, rating), rating.stars, rating.decided_on
    alone = rating.participation is None and rating.participation_id is None
    if inspect(rating).persistent:
        product_before = session.get_one(Product, _before(rating, "product_id"))
        stars_before, day_before = _before(rating, "stars"), _before(rating, "decided_on")
        if rating.authority == _authority(session, product_before, stars_before, day_before):
            rating.authority = ""
        if _follows(rating):
            rating.expires_on = None
        alone = alone or (product_before, day_before) != (product, day)
    rating.authority = rating.authority or _authority(session, product, stars, day)
    if alone:
        rating.participation = _taking_part(session, product, day)
    if stars < rules.CERTIFIED_STARS:
        rating.expires_on = None
    elif rating.expires_on is None:
        rating.expires_on = rules.expires_on(day)


def _follows(rating: Rating) -> bool:
    """Whether the last day is what the day of decision before a change gave."""
    return bool(inspect(rating).persistent) and rating.expires_on == rules.expires_on(_before(rating, "decided_on"))


def _before(rating: Rating, name: str) -> Any:
    """The value of a column as the database has it."""
    history = inspect(rating).attrs[name].history
    return history.deleted[0] if history.deleted else getattr(rating, name)


def _at_province(points: Decimal) -> int:
    """The class of the points as a province may award it; out of range is refused by `settle`."""
    return min(rules.stars(points), rules.MINISTRY_STARS - 1) if 0 <= points <= rules.HIGHEST else 1


def _authority(session: OcopSession, product: Product, stars: int, day: date) -> str:
    """The office as it was named on the day, from the place where the product is made as it lay that day.

    Empty where that is not known.
    """
    match rules.authority_of(stars, day):
        case None:
            return ""
        case rules.Authority.MINISTRY:
            return rules.ministry_on(day)
        case rules.Authority.DISTRICT:
            return _committee(session, District, _spot(session, product, day).district_id)
        case rules.Authority.PROVINCE:
            return _committee(session, Province, _spot(session, product, day).province_id)


def _spot(session: OcopSession, product: Product, day: date) -> Spot:
    """Where the product was made on a day: of a moved one where it was recorded, as long as that was in force."""
    with seeing_everything():
        recorded = session.get_one(Commune, product.moved_from_id) if product.moved_from_id else None
        commune = session.get_one(Commune, product.commune_id)
    return spot_on(session, recorded if recorded and recorded.in_force(day) else commune, day)


def _taking_part(session: OcopSession, product: Product, day: date) -> Participation | None:
    """The product's part in the cycle that was open on the day of the decision."""
    statement = (
        select(Participation)
        .join(Participation.cycle)
        .where(Participation.product_id == product.id, Cycle.opened_on <= day)
        .where(or_(Cycle.closed_on.is_(None), Cycle.closed_on >= day))
        .order_by(Cycle.year.desc())
    )
    return session.scalars(statement.limit(1)).first()


def _product(session: OcopSession, rating: Rating) -> Product:
    """A form may have set the id alone."""
    return rating.product or session.get_one(Product, rating.product_id)


def _committee(session: OcopSession, model: type[District | Province], place_id: int | None) -> str:
    """“Huyện Thạnh Phú” as “UBND huyện Thạnh Phú”."""
    if place_id is None:
        return ""
    with seeing_everything():
        name = str(session.get_one(model, place_id))
    return f"UBND {name[0].lower()}{name[1:]}"


def _shown(points: Decimal) -> str:
    return format(points.normalize(), "f").replace(".", ",")
