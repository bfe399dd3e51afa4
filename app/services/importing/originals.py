"""Files as they were sent, kept under their SHA-256: written once, read back unchanged or not at all."""

import hashlib
import os
import re
import tempfile
import time
from pathlib import Path

from sqlalchemy import select

from app.current import seeing_everything
from app.errors import OcopError
from app.session import OcopSession
from models.import_batch import BatchState, ImportBatch

# A file is kept a moment before the batch that names it is stored.
YOUNG = 3600  # seconds


class OriginalGone(OcopError):
    sentence = "Tệp gốc của đợt nhập này không còn trên máy chủ. Báo người quản trị tìm trong bản sao lưu."


class OriginalDamaged(OcopError):
    sentence = "Tệp gốc của đợt nhập này không còn nguyên vẹn nên không tải về được. Báo người quản trị khôi phục."


def folder(files: Path) -> Path:
    """Where originals lie below the folder of files (`Settings.files`)."""
    return files / "nhap-lieu"


def keep(folder: Path, content: bytes) -> str:
    """Write a file once, readable by the server alone; returns its SHA-256 in hex. One already there is left."""
    content_hash = hashlib.sha256(content).hexdigest()
    place = folder / content_hash
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if place.is_file() and place.read_bytes() == content:
        os.utime(place)  # young again, so that nobody drops it before its batch is stored
        return content_hash
    # A name nobody reads until the content is whole and on the disk.
    handle, making = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(making).replace(place)
    finally:
        Path(making).unlink(missing_ok=True)
    return content_hash


def load(folder: Path, content_hash: str) -> bytes:
    """The file as it was sent. Raises OriginalGone, OriginalDamaged."""
    place = folder / content_hash
    if not re.fullmatch(r"[0-9a-f]{64}", content_hash) or not place.is_file():
        raise OriginalGone
    content = place.read_bytes()
    if hashlib.sha256(content).hexdigest() != content_hash:
        raise OriginalDamaged
    return content


def drop_unused(session: OcopSession, folder: Path) -> int:
    """Delete files that no batch names, one given up not counting; returns how many. Younger than an hour stay."""
    if not folder.is_dir():
        return 0
    with seeing_everything():
        statement = select(ImportBatch.file_hash).where(ImportBatch.state != BatchState.DROPPED)
        named = set(session.scalars(statement))
    old = time.time() - YOUNG
    unused = [
        place
        for place in folder.iterdir()
        if place.is_file() and place.name not in named and place.stat().st_mtime < old
    ]
    for place in unused:
        place.unlink(missing_ok=True)
    return len(unused)
