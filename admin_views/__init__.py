"""Screens. VIEWS is the menu: a new view class is added here, in the place where clerks should find it."""

from admin_views.audit import AuditView
from admin_views.base import OcopView
from admin_views.criteria_sets import CriteriaSetView
from admin_views.cycles import CycleStepView, CycleView
from admin_views.entities import EntityView, RepresentativeView
from admin_views.import_batches import ImportBatchView
from admin_views.participations import ParticipationView
from admin_views.places import CommuneSuccessionView, CommuneView, DistrictView, ProvinceView
from admin_views.product_groups import ProductGroupView
from admin_views.products import ProductView
from admin_views.ratings import RatingView
from admin_views.users import UserView

VIEWS: tuple[type[OcopView], ...] = (
    ImportBatchView,
    EntityView,
    RepresentativeView,
    ProductView,
    ParticipationView,
    RatingView,
    CommuneView,
    CommuneSuccessionView,
    DistrictView,
    ProvinceView,
    ProductGroupView,
    CycleView,
    CycleStepView,
    CriteriaSetView,
    AuditView,
    UserView,
)
