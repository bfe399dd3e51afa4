"""What clerks do with the table of low_code.py, step by step; prints each thing that worked."""

import re
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy import Table
from starlette.testclient import TestClient

from app.config import Settings
from app.current import acting_as, system
from app.database import Database, connect
from app.main import create_app
from app.services import accounts
from models import Commune, Grant, Province, Role
from tests.guards.low_code import Inspection, InspectionView
from tests.world import FOREIGN, OWN

PASSWORD = "mat-khau-thu-2026"
VERBS = ("list", "details", "create", "edit", "delete", "export")


def main(url: str, folder: str) -> None:
    database = connect(url)
    _set_up(database)
    settings = Settings(url, "k" * 40, "127.0.0.1", 8000, ("testserver",), "127.0.0.1", Path(folder), "dev")
    site = create_app(settings, database)
    site.state.admin.add_view(InspectionView)
    clerk, other, leader = (_sign_in(site, name) for name in ("thu", "tam.foreign", "leader"))
    _work(clerk)
    _rights(clerk, other, leader)
    database.engine.dispose()


def _set_up(database: Database) -> None:
    table: Any = Inspection.__table__
    assert isinstance(table, Table)
    with database.engine.execution_options(writes=True).begin() as connection:
        table.create(connection)
    with acting_as(system("kiểm thử")), database.writing.begin() as session:
        session.add_all(Grant(role=Role.COMMUNE_CLERK, screen="inspection", verb=verb) for verb in VERBS)
        for name, place in (
            ("thu", session.get_one(Commune, OWN)),
            ("tam.foreign", session.get_one(Commune, FOREIGN)),
            ("leader", session.get_one(Province, OWN)),
        ):
            accounts.add_user(
                session,
                username=name,
                full_name="Trịnh Thị Thu",
                role=Role.LEADER if name == "leader" else Role.COMMUNE_CLERK,
                place=place,
                password=PASSWORD,
                force_change=False,
            )


def _sign_in(site: Any, name: str) -> TestClient:
    client = TestClient(site, headers={"sec-fetch-site": "same-origin"}, follow_redirects=False)
    answer = client.post("/admin/login", data={"username": name, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return client


def _work(clerk: TestClient) -> None:
    page = clerk.get("/admin/inspection/list")
    assert page.status_code == 200
    assert "Đợt kiểm tra" in page.text
    _worked("list")

    typed = {"number": "12/BB-KT", "inspected_on": "05/03/2026", "findings": "Đạt yêu cầu", "product": str(OWN)}
    refused = clerk.post("/admin/inspection/create", data={**typed, "inspected_on": "31/02/2026"})
    assert refused.status_code == 400
    assert "không có trong lịch" in refused.text
    saved = clerk.post("/admin/inspection/create", data=typed)
    assert saved.headers["location"] == "/admin/inspection/details/1", saved.text
    again = clerk.post("/admin/inspection/create", data=typed)
    assert "Đã có đợt kiểm tra cùng số biên bản" in again.text
    _worked("create")

    record = clerk.get("/admin/inspection/details/1").text
    for shown in ("12/BB-KT", "05/03/2026", "Đạt yêu cầu", "Mứt dừa An Thạnh"):
        assert shown in record, shown
    _worked("details")

    form = clerk.get("/admin/inspection/edit/1").text
    version = re.search(r'name="version" value="(\d+)"', form)
    assert version is not None
    typed |= {"findings": "Đạt yêu cầu, ghi lại nhãn", "version": version[1]}
    assert clerk.post("/admin/inspection/edit/1", data=typed).status_code == 303
    assert clerk.post("/admin/inspection/edit/1", data={**typed, "findings": "Không đạt"}).status_code == 409
    _worked("edit")

    assert "12/BB-KT" in clerk.get("/admin/inspection/list?search=12/BB").text
    assert "12/BB-KT" in clerk.get("/admin/inspection/list?search=ghi+lại").text
    assert "12/BB-KT" not in clerk.get("/admin/inspection/list?search=không+đạt").text
    _worked("search")
    assert "12/BB-KT" in clerk.get(f"/admin/inspection/list?product={OWN}").text
    _worked("filter")

    book = clerk.get("/admin/inspection/export/xlsx")
    with zipfile.ZipFile(BytesIO(book.content)) as opened:
        text = " ".join(opened.read(name).decode() for name in opened.namelist() if name.endswith(".xml"))
    for shown in ("Số biên bản", "12/BB-KT", "Ngày kiểm tra", "Mứt dừa An Thạnh"):
        assert shown in text, shown
    _worked("export")

    history = clerk.get("/admin/inspection/details/1?tab=lich-su").text
    for shown in ("Trịnh Thị Thu", "Kết luận", "Đạt yêu cầu, ghi lại nhãn"):
        assert shown in history, shown
    _worked("history")

    check = clerk.post("/admin/inspection/delete", data={"pks": "1"}).text
    assert "Xóa đợt kiểm tra này" in check
    clerk.post("/admin/inspection/delete", data={"pks": "1", "confirm": "1", "seen": "1:2"})
    assert clerk.get("/admin/inspection/details/1").status_code == 404
    assert clerk.post("/admin/inspection/create", data=typed).status_code == 303
    _worked("delete")


def _rights(clerk: TestClient, other: TestClient, leader: TestClient) -> None:
    for page in ("list", "details/1", "details/2", "create", "export/xlsx"):
        assert leader.get(f"/admin/inspection/{page}").status_code == 403, page
    assert "/admin/inspection/" not in leader.get("/admin/").text
    assert "/admin/inspection/list" in clerk.get("/admin/").text
    _worked("rights")

    listed = re.search(r"/admin/inspection/details/(\d+)", clerk.get("/admin/inspection/list").text)
    assert listed is not None
    assert "12/BB-KT" not in other.get("/admin/inspection/list").text
    assert other.get(f"/admin/inspection/details/{listed[1]}").status_code == 404
    foreign = {"number": "13/BB-KT", "inspected_on": "05/03/2026", "findings": "Đạt", "product": str(OWN)}
    assert other.post("/admin/inspection/create", data=foreign).status_code == 400
    _worked("area")


def _worked(what: str) -> None:
    sys.stdout.write(f"{what}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
