"""The nouns of the programme. The folder listing is the list of concepts; see models/base.py for what each declares."""

from models.audit import AuditAction, AuditEntry
from models.base import EVERYTHING, Area, Base
from models.boundary import Boundary
from models.commune import Commune, CommuneKind, CommuneSuccession, SuccessionKind
from models.criteria_set import ChoiceKind, CriteriaSet, Criterion, CriterionKind, CriterionOption
from models.cycle import Cycle, CycleStep, ReceivingLevel, StepCode, StepKind
from models.district import District, DistrictKind
from models.entity import Entity, EntityKind, EntityStatus, Representative
from models.import_batch import BatchState, ImportBatch, ImportRow, RowAction, Sender
from models.job import Job, JobTask
from models.participation import Move, Participation, ParticipationState, StepRecord
from models.product import Product, ProductStatus
from models.product_group import GroupLevel, ProductGroup
from models.province import Province, ProvinceKind
from models.rating import Rating, Regime
from models.user import Grant, Role, SessionRecord, SignInAttempt, User

__all__ = [
    "EVERYTHING",
    "Area",
    "AuditAction",
    "AuditEntry",
    "Base",
    "BatchState",
    "Boundary",
    "ChoiceKind",
    "Commune",
    "CommuneKind",
    "CommuneSuccession",
    "CriteriaSet",
    "Criterion",
    "CriterionKind",
    "CriterionOption",
    "Cycle",
    "CycleStep",
    "District",
    "DistrictKind",
    "Entity",
    "EntityKind",
    "EntityStatus",
    "Grant",
    "GroupLevel",
    "ImportBatch",
    "ImportRow",
    "Job",
    "JobTask",
    "Move",
    "Participation",
    "ParticipationState",
    "Product",
    "ProductGroup",
    "ProductStatus",
    "Province",
    "ProvinceKind",
    "Rating",
    "ReceivingLevel",
    "Regime",
    "Representative",
    "Role",
    "RowAction",
    "Sender",
    "SessionRecord",
    "SignInAttempt",
    "StepCode",
    "StepKind",
    "StepRecord",
    "SuccessionKind",
    "User",
]
