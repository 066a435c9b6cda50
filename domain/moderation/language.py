"""Which language a text is in, cheaply: by script, by stop words, by how much of it is known English.

The classifier knows English. A text in another language is not punished for that: see `policy`. Crisis words
of major languages still offer help.
"""

import re
import unicodedata

from domain.moderation import words

SCRIPTS = {
    "CYRILLIC": "ru", "ARABIC": "ar", "DEVANAGARI": "hi",
    "CJK": "zh", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko",
    "GREEK": "el", "HEBREW": "he", "THAI": "th", "BENGALI": "bn", "GURMUKHI": "pa",
    "TAMIL": "ta", "GEORGIAN": "ka", "ARMENIAN": "hy",
}  # fmt: skip
STOP_WORDS = {
    "es": (
        "que de la el los las en un una por con para no me mi estoy es lo se yo quiero ya como "
        "pero mas muy esta hoy soy"
    ),
    "fr": (
        "je le la les de des un une et est pas ne que qui pour dans ce suis mon ma me plus sur "
        "avec tout mais tu vous nous ai veux"
    ),
    "de": (
        "ich und der die das ist nicht ein eine zu mit mir mich es auf wie bin habe heute mehr "
        "will aber auch von sie wir kann"
    ),
    "pt": (
        "que de o a os as um uma nao não eu para com por mais estou meu minha me muito mas "
        "hoje sou quero isso foi se em"
    ),
    "it": (
        "che di il la le un una non sono per con mi ho io più piu ma come oggi sto voglio "
        "questo della è e anche"
    ),
    "nl": (
        "ik de het een en niet is van dat te op met voor mijn ben maar ook aan wil geen heb zijn naar vandaag"
    ),
    "pl": "nie się sie jest na to że ze do mam jestem ale jak dzisiaj chcę chce mnie moje już juz tak co",
    "tr": "bir ve bu ben çok cok için icin ama değil degil var yok benim bugün bugun gibi daha istiyorum",
    "sv": "jag och det att en är inte som på med för av har till den mig idag vill men",
    "tl": "ako ang ng sa na hindi ko mo ay po lang mga ngayon gusto",
}
STOP_SETS = {code: frozenset(text.split()) for code, text in STOP_WORDS.items()}
CRISIS = {
    "es": (
        r"quiero morir|me quiero morir|quiero matarme|matarme|suicid|no quiero vivir|quitarme "
        r"la vida|sobredosis"
    ),
    "fr": (
        r"je veux mourir|envie de mourir|me tuer|me suicider|suicide|en finir|plus envie de "
        r"vivre|overdose|surdose"
    ),
    "de": (
        r"ich will sterben|möchte sterben|mochte sterben|umbringen|selbstmord|suizid|nicht mehr "
        r"leben|uberdosis|überdosis"
    ),
    "pt": (
        r"quero morrer|me matar|suic[ií]d|nao quero viver|não quero (?:mais )?viver|tirar minha "
        r"vida|overdose"
    ),
    "it": r"voglio morire|uccidermi|suicid|non voglio (?:più |piu )?vivere|farla finita|overdose",
    "nl": r"ik wil dood|zelfmoord|mezelf van kant|niet meer leven|overdosis",
    "pl": r"chc[eę] umrze[cć]|zabi[cć] si[eę]|samob[oó]j|nie chc[eę] [zż]y[cć]|przedawkowa",
    "tr": (
        r"ölmek istiyorum|olmek istiyorum|intihar|kendimi öldür|kendimi oldur|yaşamak "
        r"istemiyorum|yasamak istemiyorum"
    ),
    "sv": r"vill dö|vill do\b|självmord|sjalvmord|ta mitt liv|inte leva",
    "tl": r"gusto ko(?:ng| nang)? mamatay|magpakamatay|ayoko nang mabuhay",
    "ru": r"хочу умереть|не хочу жить|покончить с собой|самоубий|суицид|убить себя|передоз",
    "ar": r"أريد أن أموت|اريد ان اموت|انتحار|أنتحر|اقتل نفسي|أقتل نفسي|جرعة زائدة",
    "hi": r"मरना चाहत|आत्महत्या|जीना नहीं|खुदकुशी",
    "zh": r"想死|自杀|自殺|不想活|服药过量|轻生",
    "ja": r"死にたい|自殺|消えたい|生きたくない",
    "ko": r"죽고 ?싶|자살|살고 싶지 않",
}
CRISIS_PATTERNS = {code: re.compile(pattern) for code, pattern in CRISIS.items()}
LETTERS = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def detect(text: str) -> str:
    """ISO 639-1 code, `en` unless something else is clear, `und` when the words are of no language known
    here.
    """
    letters = LETTERS.findall(text.lower())
    if not letters:
        return "en"
    script = _script(text)
    if script:
        return script
    english = sum(word in words.known() or word in words.textspeak() for word in letters) / len(letters)
    scores = {code: sum(word in stop for word in letters) / len(letters) for code, stop in STOP_SETS.items()}
    best = max(scores, key=lambda code: scores[code])
    if scores[best] >= 0.2 and len(letters) >= 2 and english < 0.55:
        return best
    return "und" if english < 0.25 and len(letters) >= 4 else "en"


def crisis_words(text: str, language: str) -> re.Match[str] | None:
    """A crisis phrase of `language`; for an undetermined one, of any."""
    patterns = [CRISIS_PATTERNS[language]] if language in CRISIS_PATTERNS else list(CRISIS_PATTERNS.values())
    lowered = text.lower()
    return next((found for pattern in patterns if (found := pattern.search(lowered))), None)


def _script(text: str) -> str | None:
    counts: dict[str, int] = {}
    latin = 0
    for ch in text[:400]:
        if ch.isascii():
            latin += ch.isalpha()
        elif ch.isalpha():
            code = SCRIPTS.get(unicodedata.name(ch, "").split(" ")[0].split("-")[0])
            if code:
                counts[code] = counts.get(code, 0) + 1
    if counts.get("ja"):
        return "ja" if sum(counts.values()) > latin else None
    best = max(counts, key=lambda code: counts[code], default=None)
    return best if best and counts[best] > latin else None
