"""Files of an import: the workbook as it was sent, the same marked with results, and one to fill in."""

import re
from datetime import date
from pathlib import PurePath
from urllib.parse import quote

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from admin_views.base import BASE_URL
from admin_views.export import FILE_TYPE
from admin_views.query import row_id
from admin_views.site import OcopAdmin, Page
from app.current import actor, today
from app.services import importing
from app.services.importing import originals, returned, template
from models import ImportBatch
from models.base import Base
from models.rules.access import may

RIGHT = ("import-batch", "details")


def original_href(batch: ImportBatch) -> str:
    return f"{BASE_URL}/import/{batch.id}/original"


def marked_href(batch: ImportBatch) -> str:
    return f"{BASE_URL}/import/{batch.id}/marked"


def template_href(model: type[Base], *, filled: bool = False) -> str:
    return f"{BASE_URL}/import/template/{model.__screen__}{'?day-du=1' if filled else ''}"


async def original(admin: OcopAdmin, request: Request) -> Response:
    """The file as it was sent, whatever it is: a browser is told to keep it, not to open it."""

    def work() -> tuple[str, bytes]:
        batch, content = _sent(admin, request)
        return batch.file_name, content

    return _download(*await anyio.to_thread.run_sync(work), "application/octet-stream")


async def marked(admin: OcopAdmin, request: Request) -> Response:
    def work() -> tuple[str, bytes]:
        batch, content = _sent(admin, request)
        with admin.database.reading() as session:
            return returned.returned(session, session.get_one(ImportBatch, batch.id), content)

    return _download(*await anyio.to_thread.run_sync(work), FILE_TYPE)


def _sent(admin: OcopAdmin, request: Request) -> tuple[ImportBatch, bytes]:
    pk = row_id(request.path_params["batch"])
    with admin.database.reading() as session:
        batch = session.get(ImportBatch, pk)
        if batch is None:
            raise HTTPException(404)
        session.expunge(batch)
    return batch, originals.load(admin.jobs.originals, batch.file_hash)


async def blank(admin: OcopAdmin, request: Request) -> Response:
    """A workbook to fill in; “day-du” puts the records into it that still miss something."""
    screen = request.path_params["identity"]
    if not may(actor().rights, screen, "import"):
        raise HTTPException(403)
    model = next((model for model in importing.importable() if model.__screen__ == screen), None)
    if model is None:
        raise HTTPException(404)
    filled = request.query_params.get("day-du") == "1"

    def work(day: date) -> bytes:
        with admin.database.reading() as session:
            return template.template(session, model, as_of=day, filled=filled)

    name = (
        f"Mẫu nhập {model.__plural__[:1].lower()}{model.__plural__[1:]}{', còn thiếu dữ liệu' if filled else ''}.xlsx"
    )
    return _download(name, await anyio.to_thread.run_sync(work, today()), FILE_TYPE)


def _download(name: str, content: bytes, media_type: str) -> Response:
    suffix = PurePath(name).suffix
    plain = f"ocop{suffix if re.fullmatch(r'[.][A-Za-z0-9]{1,8}', suffix) else ''}"
    headers = {
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    return Response(content, media_type=media_type, headers=headers)


PAGES = (
    Page("/import/template/{identity}", "import-template", blank, ("GET",), None),
    Page("/import/{batch}/original", "import-original", original, ("GET",), RIGHT),
    Page("/import/{batch}/marked", "import-marked", marked, ("GET",), RIGHT),
)
