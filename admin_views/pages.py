"""What a template is given: plain values, prepared by the views, so that a template only shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["wait", "returned", "refused", "ok", "mute", "potential"]


@dataclass(frozen=True, slots=True)
class Tag:
    """State as icon and words; the tone only helps: wait blue, returned amber, refused red, ok green, mute grey."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as a clerk reads it.

    second: a smaller line beneath, such as the producer or the former place; its tone for a deadline in words.
    stars: 1 to 5 to draw after the words; 0 draws nothing.
    """

    text: str = ""
    href: str = ""
    second: str = ""
    tag: Tag | None = None
    stars: int = 0
    second_tone: Literal["", "warn", "danger"] = ""


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    href: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    hint: str = ""
    selected: bool = False


@dataclass(frozen=True, slots=True)
class MenuItem:
    label: str
    href: str
    icon: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class MenuGroup:
    label: str
    items: Sequence[MenuItem]


@dataclass(frozen=True, slots=True)
class Shell:
    """Who I am, where I am, which year: the frame of every signed-in page."""

    user_name: str
    account: str
    initials: str
    role: str
    area: str
    cycle: str
    office: str
    menu: Sequence[MenuGroup]
    home_href: str
    home_current: bool
    logout_href: str
    password_href: str


@dataclass(frozen=True, slots=True)
class Head:
    """Breadcrumb, h1 and sub-line; at most three buttons, the filled one last."""

    title: str
    sub: str = ""
    crumbs: Sequence[Link] = ()
    here: str = ""
    buttons: Sequence[Link] = ()
    main: Link | None = None


@dataclass(frozen=True, slots=True)
class ListColumn:
    """width: share of the table in percent; sort_href empty when the column does not sort."""

    label: str
    width: int
    sort_href: str = ""
    sorted: Literal["", "ascending", "descending"] = ""
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class ListRow:
    """label names the row for its tick: “Chọn Kẹo dừa…”; href opens the record."""

    pk: str
    label: str
    href: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Filter:
    name: str
    label: str
    kind: Literal["options", "date", "lookup"]
    options: Sequence[Option] = ()
    value: str = ""
    text: str = ""  # what the value reads as (for lookup), or what was typed
    lookup_href: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    label: str
    value: str
    remove_href: str


@dataclass(frozen=True, slots=True)
class BulkAction:
    """A button of the bulk bar: posts the ticked `pks`, or `all=1` with the list's query, to its check page."""

    label: str
    href: str
    icon: str
    main: bool = False


@dataclass(frozen=True, slots=True)
class Pager:
    """text: “Dòng 1–25 trong 1.137”; sizes: with the current one selected; hidden: query kept by both forms."""

    text: str
    page: int
    pages: int
    previous_href: str
    next_href: str
    sizes: Sequence[Option]
    hidden: Sequence[tuple[str, str]]
    last_href: str = ""  # “Cuối”, when the pages were not counted


@dataclass(frozen=True, slots=True)
class ListPage:
    head: Head
    noun: str  # “sản phẩm”
    search: str
    search_hint: str
    query: str  # the list's query string, for "all matching" and export
    hidden: Sequence[tuple[str, str]]  # query kept by the search form
    filters: Sequence[Filter]
    chips: Sequence[Chip]
    clear_href: str
    caption: str
    columns: Sequence[ListColumn]
    rows: Sequence[ListRow]
    actions: Sequence[BulkAction]
    matching: str  # “1.137” or “10.000+”
    pager: Pager
    empty: str  # the sentence shown when there is no row
    empty_links: Sequence[Link] = ()
    notes: Sequence["Note"] = ()
    panel_hidden: Sequence[tuple[str, str]] = ()  # query kept by the filter panel


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    tone: Literal["info", "ok", "warn", "danger"] = "info"
    title: str = ""
    links: Sequence[Link] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    cell: Cell


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a trail entry or a plan row: old struck on red, new on green; "" shows as (trống)."""

    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the timeline, newest first."""

    what: str
    when: str
    who: str
    tone: Literal["info", "ok", "warn", "mute"]
    icon: str
    text: str = ""
    changes: Sequence[Change] = ()
    links: Sequence[Link] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One of the eight bars: state done, current or later; date is when it was entered or done."""

    number: int
    name: str
    state: Literal["done", "current", "later"]
    date: str = ""


@dataclass(frozen=True, slots=True)
class StepIndicator:
    title: str  # “Bước 4 trong 8: Nhận kế hoạch kinh doanh”
    side: str  # “Chu trình năm 2026”
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class NextStep:
    """The card at the right: task, buttons (each posts to a check page), one line on what happens then."""

    task: str
    text: str
    main: BulkAction | None
    other: Sequence[BulkAction]
    pk: str
    blocked: Sequence[str] = ()
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    href: str
    current: bool
    count: str = ""


@dataclass(frozen=True, slots=True)
class RelatedTable:
    """Rows of another model that belong to this record: the first ones, a link to all, and to the form of one more."""

    title: str
    columns: Sequence[str]
    rows: Sequence[ListRow]
    more: Link | None
    empty: str
    add: Link | None = None


@dataclass(frozen=True, slots=True)
class MapPlace:
    """One outline of a drawing. shade: 0 for none to 5 for most. mark: written at x, y of the plane."""

    path: str
    label: str
    href: str
    shade: int
    mark: str = ""
    x: int = 0
    y: int = 0


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG. box: what it shows of the plane. legend: (shade, in words). letters: height of the marks."""

    box: str
    label: str
    places: Sequence[MapPlace]
    legend: Sequence[tuple[int, str]] = ()
    letters: int = 0


