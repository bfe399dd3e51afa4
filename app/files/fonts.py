"""Text typed for the fonts of the nineties, whose glyphs make Vietnamese of Western letters: TCVN3 and VNI.

TCVN3 (fonts .VnTime, .VnArial …): one byte a letter, of the capitals with a mark only Ă Â Đ Ê Ô Ơ Ư; the fonts
whose name ends in H (.VnTimeH) draw small letters as capitals. VNI (VNI-Times …): a letter and, for most marks,
a second one behind it. Excel keeps the bytes as the Western letters of the same number.

Own tables, checked against iconv's TCVN5712-1: PyPI has no maintained library for this (November 2026).
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from enum import IntEnum
from typing import NamedTuple


class Charset(IntEnum):
    TCVN3 = 1
    TCVN3_CAPITALS = 2
    VNI = 3

    @property
    def label(self) -> str:
        return "VNI" if self is Charset.VNI else "TCVN3"


def of_font(name: str) -> Charset | None:
    """The charset a font of that name shows; None for Unicode fonts."""
    name = name.strip()
    if name.lower().startswith(".vn"):
        return Charset.TCVN3_CAPITALS if name.endswith("H") else Charset.TCVN3
    return Charset.VNI if name.lower().startswith(("vni-", "vni ")) else None


# ---- the tables --------------------------------------------------------------------------------------------

# 0xB5 à, 0xB8 á … in the order of the Vietnamese letters; 0xAD, a soft hyphen elsewhere, is ư.
_TCVN3 = dict(
    zip(
        "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\u00adõøö÷ùúýûüþ¡¢§£¤¥¦",
        "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĂÂĐÊÔƠƯ",
        strict=True,
    )
)
_TCVN3_TABLE = str.maketrans(_TCVN3)

# A letter and what may follow it, with what the two make together.
_VNI_PAIRS = {
    "a": ("ùøûõïâêáàåãäéèúüë", "áàảãạâăấầẩẫậắằẳẵặ"),
    "e": ("ùøûõïâáàåãä", "éèẻẽẹêếềểễệ"),
    "o": ("ùøûõïâáàåãä", "óòỏõọôốồổỗộ"),
    "ô": ("ùøûõï", "ớờởỡợ"),
    "u": ("ùøûõï", "úùủũụ"),
    "ö": ("ùøûõï", "ứừửữự"),
    "y": ("ùøûõ", "ýỳỷỹ"),
}
_VNI_ALONE = {"æ": "ỉ", "ó": "ĩ", "ò": "ị", "ô": "ơ", "ö": "ư", "î": "ỵ", "ñ": "đ"}


def _vni() -> dict[str, str]:
    table = dict(_VNI_ALONE)
    for letter, (marks, together) in _VNI_PAIRS.items():
        table.update((letter + mark, made) for mark, made in zip(marks, together, strict=True))
    for old, made in list(table.items()):
        table[old.upper()] = table[old.capitalize()] = made.upper()
    return table


_VNI = _vni()
_VNI_LETTERS = re.compile("|".join(sorted(_VNI, key=len, reverse=True)))

_WORD = re.compile(r"[^\W\d_]+")


def to_unicode(text: str, charset: Charset) -> str:
    """The text as the font shows it. Words in capitals whose marked letters TCVN3 lacks get those too."""
    if charset is Charset.VNI:
        return _VNI_LETTERS.sub(lambda found: _VNI[found[0]], text)
    made = text.translate(_TCVN3_TABLE)
    if charset is Charset.TCVN3_CAPITALS:
        return made if _TCVN3.keys().isdisjoint(text) else made.upper()
    return _WORD.sub(_in_capitals, made)


def _in_capitals(found: re.Match[str]) -> str:
    """ "BáNH" → "BÁNH": what is small in it had no capital to be typed as."""
    word = found[0]
    if word.isupper() or word.islower():
        return word
    typed = [letter for letter in word if letter.isascii() or letter.isupper()]
    return word.upper() if len(typed) > 1 and "".join(typed).isupper() else word


# ---- telling them apart ------------------------------------------------------------------------------------

# Vietnamese beyond the Western letters: the text is Unicode already, whatever its font says.
_WIDE = re.compile("[ĂăĐđĨĩŨũƠơƯư\u0300-\u0323\u1ea0-\u1ef9]")


def is_unicode(text: str) -> bool:
    return _WIDE.search(text) is not None


# What Vietnamese in Unicode does not have: other letters and signs, a capital after a small letter, two vowels.
# Looking back from a Western letter, which most of the text is not, is twice as fast as looking ahead.
SUSPECT = re.compile(
    "[\u00a1-\u00ff](?:(?<=[¡¢£¤¥¦§¨©ª«¬\u00ad®µ¶·¸¹»¼½¾ÄÅÆÇËÎÏÑÖØÛÜÞßäåæçëîïñöøûüþ×÷])"
    "|(?<=[a-zà-ý][À-Ý])|(?<=[A-Z][À-Ý])(?=[a-z])|(?<=[Aa][ÙÕÂÊÁÀÃÉÈÚùõâêáàãéèú])|(?<=[Ee][ÙÕÂÁÀÃùõâáàã])"
    "|(?<=[OoÔô][ÙÕÂùõâ])|(?<=[UuYy][ÙÕùõ]))"
)
_TOKEN = re.compile("[^\\s\x00-@[-`{-\x7f\u00a0‘-‟–—…]+")

_STOP = "(?:ch|c|p|t)"
_RIME = re.compile(
    "(?:ngh?|nh|gh|gi|g|kh|kr|k|ph|pl|br|qu|q|tr|th|t|ch|c|[bdđhlmnprsvx])?"
    "(?:"
    "o?a(?:ch|nh|ng|[cimnoptuyk])?|[uo]?ă(?:ng|[cmnptk])|u?â(?:ng|[cmnptuyk])"
    "|o?e(?:ng|[cmnoptk])?|u?ê(?:ch|nh|ng|[mnptuk])?|i(?:ch|nh|[amnptu])?|iê(?:ng|[cmnptu])"
    "|o(?:ng|[cimnptk])?|ô(?:ng|[cimnptk])?|u?ơ(?:[imnpt])?"
    "|u(?:ng|[acimnpt])?|uy(?:ch|nh|[anptu])?|y|u?yê(?:ng|[mntu])|uô(?:ng|[cimnpt])"
    "|ư(?:ng|[acimntu])?|ươ(?:ng|[cimnptu])|uây|oay|oeo"
    ")"
)
_TONES = re.compile("[\u0300\u0301\u0303\u0309\u0323]")


def _is_syllable(word: str) -> bool:
    bare, tones = _TONES.subn("", unicodedata.normalize("NFD", word.casefold()))
    bare = unicodedata.normalize("NFC", bare)
    if tones > 1 or not _RIME.fullmatch(bare):
        return False
    if bare.endswith(("c", "ch", "p", "t")) and tones:
        return any(tone in unicodedata.normalize("NFD", word) for tone in "\u0301\u0323")
    return True


def _has_shape(word: str) -> bool:
    return word.islower() or word.isupper() or (word[0].isupper() and word[1:].islower())


def _judged(text: str) -> list[str]:
    """The words that tell something: not plain ASCII, and more than a sign such as × or ½."""
    return [
        word
        for word in _TOKEN.findall(text)
        if not word.isascii() and len(word) > 1 and any(letter.isascii() for letter in word)
    ]


def _holds(words: Iterable[str]) -> bool:
    return all(_is_syllable(word) and _has_shape(word) for word in words)


def is_vietnamese(text: str) -> bool:
    """Whether nearly all words of a text that are not plain ASCII are Vietnamese, some of them with a tone."""
    words = _judged(text[:LOOKED_AT])
    good = sum(_is_syllable(word) and _has_shape(word) for word in words)
    return is_unicode(text) and len(words) >= 3 and good >= 0.95 * len(words)


def is_of_old_font(text: str) -> bool:
    """Whether nearly all words of a text that are not plain ASCII are Vietnamese in one of the old charsets."""
    words = _judged(text[:LOOKED_AT])
    if len(words) < 3 or _holds(words):
        return False
    readings = ([to_unicode(word, charset) for word in words] for charset in (Charset.TCVN3, Charset.VNI))
    return max(sum(_is_syllable(word) and _has_shape(word) for word in made) for made in readings) >= 0.95 * len(words)


LOOKED_AT = 100_000  # characters


def _reads_as(text: str, charset: Charset) -> bool:
    """Whether every telling word becomes a syllable, of the words of the text as it stands."""
    made = [to_unicode(word, charset) for word in _judged(text)]
    return bool(made) and _holds(made)


def by_font(text: str, charset: Charset, *, mixed: bool = False) -> str | None:
    """The text in Unicode, or None where it is so already, as text pasted into a cell of an old font is.

    mixed: whether cells of old fonts elsewhere in the sheet are surely Unicode; doubtful ones then are too.
    """
    if text.isascii() or is_unicode(text):
        return None
    made = to_unicode(text, charset)
    if made == text:
        return None
    if SUSPECT.search(text):
        return made
    if (words := _judged(text)) and _holds(words) and (mixed or not _reads_as(text, charset)):
        return None
    return made


class Letters(NamedTuple):
    """What texts without a known font turned out to be. readings: {text: Unicode}; doubtful: left as they stand."""

    readings: dict[str, str]
    charsets: frozenset[Charset]
    doubtful: tuple[str, ...]


def by_letters(suspects: Collection[str], *, is_unicode_elsewhere: bool) -> Letters:
    """Read texts that `SUSPECT` found; one that is Vietnamese in Unicode as it stands is never touched.

    Sure is what is no Vietnamese as it stands and is wholly Vietnamese in one charset. Doubtful texts follow the
    sure ones: words of two letters ("Hµ", but also "µm"), words that only their capitals speak against ("BÕn",
    perhaps a slip for "bõn"), words that are Vietnamese in both. Without any sure one the second kind is read
    when there are two such texts, or no Unicode stands beside them.
    """
    sure: dict[str, Charset] = {}
    slips: dict[str, Charset] = {}
    others: dict[str, list[Charset]] = {}
    for text in suspects:
        words = _judged(text)
        if not words or is_unicode(text) or _holds(words):
            continue
        fits = [charset for charset in (Charset.TCVN3, Charset.VNI) if _reads_as(text, charset)]
        telling = [word for word in words if not _is_syllable(word)]
        if len(fits) == 1 and (len(telling) > 1 or any(len(word) > 2 for word in telling)):
            sure[text] = fits[0]
        elif len(fits) == 1 and not telling and not any(_holds([word]) for word in words) and len(text) > 2:
            slips[text] = fits[0]
        elif fits:
            others[text] = fits
    charsets = set(sure.values())
    for text, charset in slips.items():
        if charset in charsets or len(slips) > 1 or not is_unicode_elsewhere:
            sure[text] = charset
        else:
            others[text] = [charset]
    charsets = set(sure.values())
    for text, fits in others.items():
        if len(known := charsets.intersection(fits)) == 1:
            sure[text] = known.pop()
    readings = {text: to_unicode(text, charset) for text, charset in sure.items()}
    return Letters(readings, frozenset(charsets), tuple(text for text in others if text not in sure))
