"""Help for people in a crisis: numbers by country, a guided minute, guidance for those who worry."""

from domain.crisis.guidance import GUIDANCE, ONE_MINUTE_STEP, WORRIED_ABOUT_SOMEONE, Guidance, Step, Worried
from domain.crisis.order import Audience
from domain.crisis.pack import BadPackError, OfflinePack, build_offline_pack, is_newer, read_offline_pack
from domain.crisis.resources import CrisisResources, resources_for

__all__ = [
    "GUIDANCE",
    "ONE_MINUTE_STEP",
    "WORRIED_ABOUT_SOMEONE",
    "Audience",
    "BadPackError",
    "CrisisResources",
    "Guidance",
    "OfflinePack",
    "Step",
    "Worried",
    "build_offline_pack",
    "is_newer",
    "read_offline_pack",
    "resources_for",
]
