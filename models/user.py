"""Cán bộ: accounts, their sessions, their rights."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Everywhere, LabelledEnum, Searchable, Tidy, choice, field
from models.commune import Commune
from models.district import District
from models.province import Province


class Role(LabelledEnum):
    """Source: DESIGN §1."""

    COMMUNE_CLERK = "commune_clerk", "Cán bộ xã"
    DISTRICT_CLERK = "district_clerk", "Cán bộ huyện"
    PROVINCE_CLERK = "province_clerk", "Cán bộ tỉnh"
    COUNCIL_MEMBER = "council_member", "Thành viên hội đồng"
    LEADER = "leader", "Lãnh đạo"
    ADMINISTRATOR = "administrator", "Quản trị"
    AUDITOR = "auditor", "Kiểm toán"


class User(Everywhere, Searchable, Base):
    """One of the three places, or none for the whole country; demo accounts keep their given password."""

    __tablename__ = "users"
    __label__ = "Tài khoản"
    __title__ = "username"
    __keys__: ClassVar = (("username",),)
    __search__ = ("full_name", "username")

    username: Mapped[str] = mapped_column(
        String(60), unique=True, info=field("Tên đăng nhập", hint="chữ thường, số, dấu chấm")
    )
    full_name: Mapped[str] = mapped_column(Tidy(120), info=field("Họ tên"))
    role: Mapped[Role] = mapped_column(choice(Role), info=field("Vai trò"))
    office: Mapped[str] = mapped_column(Tidy(255), default="", info=field("Đơn vị"))
    province_id: Mapped[int | None] = mapped_column(ForeignKey("provinces.id"), info=field("Địa bàn tỉnh"))
    district_id: Mapped[int | None] = mapped_column(ForeignKey("districts.id"), info=field("Địa bàn huyện"))
    commune_id: Mapped[int | None] = mapped_column(ForeignKey("communes.id"), info=field("Địa bàn xã"))
    password_hash: Mapped[str] = mapped_column(String(255), info=field("Mật khẩu đã băm", managed=True, secret=True))
    must_change_password: Mapped[bool] = mapped_column(default=True, info=field("Phải đổi mật khẩu", managed=True))
    # The trail keeps no secrets: without this column a changed password would leave no trace in it.
    password_changed_at: Mapped[datetime | None] = mapped_column(info=field("Đổi mật khẩu lúc", managed=True))
    locked: Mapped[bool] = mapped_column(default=False, info=field("Đã khóa"))
    is_demo: Mapped[bool] = mapped_column(default=False, info=field("Tài khoản dùng thử", managed=True))
    single_keys: Mapped[bool] = mapped_column(default=True, info=field("Dùng phím tắt một chữ"))

    province: Mapped[Province | None] = relationship(info=field("Địa bàn tỉnh"))
    district: Mapped[District | None] = relationship(
        info=field("Địa bàn huyện", hint="không còn cấp huyện vẫn thấy các bản ghi của huyện, cả khi đã sang xã mới")
    )
    commune: Mapped[Commune | None] = relationship(
        info=field(
            "Địa bàn xã",
            hint="xã sáp nhập thì vẫn thấy các bản ghi từ xã này chuyển sang, không thấy bản ghi khác của xã mới",
        )
    )


class SessionRecord(Everywhere, Base):
    """One sign-in: the cookie holds a random token, the table only its SHA-256, so a row can be revoked."""

    __tablename__ = "session_records"
    __label__ = "Phiên làm việc"
    __title__ = "user"
    __screen__ = None  # kept by signing in and out
    __keys__: ClassVar = (("token_hash",),)
    __quiet__ = frozenset({"last_seen_at"})

    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info=field("Dấu phiên", secret=True))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True, info=field("Tài khoản"))
    last_seen_at: Mapped[datetime] = mapped_column(info=field("Thao tác gần nhất"))
    ended_at: Mapped[datetime | None] = mapped_column(info=field("Kết thúc lúc"))
    address: Mapped[str] = mapped_column(String(64), default="", info=field("Địa chỉ máy"))
    user: Mapped[User] = relationship(info=field("Tài khoản"))


class SignInAttempt(Everywhere, Base):
    """Failures of one name, whether or not such an account exists, so that nobody learns which do."""

    __tablename__ = "sign_in_attempts"
    __label__ = "Đăng nhập sai"
    __title__ = "username"
    __screen__ = None  # kept by signing in
    __keys__: ClassVar = (("username",),)

    username: Mapped[str] = mapped_column(String(60), unique=True, info=field("Tên đăng nhập"))
    failures: Mapped[int] = mapped_column(default=0, info=field("Số lần sai"))
    first_failed_at: Mapped[datetime] = mapped_column(info=field("Sai lần đầu lúc"))
    lockouts: Mapped[int] = mapped_column(default=0, info=field("Số lần tạm khóa"))
    locked_until: Mapped[datetime | None] = mapped_column(info=field("Tạm khóa đến"))


class Grant(Everywhere, Base):
    """What a role may do with a screen; what no row grants, nobody may. Seeded from models.rules.access."""

    __tablename__ = "grants"
    __label__ = "Quyền"
    __title__ = "verb"
    __screen__ = None  # seeded from models/rules/access.py
    __keys__: ClassVar = (("role", "screen", "verb"),)
    __table_args__ = (UniqueConstraint("role", "screen", "verb"),)

    role: Mapped[Role] = mapped_column(choice(Role), info=field("Vai trò"))
    screen: Mapped[str] = mapped_column(String(40), info=field("Màn hình"))
    verb: Mapped[str] = mapped_column(String(40), info=field("Việc"))
