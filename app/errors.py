"""Refusals: every one is a sentence for a clerk, saying what is wrong and what to do."""

from typing import ClassVar


class OcopError(Exception):
    """Base of everything the product refuses; its text is what the clerk reads.

    Subclasses give one `sentence` with named fields and pass them to `super().__init__(**fields)`.
    """

    sentence: ClassVar[str] = "Việc này chưa làm được."

    def __init__(self, **fields: object) -> None:
        super().__init__(self.sentence.format(**fields))
