"""Help for people in a crisis: numbers by country, a guided minute, guidance for those who worry."""

from domain.crisis.guidance import ONE_MINUTE_STEP, WORRIED_ABOUT_SOMEONE, Step, Worried
from domain.crisis.order import Audience
from domain.crisis.pack import BadPackError, build_offline_pack, read_offline_pack
from domain.crisis.resources import CrisisResources, resources_for

__all__ = [
    "ONE_MINUTE_STEP",
    "WORRIED_ABOUT_SOMEONE",
    "Audience",
    "BadPackError",
    "CrisisResources",
    "Step",
    "Worried",
    "build_offline_pack",
    "read_offline_pack",
    "resources_for",
]