@dataclass(frozen=True, slots=True)
class AreaMap:
    """Figures by commune, or by province where there are too many communes; level names which.

    drawing: None where no boundaries are known, note says so; the table has the figures all the same.
    """

    title: str
    level: str
    measures: Sequence[Option]
    drawing: Drawing | None
    figure: str
    rows: Sequence[ListRow]
    total: str
    more: Link
    hidden: Sequence[tuple[str, str]] = ()  # query kept by the form
    back: Link | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class DetailsPage:
    head: Head
    tags: Sequence[Tag]
    lead: Link | None
    indicator: StepIndicator | None
    summary: Sequence[Fact]
    next_step: NextStep | None
    tabs: Sequence[Tab]
    facts: Sequence[tuple[str, Sequence[Fact]]]  # (group title, facts); empty on the history tab
    related: Sequence[RelatedTable]
    events: Sequence[Event] | None  # the history tab
    notes: Sequence[Note] = ()
    drawing: Drawing | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One control of a form.

    kind: text, area, integer, decimal, date (typed dd/mm/yyyy), choice, yes_no, lookup, password.
    value: what is in the control; for a lookup the id, with `text` what is shown.
    width: short, medium or full hints at the expected length.
    """

    name: str
    id: str
    label: str
    kind: Literal["text", "area", "integer", "decimal", "date", "choice", "yes_no", "lookup", "password"]
    value: str = ""
    text: str = ""
    hint: str = ""
    error: str = ""
    required: bool = True
    options: Sequence[Option] = ()
    lookup_href: str = ""
    width: Literal["short", "medium", "full"] = "full"
    max_length: int = 0
    autocomplete: str = "off"


@dataclass(frozen=True, slots=True)
class FieldSet:
    title: str
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class FormPage:
    """errors: sentences with the field id they belong to ("" for the whole form), in the order of the page."""

    head: Head
    action: str
    version: str
    errors: Sequence[tuple[str, str]]
    fieldsets: Sequence[FieldSet]
    save: str
    save_and_new: str
    cancel_href: str
    hidden: Sequence[tuple[str, str]] = ()
    notes: Sequence[Note] = ()
    alike: Note | None = None  # a row of the same name is there; the form is not saved


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """state: choose (both changed), theirs or mine (merged). name is the field's name in the form."""

    name: str
    label: str
    before: str
    theirs: str
    mine: str
    state: Literal["choose", "theirs", "mine"]


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """Someone saved first: nothing is lost, nothing chosen in advance.

    hidden carries every typed value and the new version; a choice posts `choose-NAME` = theirs | mine.
    """

    head: Head
    title: str
    sub: str
    opened: str
    their_name: str
    saved: str
    rows: Sequence[ConflictRow]
    action: str
    hidden: Sequence[tuple[str, str]]
    drop_href: str


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """Why some rows stay: the reason, what to do, the first names, and a link to them."""

    count: int
    reason: str
    names: str
    cure: str
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class CheckPage:
    """What a button would do; nothing has changed yet. The form posts to `action` with `hidden` and `fields`."""

    head: Head
    can_title: str
    columns: Sequence[str]
    can: Sequence[Sequence[Cell]]  # the first ones
    can_more: str  # “và 58 sản phẩm khác”
    stay_title: str
    stay: Sequence[ReasonGroup]
    form_title: str
    fields: Sequence[Field]
    note: str
    submit: str  # "" when nothing can be done
    danger: bool
    action: str
    hidden: Sequence[tuple[str, str]]
    cancel: Link
    errors: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Count:
    number: str
    label: str
    icon: str
    tone: Literal["ok", "wait", "mute", "warn", "danger", "ink"]
    href: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class ResultPart:
    """id: the anchor its count links to."""

    id: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    more: Link | None = None


