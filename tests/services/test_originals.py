"""Originals: kept once under their SHA-256, given back unchanged or not at all."""

import hashlib
import os
import time
from datetime import date
from pathlib import Path

import pytest

from app.current import acting_as, system
from app.database import Database
from app.services.importing import originals
from app.services.importing.originals import OriginalDamaged, OriginalGone
from models import BatchState, ImportBatch

CONTENT = "Mã xã,Tên xã\r\n29182,Xã Thạnh Phú\r\n".encode()


def test_a_file_is_kept_once_for_the_server_alone(tmp_path: Path) -> None:
    folder = originals.folder(tmp_path)

    hashes = {originals.keep(folder, CONTENT) for _ in range(2)}

    assert hashes == {hashlib.sha256(CONTENT).hexdigest()}
    assert [place.name for place in folder.iterdir()] == list(hashes)
    assert (folder / hashes.pop()).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_comes_back_is_what_was_sent_or_a_refusal(tmp_path: Path) -> None:
    content_hash = originals.keep(tmp_path, CONTENT)
    assert originals.load(tmp_path, content_hash) == CONTENT

    (tmp_path / content_hash).write_bytes(CONTENT + b"x")
    with pytest.raises(OriginalDamaged):
        originals.load(tmp_path, content_hash)

    assert originals.keep(tmp_path, CONTENT) == content_hash
    assert originals.load(tmp_path, content_hash) == CONTENT


@pytest.mark.parametrize("content_hash", ["0" * 64, "", "../ocop.db", "a" * 64 + "/.."])
def test_nothing_but_a_kept_file_is_read(tmp_path: Path, content_hash: str) -> None:
    folder = originals.folder(tmp_path)
    originals.keep(folder, CONTENT)
    (tmp_path / "ocop.db").write_bytes(b"x")

    with pytest.raises(OriginalGone):
        originals.load(folder, content_hash)


def test_only_old_files_that_no_batch_needs_are_deleted(any_database: Database, tmp_path: Path) -> None:
    needed, given_up, unknown, young = (
        originals.keep(tmp_path, CONTENT + name) for name in (b"needed", b"given up", b"unknown", b"young")
    )
    long_ago = time.time() - 2 * originals.YOUNG
    for content_hash in (needed, given_up, unknown):
        os.utime(tmp_path / content_hash, (long_ago, long_ago))
    with acting_as(system("kiểm thử")), any_database.writing.begin() as session:
        for content_hash, state in ((needed, BatchState.APPLIED), (given_up, BatchState.DROPPED)):
            session.add(
                ImportBatch(
                    screen="commune",
                    state=state,
                    file_name="a.csv",
                    file_hash=content_hash,
                    file_size=1,
                    as_of=date(2026, 1, 1),
                    made_by="Lê Văn Tâm",
                )
            )
        session.flush()

        deleted = originals.drop_unused(session, tmp_path)

    assert deleted == 2
    assert {place.name for place in tmp_path.iterdir() if place.suffix == "" and len(place.name) == 64} == {
        needed,
        young,
    }
