"""The check in the request path: does this text call for crisis resources in the acknowledgement?"""

from domain.moderation import clauses, language, rules
from domain.moderation.labels import AT_RISK
from domain.moderation.normal import normalise


def quick_check(text: str) -> bool:
    """Whether help belongs into the acknowledgement. High recall; the full scan decides everything else."""
    normal = normalise(text)
    for sentence in clauses.split(normal):
        if any(hit.label in AT_RISK and not hit.vetoed for hit in rules.fire(sentence, normal.text)):
            return True
    return not text.isascii() and language.crisis_words(text, "und") is not None
