"""From repetitions to lines: medians, and ratios that are above 1 where this peer is the better one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from bench.sockets.cases import PRIMARY, Figures

REFERENCES = ("stock", "node", "bound")
SHOWN_DIGITS = 4


@dataclass(slots=True)
class Report:
    """Every figure of every repetition, by line name, members and peer."""

    runs: dict[tuple[str, int], dict[str, list[Figures]]] = field(default_factory=dict)

    def add(self, line: str, members: int, peer: str, figures: Figures) -> None:
        self.runs.setdefault((line, members), {}).setdefault(peer, []).append(figures)

    def lines(self) -> Iterator[dict[str, object]]:
        """One line per peer. A ratio is the median of the repetitions' ratios, each within one repetition."""
        for (line, members), by_peer in self.runs.items():
            for peer, repetitions in by_peer.items():
                yield {
                    "case": line,
                    "peer": peer,
                    "members": members,
                    "repetitions": len(repetitions),
                    **_medians(repetitions),
                    **_ratios(line, by_peer, peer),
                }


def _medians(repetitions: list[Figures]) -> dict[str, object]:
    return {name: _median([run[name] for run in repetitions]) for name in repetitions[0]}


def _median(values: list[float | str]) -> float | str:
    """The median of numbers; of words, the one seen most often."""
    numbers = [value for value in values if not isinstance(value, str)]
    if numbers:
        return _shown(median(numbers))
    return max(values, key=values.count)


def _ratios(line: str, by_peer: dict[str, list[Figures]], peer: str) -> dict[str, float]:
    """`ratio_to_*` compares the primary figure; `rate_ratio_to_*` the rates that the wall clock saw."""
    ratios = {}
    for reference in REFERENCES:
        if reference == peer or reference not in by_peer:
            continue
        pairs = list(zip(by_peer[peer], by_peer[reference], strict=False))
        ratios[f"ratio_to_{reference}"] = _ratio([(theirs, ours) for ours, theirs in pairs], PRIMARY[line])
        rate = next((name for name in pairs[0][0] if name.endswith("s_per_s")), None)
        if rate and not line.endswith("_paced"):
            ratios[f"rate_ratio_to_{reference}"] = _ratio(pairs, rate)
    return ratios


def _ratio(pairs: list[tuple[Figures, Figures]], name: str) -> float:
    return _shown(median(float(upper[name]) / float(lower[name]) for upper, lower in pairs))


def _shown(value: float) -> float:
    return float(f"{value:.{SHOWN_DIGITS}g}")
