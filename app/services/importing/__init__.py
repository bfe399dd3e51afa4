"""File → `Table` → plan → store → apply as one numbered batch, or drop.

A plan says what each row would do and changes nothing: every change runs through the real flush in a savepoint
that is taken back. Apply judges the stored rows again and writes all of them or none.
"""

from app.services.importing.batches import KEPT as KEPT
from app.services.importing.batches import AlreadyApplied as AlreadyApplied
from app.services.importing.batches import AlreadyUndone as AlreadyUndone
from app.services.importing.batches import NothingToWrite as NothingToWrite
from app.services.importing.batches import NotTheMaker as NotTheMaker
from app.services.importing.batches import PlanDropped as PlanDropped
from app.services.importing.batches import PlanExpired as PlanExpired
from app.services.importing.batches import PlanMoved as PlanMoved
from app.services.importing.batches import RowsRefused as RowsRefused
from app.services.importing.batches import apply as apply
from app.services.importing.batches import asks_columns as asks_columns
from app.services.importing.batches import begin as begin
from app.services.importing.batches import discard as discard
from app.services.importing.batches import drop as drop
from app.services.importing.batches import imported_before as imported_before
from app.services.importing.batches import is_maker as is_maker
from app.services.importing.batches import look_again as look_again
from app.services.importing.batches import options_of as options_of
from app.services.importing.batches import read_again as read_again
from app.services.importing.batches import read_file as read_file
from app.services.importing.batches import replan as replan
from app.services.importing.batches import store as store
from app.services.importing.cells import unpacked as unpacked
from app.services.importing.kinds import DATED as DATED
from app.services.importing.kinds import NotImportable as NotImportable
from app.services.importing.kinds import importable as importable
from app.services.importing.kinds import importable_paths as importable_paths
from app.services.importing.kinds import known_titles as known_titles
from app.services.importing.kinds import path_label as path_label
from app.services.importing.planning import NeverComplete as NeverComplete
from app.services.importing.planning import Plan as Plan
from app.services.importing.planning import plan as plan
from app.services.importing.planning import writes as writes
from app.services.importing.reading import AS_OF as AS_OF
from app.services.importing.reading import NOTHING as NOTHING
from app.services.importing.reading import Options as Options
