"""Moderation of short peer-support texts: find people in danger and abuse, without muting people in crisis.

`scan` is the full classifier with policy; `quick_check` the sub-millisecond check of the request path.
"""

from domain.moderation.labels import AT_RISK, LABELS, Label
from domain.moderation.policy import Action, ScanContext
from domain.moderation.quick import quick_check
from domain.moderation.scanner import scan
from domain.moderation.verdict import Reason, Verdict

__all__ = ["AT_RISK", "LABELS", "Action", "Label", "Reason", "ScanContext", "Verdict", "quick_check", "scan"]
