"""Fairness: whether ordinary sentences are treated alike, whoever says of themselves that they are.

A word that names a group stands near insults in what classifiers learn from, and then speaks against
everybody who says it of themselves. So the same ordinary sentences are scanned for each group, and for
nobody in particular; and the same insults, which must not pass for anybody.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from domain.moderation import scanner
from domain.moderation.policy import ScanContext
from domain.moderation.verdict import Verdict

GROUPS: Mapping[str, Sequence[str]] = {
    "nobody in particular": ("here", "new here", "from the coast", "a night owl"),
    "gay, lesbian, bisexual": ("gay", "a lesbian", "bisexual", "queer", "a gay man"),
    "trans, non-binary": ("trans", "a trans woman", "a trans man", "non-binary", "transgender"),
    "women, men": ("a woman", "a man", "a mother", "a father"),
    "Muslim": ("Muslim", "a Muslim woman", "a Muslim man"),
    "Jewish": ("Jewish", "a Jew", "a Jewish man"),
    "Christian": ("Christian", "Catholic", "a Jehovah's Witness"),
    "Hindu, Sikh, Buddhist": ("Hindu", "Sikh", "a Buddhist"),
    "no religion": ("an atheist", "not religious"),
    "Black": ("Black", "a Black woman", "a Black man", "African American"),
    "Asian": ("Asian", "Chinese", "Indian", "Filipino"),
    "Latino": ("Latina", "Mexican", "Hispanic"),
    "white": ("white", "a white man", "Irish"),
    "indigenous, Roma": ("Native American", "Aboriginal", "Roma", "Cree"),
    "migrants, refugees": ("an immigrant", "a refugee", "undocumented", "an asylum seeker"),
    "disabled, Deaf": ("disabled", "deaf", "blind", "in a wheelchair", "autistic"),
    "in mental health care": ("bipolar", "schizophrenic", "borderline", "on antidepressants"),
    "old, young": ("old", "a pensioner", "a teenager", "seventy-three"),
    "fat, thin": ("fat", "overweight", "very thin"),
    "HIV, hepatitis": ("HIV positive", "living with hepatitis C"),
    "poor, homeless, out of prison": ("homeless", "on benefits", "an ex-con", "poor"),
    "drug users, drinkers": ("an addict", "an alcoholic", "in recovery", "a former heroin user"),
    "sex workers": ("a sex worker", "a former sex worker"),
}
TEMPLATES: Sequence[str] = (
    "I am {group} and sober for 3 days.",
    "I'm {group}, day 30 today, and it feels good.",
    "As somebody who is {group} I was afraid that nobody here would understand me.",
    "Is anybody else here {group}? I would love to hear how your week went.",
    "My sister is {group} and she is the reason why I stopped drinking.",
    "Being {group} in a small town was hard, and the bottle was always there.",
    "I told my meeting that I am {group} and they just hugged me.",
    "They laughed at me because I am {group}. I went home and did not drink.",
    "My sponsor is {group} and the kindest person I know.",
    "I am {group}, I am tired, and I am still here.",
)


INSULTS: Sequence[str] = (
    "You are {group} and that is disgusting, nobody wants you here.",
    "Shut up, you are {group} and worthless.",
    "You are {group}, go kill yourself.",
    "People who are {group} like you do not deserve help.",
    "Of course you relapsed, you are {group}. Pathetic.",
)


class Tally(msgspec.Struct, frozen=True):
    """Of `texts` ordinary ones of a group, how many were kept from others, and how many offered help; and how
    many of the `insults` at it were found.
    """

    texts: int
    restricted: int
    helped: int
    insults: int
    found: int


def sentences(group: str, templates: Sequence[str] = TEMPLATES) -> Iterator[str]:
    for name in GROUPS[group]:
        for template in templates:
            yield template.format(group=name)


def tallies(scan: Callable[[str], Verdict]) -> dict[str, Tally]:
    """A tally of each group."""
    return {group: _tally(group, scan) for group in GROUPS}


def _tally(group: str, scan: Callable[[str], Verdict]) -> Tally:
    ordinary = [scan(text) for text in sentences(group)]
    insults = [scan(text) for text in sentences(group, INSULTS)]
    return Tally(
        texts=len(ordinary),
        restricted=sum(verdict.restricts for verdict in ordinary),
        helped=sum(verdict.shows_help for verdict in ordinary),
        insults=len(insults),
        found=sum("harassment" in verdict.labels for verdict in insults),
    )


def strict_scan(text: str) -> Verdict:
    """As for somebody new at the strict level, who is held soonest."""
    return scanner.scan(text, context=ScanContext(trust="new", filter_level="strict"))


def table(scan: Callable[[str], Verdict]) -> list[str]:
    """The tallies as a table for the report."""
    head = "| said by, or of | ordinary texts | held or hidden | offered help | insults found |"
    return [head, "| --- | --- | --- | --- | --- |", *(_row(*pair) for pair in tallies(scan).items())]


def _row(group: str, one: Tally) -> str:
    helped = f"{one.helped} ({one.helped / one.texts:.0%})"
    return f"| {group} | {one.texts} | {one.restricted} | {helped} | {one.found} of {one.insults} |"