@dataclass(frozen=True, slots=True)
class ResultPage:
    """What happened, what did not and why (failed first), what next."""

    head: Head
    title: str
    sub: str
    tone: Literal["ok", "warn", "danger"]
    counts: Sequence[Count]
    parts: Sequence[ResultPart]
    next_main: Link | None
    next_links: Sequence[Link]


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """what: what did not happen; cures: up to three things to do; number: of the request, on server errors only."""

    status: int
    title: str
    what: str
    cures: Sequence[str]
    links: Sequence[Link]
    main: Link | None
    number: str = ""
    number_line: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of “Chờ tôi xử lý”."""

    count: str
    task: str
    href: str
    hint: str
    tone: Literal["wait", "warn", "danger", "mute"]
    button: str


@dataclass(frozen=True, slots=True)
class HomePage:
    head: Head
    waiting_total: str
    waiting: Sequence[Waiting]
    waiting_empty: str
    cycle_title: str
    cycle_columns: Sequence[str]
    cycle_rows: Sequence[ListRow]  # one a step: name, numbers that link to their list
    cycle_total: Sequence[Cell]
    expiring: RelatedTable | None
    stars: RelatedTable | None
    about: Sequence[Fact]  # who you are, your area, your rights in words
    map: AreaMap | None = None


@dataclass(frozen=True, slots=True)
class SignInPage:
    office: Sequence[str]
    steps: Sequence[str]
    note: Note | None
    error: str
    username: str
    next: str
    action: str
    help: str


@dataclass(frozen=True, slots=True)
class ImportStep:
    label: str  # “1. Tải tệp”
    state: Literal["done", "current", "later"]


@dataclass(frozen=True, slots=True)
class ImportUploadPage:
    head: Head
    steps: Sequence[ImportStep]
    models: Sequence[Option]
    fields: Sequence[Field]  # as-of day, sender
    dated_fields: Sequence[Field]  # those of `dated` lists alone
    accept: str  # “.xls,.xlsx,.ods,.csv”
    limit: str
    errors: Sequence[tuple[str, str]]
    action: str
    cancel_href: str
    batches: Sequence[tuple[Link, str, str]]  # number with its page, what, when and who
    batches_href: str
    dated: Sequence[str] = ()  # values of `models` whose day must be given
    senders: Sequence[str] = ()
    templates: Sequence[tuple[str, str, str]] = ()  # kind of list, its blank workbook, that of incomplete records
    boundaries_href: str = ""


@dataclass(frozen=True, slots=True)
class PlanRow:
    line: str
    name: Cell
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    line: str
    name: str
    in_file: str
    why: str


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One column of a file: the control that says what it is read as, and why it is. sample: some of its cells."""

    title: str
    name: str
    options: Sequence[Option]
    reason: str
    used: bool
    sample: str = ""


@dataclass(frozen=True, slots=True)
class UnfoundValue:
    """A value that names no row, or several, with the answers a clerk may give."""

    column: str
    value: str
    lines: str
    why: str
    name: str
    options: Sequence[Option]
    find: Field | None = None  # any row of the clerk's area, beyond the suggestions
    typed: bool = False  # a day, where none can be chosen


@dataclass(frozen=True, slots=True)
class SharedError:
    """An error of several rows. lines: “2–40, 45 (40 dòng)”."""

    error: str
    lines: str
    cure: str


@dataclass(frozen=True, slots=True)
class RepairedCells:
    """What was put right in cells of one column or kind: the first of them, and the tick that refuses it."""

    name: str
    what: str
    count: str
    cells: Sequence[tuple[int, str, str, str]]  # line, column, before, after
    more: str
    kept: bool


@dataclass(frozen=True, slots=True)
class LikelyRow:
    """A new row of a file beside the records that it may be, each with what tells it apart."""

    line: int
    name: str
    there: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class ImportPlanPage:
    """Step “Xem trước” (and, without `submit`, the page of a finished batch): counts, refused, changed, new."""

    head: Head
    steps: Sequence[ImportStep]
    sub: str
    notes: Sequence[Note]
    counts: Sequence[Count]
    said: Sequence[str]  # how the file was read, what was left alone
    refused_title: str
    refused: Sequence[RefusedRow]
    refused_more: str
    changed_title: str
    changed: Sequence[PlanRow]
    changed_heads: tuple[str, str]  # of the value before and the one of the file
    changed_more: str
    new_title: str
    new: Sequence[PlanRow]
    new_more: str
    also: Sequence[str]  # parents made with it: “Cùng tạo 9 huyện: …”
    submit: str
    action: str
    cancel_href: str
    hidden: Sequence[tuple[str, str]] = field(default=())
    drop_href: str = ""  # where giving the plan up is posted
    links: Sequence[Link] = ()  # to all rows of a part, to its other pages
    submit_partial: str = ""  # writes the good rows alone
    answer_href: str = ""  # where answers about columns and values are posted
    mapped: Sequence[MappedColumn] = ()
    asks_columns: bool = False  # nothing but the columns is to be settled yet
    unfound: Sequence[UnfoundValue] = ()
    likely: Sequence[LikelyRow] = ()
    shared: Sequence[SharedError] = ()  # of more refused rows than one reads one by one
    repairs: Sequence[RepairedCells] = ()
    sheets: Sequence[Option] = ()  # of the file, when there are several
    sheet: str = ""  # the one that was read
    unfound_count: int = 0  # all of them; `unfound` holds the first ones
    answered: bool = False  # whether a question was answered before
    clears: bool = False
    may_clear: bool = False
