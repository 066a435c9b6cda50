"""Ways to reach a person outside the service, found and masked.

Helplines, prices, clock times, dates and day counts look like contacts to a pattern; they are told apart
here.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import msgspec
import phonenumbers

from domain.moderation.normal import Normal

REGIONS = ("US", "GB", "AU", "IN", "IE")
DIGIT = "zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple"
SPOKEN = {word: value for value, word in enumerate(DIGIT.replace("oh|", "").split("|")[:10])} | {"oh": 0}
DOMAIN = (
    "com|net|org|co\\.uk|io|me|uk|edu|info|example|in|au|ie|ca|us|app|gg|xyz|site|shop|"
    "online|link|club|biz|to|ly"
)
PLATFORM = (
    "whats ?app|telegram|tele gram|snap(?:chat)?|insta(?:gram)?|ig|discord|kik|skype|facebook|fb|"
    "messenger|twitter|tik ?tok|wechat"
    "|viber|reddit|wickr|steam|psn|xbox|cash ?app|venmo|paypal|tumblr|threads|line id|gamertag|signal"
    "|the gram|w(?:h|p)?atsap|wapp|bluesky|mastodon|ghost app|bird app|burner|my tag|my handle|my user ?name"
)
EMAIL = re.compile(
    rf"[\w.+-]+\s?(?:@|\(at\)|\[at\]| at )\s?[\w-]+(?:\s?(?:\.|\(dot\)|\[dot\]| dot )\s?(?:{DOMAIN}))+\b"
    r"|\b[\w.+-]+ ?(?:@|\(at\)|\[at\]| at ) ?(?:gmail|g mail|hotmail|yahoo|outlook|"
    r"proton(?:mail)?|icloud)\b(?: ?(?:\.|dot) ?\w+)?"
)
URL = re.compile(
    rf"\bhttps?://\S+|\bwww\.\S+|(?<![@\w.])[a-z0-9][a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:{DOMAIN})\b(?:/\S*)?"
)
INVITE = re.compile(
    r"(?:t\.me|wa\.me|discord\.(?:gg|com)|instagram\.com|facebook\.com|fb\.me|snapchat\.com|"
    r"kik\.me|telegram\.me|linktr\.ee|chat\.whatsapp\.com|calendly\.com|meet\.google\.com|zoom\.us)/"
)
PHONE = re.compile(r"(?<![\w.$£€#/])(?:\+|00)?[(\d][\d\s().\-/]{5,20}\d(?![\w%])")
SPELLED = re.compile(rf"\b(?:(?:{DIGIT}|\d)[\s,.-]+){{5,14}}(?:{DIGIT}|\d)\b")
MENTION = re.compile(r"(?<![\w.@])@[a-z0-9_][\w.]{2,30}")
TAGGED = re.compile(r"\b[a-z][\w.]{2,30}#\d{4}\b")
HANDLE = re.compile(
    rf"\b(?:{PLATFORM})(?:'s| is| name| user ?name| user| handle| id| me)*(?:\s?[:=-]\s?| is | "
    rf"it's | as | under | @ ?| )@?([a-z][\w.]*[\d_.][\w.]*\w|(?<=: )[a-z]\w{{4,}}|"
    rf"(?<=:)[a-z]\w{{4,}})"
)
ADDRESS = re.compile(
    r"\b(?:flat |apartment |apt |unit )?\d{1,5}[a-z]?,? (?:[a-z]+ ){1,3}(?:street|st|avenue|ave|"
    r"road|rd|lane|ln|drive|close|court|boulevard|blvd|terrace|crescent|gardens|grove|way)\b"
    r"(?! (?:meeting|group))"
)
PLATE = re.compile(r"\b(?:license|licence|number) plate\b\W+(?:is |number )?([a-z0-9 ]{4,9})\b")
HELPLINE_DIGITS = frozenset(
    [
        "988",
        "911",
        "999",
        "112",
        "111",
        "116123",
        "741741",
        "85258",
        "131114",
        "08001111",
        "18002738255",
        "1800",
        "116111",
        "15",
        "17",
        "18",
    ]
)
TOLL_FREE = re.compile(
    r"(?:\+?1)?8(?:00|33|44|55|66|77|88)\d{7}|0?800\d{3,7}|0?808\d{3,7}|1800\d{3,6}|13\d{4}|1300\d{6}"
)
DATE_OR_TIME = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}[:.]\d\d(?:\s?-\s?\d{1,2}[:.]\d\d)?|(?:19|"
    r"20)\d\d\s?[-–]\s?(?:19|20)?\d\d|\d{1,3}(?:[ ,.]\d{3})+"
)
FILED = re.compile(
    r"\b(?:order|ticket|reference|ref|case|invoice|booking|account|claim|tracking|parcel|serial|flight|"
    r"lottery|lotto|receipt|prescription|patient|policy|batch|score|steps|population|isbn)\b"
    r"(?: (?:number|numbers|no|nr|id|code|is|was))*[\s.:#]*$"
)
"""What stands before a number that names a paper or counts something."""

CALL = re.compile(r"\b(?:call|text|ring|phone|whatsapp|reach|msg|message|sms)\b")
REACH = re.compile(
    r"\b(?:call|text|ring|phone|number|cell|mobile|whatsapp|reach|digits|fone|msg|message|contact|tel|sms)\b"
)

WAY = (
    r"numbers?|digits|phone|mobile|address(?:es)?|e-?mails?|snap(?:chat)?|insta(?:gram)?|whats ?app|facebook|"
    r"telegram|discord|kik|socials|handles?|usernames?|details|contacts?"
)
"""Words for a way to reach somebody."""
REFUSED = re.compile(
    r"\b(?:don't|do not|never|stop|won't|will not|(?:not|never) going to|(?:'d|would) rather not|refuse to)\s"
    r"(?:(?:ever|just|please|even|want to|have to|need to|like to|feel like|be)\s){0,2}"
    r"(?:send|giv|shar|post|ask|swap|want|leav|hand|exchang|put)(?:e|ing|ping)?\b"
    rf"(?:\s[\w']+){{0,4}}?(?:\s(?:{WAY})\b)+"
)
WANTED = re.compile(
    rf"\b(?:{WAY}|yours|mine|but|except|unless)\b"
    r"|\b(?:send|give|drop|tell|text|dm|pm|message|add|call|ring|reach|find|meet|hit|have) (?:it|me|us)\b"
)
"""Words that leave a wish for contact standing beside a refusal."""


def refused(text: str) -> bool:
    """Whether a folded text speaks of contacts only to say no: "please don't send me your number"."""
    rest, refusals = REFUSED.subn(" ", text)
    return refusals > 0 and not WANTED.search(rest)


class Contact(msgspec.Struct, frozen=True):
    """A contact detail at `text[start:end]` of the folded text."""

    kind: str
    start: int
    end: int


def find(normal: Normal) -> list[Contact]:
    """Contact details in order, overlaps resolved in favour of the earlier and longer one."""
    text = normal.text
    found = [Contact("email", *match.span()) for match in EMAIL.finditer(text)]
    found += [
        Contact("invite" if INVITE.search(match.group()) else "url", *match.span())
        for match in URL.finditer(text)
    ]
    found += [Contact("phone", *match.span()) for match in PHONE.finditer(text) if _is_phone(match, text)]
    found += [
        Contact("phone", *match.span()) for match in SPELLED.finditer(text) if _is_spelled(match.group())
    ]
    found += [Contact("handle", *match.span()) for match in MENTION.finditer(text)]
    found += [Contact("handle", *match.span()) for match in TAGGED.finditer(text)]
    found += [Contact("handle", *match.span(1)) for match in HANDLE.finditer(text)]
    found += [Contact("address", *match.span()) for match in ADDRESS.finditer(text)]
    found += [Contact("plate", *match.span(1)) for match in PLATE.finditer(text)]
    return _without_overlaps(sorted(found, key=lambda contact: (contact.start, -contact.end)))


def _without_overlaps(found: list[Contact]) -> list[Contact]:
    kept: list[Contact] = []
    for contact in found:
        if not kept or contact.start >= kept[-1].end:
            kept.append(contact)
    return kept


def mask(normal: Normal, found: list[Contact], *, safe_links: frozenset[str] = frozenset()) -> str | None:
    """The original text with every contact detail replaced, or None when there is nothing to mask."""
    spans = [
        (normal.span(contact.start, contact.end), contact.kind)
        for contact in found
        if not is_safe(normal, contact, safe_links)
    ]
    if not spans:
        return None
    masked = normal.original
    for (start, end), kind in reversed(spans):
        masked = f"{masked[:start]}[{kind} removed]{masked[end:]}"
    return masked


def is_safe(normal: Normal, contact: Contact, safe_links: frozenset[str]) -> bool:
    """A link to a host that the service vouches for."""
    if contact.kind != "url":
        return False
    host = re.sub(r"^(?:https?://)?(?:www\.)?", "", normal.text[contact.start : contact.end]).split("/")[0]
    return any(host == safe or host.endswith("." + safe) for safe in safe_links)


def _is_phone(match: re.Match[str], text: str) -> bool:
    raw = match.group()
    digits = re.sub(r"\D", "", raw)
    if not 7 <= len(digits) <= 15 or digits in HELPLINE_DIGITS or TOLL_FREE.fullmatch(digits):
        return False
    if DATE_OR_TIME.fullmatch(raw.strip("() ")):
        return False
    near = text[max(0, match.start() - 40) : match.end() + 25]
    if FILED.search(text, max(0, match.start() - 40), match.start()) and not CALL.search(near):
        return False
    if len(digits) < 9:
        return bool(REACH.search(near)) or bool(re.fullmatch(r"\d{3}[-. ]\d{4}", raw.strip()))
    return _possible(("+" if raw.strip().startswith("+") else "") + digits) or bool(REACH.search(near))


@lru_cache(maxsize=1024)
def _possible(digits: str) -> bool:
    for region in REGIONS:
        try:
            if phonenumbers.is_possible_number(phonenumbers.parse(digits, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _is_spelled(run: str) -> bool:
    spoken, said = re.findall(DIGIT, run), re.findall(rf"{DIGIT}|\d", run)
    return len(spoken) >= 3 and len(said) >= 6 and not _counts(said)


def _counts(said: Sequence[str]) -> bool:
    """Whether digits go up or down one by one, or are all the same: somebody counts, or a dice falls."""
    values = [int(word) if word.isdigit() else SPOKEN.get(word) for word in said]
    if None in values:
        return False
    steps = {second - first for first, second in pairwise(value for value in values if value is not None)}
    return len(steps) == 1 and steps <= {-1, 0, 1}
