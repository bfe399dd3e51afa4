"""How Vietnamese text is compared: stored as written, searched folded, sorted by the Vietnamese alphabet."""

import functools
import re
import unicodedata

_SPACES = re.compile(r"[\s\u00a0\u2000-\u200a\u202f\u3000]+")
# Control characters (NUL is no text to PostgreSQL), and what takes no room; tab and line breaks are spaces.
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200d\u2060\ufeff]+")
_ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_LETTER_KEY = {letter: chr(ord("A") + place) for place, letter in enumerate(_ALPHABET)}
# ngang huyền hỏi ngã sắc nặng, the order of Vietnamese dictionaries.
_TONE_KEY = {"\u0300": "1", "\u0309": "2", "\u0303": "3", "\u0301": "4", "\u0323": "5"}
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[0-9a-z]+")
# Letters of Vietnamese and of its neighbours without their marks; most text has no others.
_BARE = {place: unicodedata.normalize("NFD", chr(place))[0] for place in (*range(0xC0, 0x250), *range(0x1EA0, 0x1EFA))}
_I = {ord(y): i for y, i in zip("yỳỷỹýỵ", "iìỉĩíị", strict=True)}
_BARE |= {place: "i" for place, letter in _BARE.items() if letter == "y"} | {ord("đ"): "d", ord("y"): "i"}


# Read from a file, set on a row and bound to a statement, a text comes by three times.
@functools.lru_cache(maxsize=4096)
def tidy(text: str) -> str:
    """Text as it is stored: Unicode NFC, no invisible characters, single spaces, trimmed."""
    if not text:
        return text
    return unicodedata.normalize("NFC", _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip())


# An import folds the same names of places over and over.
@functools.lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Text as it is searched: no marks (so no tone placement), đ as d, y as i, lower case, words joined by one space.

    "Miến", "MIẾN" and "mien" fold alike; so do "Thủy" and "Thuỷ", "Quy" and "Qui".
    Source: DOMAIN §9; the stored text is never rewritten.
    """
    bare = text.casefold().translate(_BARE)
    if not bare.isascii():  # marks of their own, or letters of others
        bare = "".join(c for c in unicodedata.normalize("NFD", bare) if not unicodedata.combining(c)).translate(_BARE)
    return " ".join(_WORD.findall(bare))


def is_respelled(text: str, kept: str) -> bool:
    """Whether a text is the kept one but for capitals, tone placement and i/y, so that the kept one stays.

    Capitals throughout that are written out are no respelling. Source: DOMAIN §9.
    """
    if kept.isupper() and not text.isupper():
        return False
    return _spelling(text) == _spelling(kept)


def _spelling(text: str) -> str:
    return sort_key(text.lower().translate(_I))


def sort_key(text: str) -> str:
    """An ASCII key whose plain byte order is the Vietnamese order: letters first, tones only between equal letters.

    Runs of digits compare as numbers, so "Phường 2" comes before "Phường 10".
    """
    letters: list[str] = []
    tones: list[str] = []
    for word in re.findall(r"\w+", unicodedata.normalize("NFC", text.lower())):
        spelled, tone = _spelled_and_tone(word)
        letters.append(spelled)
        tones.append(tone)
    # " " comes before "-", and both before digits and letters: "Ba" < "Bà" < "Bà Rịa" < "Ba Tri".
    return f"{'-'.join(letters)} {''.join(tones)}"[:200]


@functools.lru_cache(maxsize=4096)
def _spelled_and_tone(word: str) -> tuple[str, str]:
    tone = "0"
    spelled = []
    for character in word:
        letter, mark = _letter_and_tone(character)
        tone = mark or tone
        spelled.append(_LETTER_KEY.get(letter, letter if letter.isascii() else ""))
    return _NUMBER.sub(lambda run: run.group().zfill(6), "".join(spelled)), tone


@functools.lru_cache(maxsize=4096)
def _letter_and_tone(character: str) -> tuple[str, str]:
    marks = unicodedata.normalize("NFD", character)
    tone = "".join(_TONE_KEY[mark] for mark in marks if mark in _TONE_KEY)
    return unicodedata.normalize("NFC", "".join(m for m in marks if m not in _TONE_KEY)), tone
