"""`python -m domain.moderation.evaluate`: measure the classifier on texts it has not seen; write
docs/moderation.md. `… evaluate shipped` prints what the shipped model makes of the blind sets, and trains
nothing.

Three kinds of judges. Blind sets, written by people who knew the definitions of the labels and nothing else
here; nobody has read the texts or the errors of the second and third, and the third was written after every
rule, text and threshold of the model it judged first. The fourth was written to be hard, without sight of any
error. The development set: ordinary sentences in real
proportions, which the authors of the rules had read. The corpus in three folds of whole families: minimal
pairs made to be hard. The judging model is trained without the first two kinds, near-copies included.
"""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from domain.moderation import (
    augment,
    contacts,
    corpus,
    encoder,
    fairness,
    model,
    policy,
    quick,
    reading,
    scanner,
    speed,
    train,
)
from domain.moderation.corpus import Example
from domain.moderation.labels import AT_RISK, LABELS, Label
from domain.moderation.model import Cut, Model
from domain.moderation.policy import ScanContext
from domain.moderation.train import Array, Design
from domain.moderation.verdict import Verdict

REPORT = Path(__file__).parents[2] / "docs" / "moderation.md"
START, END = "<!-- figures -->", "<!-- /figures -->"
WRITTEN_AFTER_LOOKING = "extra-bal-"
"""Families written after errors on the development set had been read: the shipped model learns from them, but
a model that is to be judged on that set must not."""

FULL_WIDTH = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)}
DISGUISES: dict[str, Callable[[str, random.Random], str]] = {
    "digits and symbols (`d1e`)": augment.leet,
    "look-alike letters": augment.homoglyphs,
    "invisible characters": lambda text, chance: "\u200b".join(text),
    "full-width letters": lambda text, chance: text.translate(FULL_WIDTH),
    "spaced letters (`d i e`)": augment.space_out,
    "stretched letters": augment.stretch,
    "typos": augment.typos,
    "text-speak": augment.text_speak,
}


class Count(msgspec.Struct):
    """Right calls, calls and cases of one label."""

    right: int = 0
    called: int = 0
    cases: int = 0

    @property
    def precision(self) -> float:
        return self.right / max(1, self.called)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.cases)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(1, self.called + self.cases)


def counts(truth: Iterable[frozenset[Label]], called: Iterable[Iterable[Label]]) -> dict[Label, Count]:
    """Counts of every label over pairs of true and called labels."""
    table = {label: Count() for label in LABELS}
    for true, said in zip(truth, map(frozenset, called), strict=True):
        for label in LABELS:
            table[label].right += label in true and label in said
            table[label].called += label in said
            table[label].cases += label in true
    return table


def macro(table: dict[Label, Count]) -> float:
    """Mean F1 over the labels."""
    return sum(count.f1 for count in table.values()) / len(table)


def label_table(table: dict[Label, Count]) -> list[str]:
    rows = [
        f"| {label} | {count.precision:.2f} | {count.recall:.2f} | {count.f1:.2f} | {count.cases} |"
        for label, count in table.items()
    ]
    head = ["| label | precision | recall | F1 | cases |", "| --- | --- | --- | --- | --- |"]
    return [*head, *rows, f"| **macro F1** | | | **{macro(table):.3f}** | |"]


def cross_validated(margins: Array, data: Design) -> list[dict[Label, policy.Level]]:
    """Levels of every corpus text; its thresholds were set on the other folds, as its margins were."""
    levels: list[dict[Label, policy.Level]] = [{} for _ in data.examples]
    for fold in range(train.FOLDS):
        cuts = train.calibrate(margins[data.fold != fold], data.labels[data.fold != fold])
        for place in np.flatnonzero(data.fold == fold):
            levels[place] = _levels(cuts, margins[place])
    return levels


