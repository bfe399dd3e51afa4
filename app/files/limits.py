"""Bounds of what is read; a file beyond one of them is refused before it is opened."""

MAX_BYTES = 20 * 1024 * 1024
MAX_UNZIPPED = 200 * 1024 * 1024

# A million formatted blank rows shrink 16 times, exports 10 to 30 times; a bomb 1,000 times.
MAX_RATIO = 100
RATIO_FROM = 10 * 1024 * 1024

# calamine allocates the whole rectangle up to the last cell; one value in XFD1048576 aborts the process.
MAX_CELLS = 5_000_000

# Of one sheet, as in Excel, blank ones too; only a CSV can have more.
MAX_ROWS = 1_048_576

# Merged cells and fonts are looked at in sheets of so many rows; beyond, a clerk's layout has become a data file.
STRUCTURE_ROWS = 20_000
MAX_MERGES = 100_000
