"""The web application, assembled: settings, database, sign-in, screens."""

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from admin_views import VIEWS, boundaries, geography, import_files, import_jobs, import_undo, moving
from admin_views.imports import PAGES
from admin_views.pages_first import PagesFirst
from admin_views.security import BodyLimit, KnownHost, RequestNumber, SameOrigin, SecurityHeaders
from admin_views.sign_in import Authentication
from admin_views.site import OcopAdmin
from app import schema
from app.config import Settings, load
from app.current import acting_as, system
from app.database import POOL_SIZE, Database, connect
from app.services.jobs import Runner
from models import Grant

# Threads that make pages share one interpreter: short turns keep a long export from holding the others up.
SWITCH_SECONDS = 0.001
# A page makes some ten thousand objects, nearly all gone with it: looked for less often, they cost a tenth less.
GARBAGE_AFTER = (20_000, 20, 50)


def create_app(settings: Settings | None = None, database: Database | None = None) -> Starlette:
    """The application; a database that is not migrated is served all the same, and /readyz says so."""
    settings = settings or load()
    database = database or connect(settings.database_url)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*GARBAGE_AFTER)
    jobs = Runner(database, settings.files)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = POOL_SIZE
        gc.freeze()
        jobs.resume()
        yield
        await anyio.to_thread.run_sync(jobs.close)
        database.engine.dispose()

    app = Starlette(
        routes=[Route("/", _home), Route("/healthz", _alive), Route("/readyz", _ready)],
        middleware=[
            Middleware(PagesFirst),
            Middleware(KnownHost, allowed=settings.allowed_hosts),
            Middleware(RequestNumber),
            Middleware(SecurityHeaders, production=settings.is_production),
            Middleware(SameOrigin),
            Middleware(BodyLimit),
        ],
        lifespan=lifespan,
    )
    app.state.database = database
    app.state.admin = OcopAdmin(
        app,
        database=database,
        authentication=Authentication(settings, database),
        jobs=jobs,
        views=VIEWS,
        extra=(
            *PAGES,
            *import_files.PAGES,
            *import_jobs.PAGES,
            *import_undo.PAGES,
            *geography.PAGES,
            *moving.PAGES,
            *boundaries.PAGES,
        ),
    )
    gc.enable()
    return app


async def _home(_request: Request) -> Response:
    return RedirectResponse("/admin/", status_code=307)


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def _ready(request: Request) -> Response:
    """Whether the database answers and is migrated."""
    database: Database = request.app.state.database

    def look() -> str:
        with acting_as(system("kiểm tra")), database.reading() as session:
            session.execute(select(Grant.id).limit(1))
        return "" if schema.is_current(database) else "cơ sở dữ liệu chưa được nâng cấp: chạy ocop migrate"

    try:
        problem = await anyio.to_thread.run_sync(look)
    except Exception as error:  # whatever keeps the database away is the answer here
        problem = f"cơ sở dữ liệu chưa trả lời: {type(error).__name__}"
    return PlainTextResponse(problem or "ok", status_code=503 if problem else 200)