def _levels(cuts: Sequence[Cut], margins: Array) -> dict[Label, policy.Level]:
    trained = model.load()
    own = msgspec.structs.replace(trained, cuts=tuple(cuts))
    return own.levels(own.scores(margins.astype(np.float32)))


def held(levels: dict[Label, policy.Level]) -> list[Label]:
    return [label for label, level in levels.items() if policy.holds(level)]


def corpus_rates(data: Design, levels: Sequence[dict[Label, policy.Level]]) -> tuple[float, float, int]:
    """Of ordinary corpus lines: the share held or hidden, the share offered help, and how many there are."""
    ordinary = [
        (example, level) for example, level in zip(data.examples, levels, strict=True) if not example.labels
    ]
    actions = [_decided(example.text, level) for example, level in ordinary]
    restricted = sum(bool({"hold", "hide"} & set(chosen)) for chosen in actions)
    helped = sum("show_help" in chosen for chosen in actions)
    return restricted / len(actions), helped / len(actions), len(actions)


def _decided(text: str, levels: dict[Label, policy.Level]) -> tuple[policy.Action, ...]:
    taken = reading.read(text)
    maskable = contacts.mask(taken.normal, taken.contacts) is not None
    return policy.decide(levels, ScanContext(), maskable=maskable)


def group_table(examples: Sequence[Example], verdicts: Sequence[Verdict]) -> list[str]:
    """Held or hidden, and helped, per group of texts that need neither."""
    rows = ["| group | texts | held or hidden | offered help |", "| --- | --- | --- | --- |"]
    harmless = [pair for pair in zip(examples, verdicts, strict=True) if not pair[0].labels - {"profanity"}]
    groups = sorted({example.source.split(";")[0] for example, _ in harmless})
    rows += [_group_row(group, harmless, group) for group in groups]
    rows.append(_group_row("**hard negatives together**", harmless, "hard negative"))
    return [*rows, _group_row("**all together**", harmless, "")]


def _group_row(name: str, harmless: Sequence[tuple[Example, Verdict]], prefix: str) -> str:
    members = [verdict for example, verdict in harmless if example.source.startswith(prefix)]
    restricted = sum(verdict.restricts for verdict in members)
    helped = sum(verdict.shows_help for verdict in members)
    return f"| {name} | {len(members)} | {restricted} | {helped} ({helped / max(1, len(members)):.0%}) |"


def evasion_table(examples: Sequence[Example], trained: Model) -> list[str]:
    """Share of true labels found when the same texts are disguised."""
    labelled = [example for example in examples if example.labels and len(example.text) < 200]
    rows = [
        "| disguise | labels found |",
        "| --- | --- |",
        f"| none | {_found(labelled, trained, None):.1%} |",
    ]
    rows += [
        f"| {name} | {_found(labelled, trained, disguise):.1%} |" for name, disguise in DISGUISES.items()
    ]
    written = [example for example in examples if example.source.endswith("evasion")]
    return [*rows, f"| written as evasions ({len(written)} texts) | {_found(written, trained, None):.1%} |"]


def _found(
    examples: Sequence[Example], trained: Model, disguise: Callable[[str, random.Random], str] | None
) -> float:
    chance = random.Random(7)
    found = total = 0
    for example in examples:
        text = disguise(example.text, chance) if disguise else example.text
        said = scanner.judge(reading.read(text), ScanContext(), trained).labels
        found += len(example.labels & set(said))
        total += len(example.labels)
    return found / max(1, total)


def quick_line(examples: Sequence[Example], trained: Model) -> str:
    """Recall and false alarms of the pre-check."""
    said = [quick.asks_for_help(example.text, trained) for example in examples]
    risky = [bool(example.labels & AT_RISK) for example in examples]
    found = sum(a and b for a, b in zip(said, risky, strict=True)) / sum(risky)
    alarms = sum(a and not b for a, b in zip(said, risky, strict=True)) / (len(risky) - sum(risky))
    return (
        f"Pre-check (`quick_check`): finds {found:.1%} of the texts at risk, "
        f"also fires on {alarms:.1%} of the others."
    )


