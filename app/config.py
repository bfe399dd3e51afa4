"""Settings from the environment; a wrong value stops the start with a sentence."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.errors import OcopError

DATA = Path("data")
DEFAULT_DATABASE = "sqlite:///data/ocop.db"


class BadSetting(OcopError):
    sentence = "Thiết lập {name} chưa đúng: {why} Sửa rồi khởi động lại."


@dataclass(frozen=True)
class Settings:
    database_url: str
    secret_key: str
    host: str
    port: int
    allowed_hosts: tuple[str, ...]
    trusted_proxies: str
    files: Path
    env: Literal["dev", "production"]

    @property
    def is_production(self) -> bool:
        return self.env == "production"


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read OCOP_* (DESIGN §4); raises BadSetting."""
    env = environ.get("OCOP_ENV", "dev")
    if env not in ("dev", "production"):
        raise BadSetting(name="OCOP_ENV", why=f"“{env}” không phải dev hay production.")
    hosts = tuple(h.strip() for h in environ.get("OCOP_ALLOWED_HOSTS", "").split(",") if h.strip())
    if not hosts:
        if env == "production":
            raise BadSetting(name="OCOP_ALLOWED_HOSTS", why="phải ghi tên máy chủ, ví dụ ocop.vinhlong.gov.vn.")
        hosts = ("127.0.0.1", "localhost", "[::1]", "testserver")
    return Settings(
        database_url=_database_url(environ.get("OCOP_DATABASE_URL", DEFAULT_DATABASE)),
        secret_key=_secret_key(environ.get("OCOP_SECRET_KEY", ""), production=env == "production"),
        host=environ.get("OCOP_HOST", "127.0.0.1"),
        port=_port(environ.get("OCOP_PORT", "8000")),
        allowed_hosts=hosts,
        trusted_proxies=environ.get("OCOP_TRUSTED_PROXIES", "127.0.0.1"),
        files=Path(environ.get("OCOP_FILES", str(DATA / "files"))),
        env=cast(Literal["dev", "production"], env),
    )


def _database_url(text: str) -> str:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise BadSetting(name="OCOP_DATABASE_URL", why="không đọc được địa chỉ cơ sở dữ liệu.") from error
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise BadSetting(
            name="OCOP_DATABASE_URL",
            why=f"“{url.drivername}” không dùng được; cần sqlite hoặc postgresql+psycopg.",
        )
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise BadSetting(name="OCOP_PORT", why=f"“{text}” không phải số từ 1 đến 65535.")
    return int(text)


def _secret_key(given: str, *, production: bool) -> str:
    if given:
        if len(given) < 32:
            raise BadSetting(name="OCOP_SECRET_KEY", why="cần ít nhất 32 ký tự.")
        return given
    if production:
        raise BadSetting(name="OCOP_SECRET_KEY", why="phải đặt từ bên ngoài khi chạy chính thức.")
    kept = DATA / "secret_key"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    return kept.read_text(encoding="utf-8").strip()
