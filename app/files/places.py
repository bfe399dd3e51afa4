"""Column names as Excel shows them."""


def letters(number: int) -> str:
    """Column 1 → "A", 27 → "AA"."""
    text = ""
    while number:
        number, letter = divmod(number - 1, 26)
        text = chr(65 + letter) + text
    return text


def number(text: str) -> int:
    """Column "A" → 1, "aa" → 27."""
    value = 0
    for letter in text.upper():
        value = value * 26 + ord(letter) - 64
    return value