def measured_speed() -> list[str]:
    """The speed of a process that has only scanned: this one has trained, which takes far more memory."""
    command = [sys.executable, "-m", "domain.moderation.speed"]
    answer = subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own interpreter and module
    taken = json.loads(answer.stdout)
    size = sum(path.stat().st_size for path in (model.PATH, encoder.PATH)) / 1e6
    return [
        f"Full scan {taken['scan_p50']:.2f} ms p50, {taken['scan_p95']:.2f} ms p95; pre-check "
        f"{taken['quick_p50']:.3f} ms p50, {taken['quick_p95']:.3f} ms p95. Of {speed.LONGEST_CHARACTERS} "
        f"characters: scan {taken['long_scan_p50']:.0f} ms, pre-check {taken['long_quick_p50']:.1f} ms. "
        f"{taken['rss_mb']:.0f} MB resident; model and encoder {size:.1f} MB on disk.",
    ]


def unseen_section(title: str, examples: Sequence[Example], trained: Model) -> list[str]:
    """Labels, groups that need nothing, and the pre-check on texts that the model has not seen."""
    verdicts = [scanner.judge(reading.read(example.text), ScanContext(), trained) for example in examples]
    return [
        f"### {title}, {len(examples)} texts",
        "",
        *label_table(
            counts([example.labels for example in examples], [verdict.labels for verdict in verdicts])
        ),
        "",
        *group_table(examples, verdicts),
        "",
        quick_line(examples, trained),
        "",
    ]


def report() -> list[str]:
    """Train without the texts that judge, judge, and lay out every figure."""
    blind = {part: corpus.blind(part) for part in corpus.BLIND_PARTS}
    unseen, dev = [example for part in blind.values() for example in part], corpus.development()
    families = [
        example for example in corpus.families() if not example.family.startswith(WRITTEN_AFTER_LOOKING)
    ]
    own = corpus.without_near(families, [*unseen, *dev])
    trained, margins, data = train.train(own, train.sample_public())
    levels = cross_validated(margins, data)
    restricted, helped, ordinary = corpus_rates(data, levels)
    return [
        *unseen_section("Blind set d (hard on purpose; nobody read its errors)", blind["d"], trained),
        *unseen_section("Blind set c (nobody read it)", blind["c"], trained),
        *unseen_section("Blind set b (nobody read it)", blind["b"], trained),
        *unseen_section("Blind set a (its errors were read once)", blind["a"], trained),
        *unseen_section("Development set", dev, trained),
        "### Disguised texts (all blind sets)",
        "",
        *evasion_table(unseen, trained),
        "",
        f"### Corpus, {len(own)} texts, three folds of whole families",
        "",
        *label_table(
            counts([example.labels for example in data.examples], [held(level) for level in levels])
        ),
        "",
        f"Of {ordinary} ordinary lines {restricted:.1%} would be held or hidden and {helped:.1%} "
        f"offered help.",
        "",
        "### The same sentences, said by and of different people (shipped model)",
        "",
        *fairness.table(scanner.scan),
        "",
        "### Speed and size",
        "",
        *measured_speed(),
    ]


def shipped() -> list[str]:
    """What the shipped model makes of the blind sets, in figures only: whoever works on the model reads these
    and never the texts."""
    trained = model.load()
    return [
        line
        for part in corpus.BLIND_PARTS
        for line in unseen_section(f"Blind set {part}, shipped model", corpus.blind(part), trained)
    ]


def main() -> None:
    """Print the figures and put them into the report; `shipped` only prints."""
    if sys.argv[1:] == ["shipped"]:
        sys.stdout.write("\n".join(shipped()) + "\n")
        return
    figures = "\n".join(report())
    sys.stdout.write(figures + "\n")
    text = REPORT.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[1]
    REPORT.write_text(f"{before}{START}\n\n{figures}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
