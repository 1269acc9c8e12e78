"""What the user should know of how their rows are written.

12 pens     a number with a unit; in a column of such answers the number alone is graded
3,5         a decimal comma, which is not read: 3,500 is three thousand in English, and a text has one meaning in a run
3 &times; 4 HTML, which is read as it stands
context     a column that is likely to belong to the question, and is not read
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tutelage.config import TaskConfig
from tutelage.records import AnswerKind
from tutelage.tasks.data.drafts import MOSTLY, Draft
from tutelage.tasks.data.fields import is_template
from tutelage.text.numbers import Number, fold, whole_number
from tutelage.text.statements import shorten

_BEHIND = r"(?<=[0-9%.½¼¾]) ?(?!(?i:and|or|to|of|in|by|per|minus|plus|st|nd|rd|th|[ap]\.?m)\b)"
_UNIT = re.compile(_BEHIND + r"(?:[a-zµ²³]++[/.²³]?[a-zµ²³]*+\.?|°[CF]?|[€$£¥₹])(?: [a-z]+){0,2}$")
_LETTER = r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0eff])"  # and marks, such as the vowels of Indian scripts
_WORDS = re.compile(rf"{_BEHIND}(?:{_LETTER}|[µ°/²³€$£¥₹.]){{1,40}}+(?: {_LETTER}{{1,40}}+){{0,2}}$")
"""Behind a number: a unit in any language, or a month, as in 12 Äpfel and 3 мая."""
_SPACE = re.compile("[\u00a0\u2009\u202f]")
_GROUPS = r"[0-9]{1,3}(?:[.'’ ][0-9]{3})+"
_DECIMAL_COMMA = re.compile(
    rf"[-−+]?(?:[€$£¥] ?)?(?:(?:{_GROUPS}|0|[0-9]{{4,}}),[0-9]+|[0-9]+,(?:[0-9]{{1,2}}|[0-9]{{4,}}))"
    r"(?: ?(?!-)[^\s0-9,]+(?: [^\s0-9,]+){0,2})?"
)
"""3,5 and 1.234,56 kg; not 3,500 or 1,3-butadiene."""
_UNCLEAR = re.compile(r"[-−+]?[1-9][0-9]{0,2}[.,][0-9]{3}(?![0-9.,]).*")
"""12.345 beside 1.234,56: the sign may be a decimal one, or divide thousands."""
_POINT = re.compile(r"[-−+]?[0-9]+\.")
_REMEDY = "write a decimal point, in questions and solutions, too"
_HTML = re.compile(
    r"&(?:amp|lt|gt|quot|apos|nbsp|times|divide|minus|[a-z]dash|[lr][sd]quo|#x?[0-9A-Fa-f]{1,6});"
    r"|</?(?:br|p|div|span|su[bp]|strong|em|[uo]l|li|t[dhr]|table|img|h[1-6])\b[^<>]{0,99}>|</[abiu]>"
)
_MANY = 0.5
"""Share of rows, or of answers in words, that must be so for a note on it."""
_LONG = 30
"""Words of an answer above which nobody writes the very same ones."""
_ASKED = ("context", "passage", "paragraph", "document", "background", "table", "premise", "input", "instruction")
"""Columns that may belong to the question beside them."""


def is_measured(answer: str) -> bool:
    """Whether an answer is a number, perhaps with a unit: 12, 12 pens, 5 km/h, 3 €."""
    return _before(_UNIT, answer) is not None


def on_comma(answer: str) -> str:
    """What an error adds for an answer with a decimal comma."""
    return f"; a decimal comma is not read: {_REMEDY}" if _has_comma(answer.strip()) else ""


def _has_comma(answer: str) -> bool:
    return _DECIMAL_COMMA.fullmatch(_folded(answer)) is not None


def _folded(answer: str) -> str:
    """The answer with digits and signs of one form; `fold` alone makes commas of spaces between digits."""
    return fold(_SPACE.sub(" ", answer))


def _before(unit: re.Pattern[str], answer: str) -> Number | None:
    """The number that is left of an answer without its unit."""
    return whole_number(unit.sub("", fold(answer)))


def notes_on(config: TaskConfig, kind: AnswerKind, drafts: Sequence[Draft]) -> tuple[str, ...]:
    """Notes on answers that are LaTeX, long, numbers with units or with a decimal comma, on HTML, and on columns."""
    answers = [draft.answer for draft in drafts]
    return (*_on_answers(config, kind, answers), *_on_html(drafts), *_on_columns(config, drafts))


def _on_columns(config: TaskConfig, drafts: Sequence[Draft]) -> Iterator[str]:
    asked = config.field.get("question", "question")
    if is_template(asked) or not all(draft.row.has(asked) for draft in drafts):
        return
    for name in _ASKED:
        if _unread(name, drafts):
            above = f'{{question: "{{{name}}}\\n\\n{{{asked}}}"}}'
            yield f"the column {name} is not read; task.field: {above} asks below it"
    if config.system is None and not any(draft.system for draft in drafts) and _unread("system", drafts):
        yield "the column system is not read; task.field: {system: system} takes system messages from it"


def _unread(name: str, drafts: Sequence[Draft]) -> bool:
    """Whether most rows have a text in a column that is no part of what is asked."""
    texts = ((draft.row.data.get(name), draft.question) for draft in drafts)
    unread = sum(isinstance(text, str) and bool(text.strip()) and text.strip() not in asked for text, asked in texts)
    return unread >= _MANY * len(drafts)


def _on_html(drafts: Sequence[Draft]) -> Iterator[str]:
    texts = (f"{draft.question}\n{draft.rationale or ''}" for draft in drafts)
    found = [match[0] for text in texts if (match := _HTML.search(text))]
    if found:
        such = f"{len(found):,} of {len(drafts):,} problems hold HTML, such as {found[0]!r}"
        yield f"{such}: it is read as it stands; write plain text in its place if it is not part of the problem"


def _on_answers(config: TaskConfig, kind: AnswerKind, answers: Sequence[str]) -> tuple[str, ...]:
    latex = [answer for answer in answers if kind == "text" and config.match is None and "\\" in answer]
    if latex and config.grader is None:
        return (f"{_such(latex, answers, 'hold LaTeX')}: task.match: math compares them as expressions",)
    if config.match or config.grader:
        return ()
    long = [answer for answer in answers if len(answer.split()) > _LONG or "\n" in answer] if kind == "text" else []
    if len(long) >= max(1, _MANY * len(answers)):
        remedy = "end each with 'The answer is 12.', or set task.match or task.grader"
        return (f"{_such(long, answers, 'are long texts')}: only the very same words are right; {remedy}",)
    if kind == "number":
        return tuple(_of_numbers(answers, told=config.kind is not None))
    return tuple(_of_words(answers)) if kind == "text" and config.kind is None else ()


def _of_numbers(answers: Sequence[str], *, told: bool) -> Iterator[str]:
    units = [answer for answer in answers if not whole_number(answer)]
    if units and not told:
        such = _such(units, answers, "are numbers with a unit")
        yield f"{such}: the number alone is graded; task.kind: text compares the words as well"
    commas = [answer for answer in answers if _has_comma(answer)]
    unclear = next((answer for answer in answers if _UNCLEAR.fullmatch(_folded(answer))), None)
    if commas and unclear and (read := _before(_UNIT, unclear)):
        such = _such(commas, answers, "have a decimal comma")
        yield f"{such}, but {shorten(unclear)!r} is read as {read}; {_REMEDY}"
    points = [each for each in answers if _POINT.match(_folded(each)) and _UNCLEAR.fullmatch(_folded(each))]
    if not commas and len(points) >= _MANY * len(answers) and (read := _before(_UNIT, points[0])):
        remedy = "if the point divides thousands, leave it out, in questions and solutions, too"
        yield f"{_such(points, answers, 'have three digits behind a point')}, which is read as {read}; {remedy}"


def _of_words(answers: Sequence[str]) -> Iterator[str]:
    commas = [answer for answer in answers if _has_comma(answer)]
    numbers = [answer for answer in answers if not _has_comma(answer) and _before(_WORDS, answer)]
    units = [answer for answer in numbers if not whole_number(answer)]
    if len(commas) + len(numbers) < _MANY * len(answers):
        return
    if commas:
        such = _such(commas, answers, "may be numbers with a decimal comma")
        yield f"{such}: they are graded as words, so that 3,50 is wrong for 3,5; if they are, {_REMEDY}"
    if _share_one(units):
        such = _such(units, answers, "are numbers with a unit")
        yield f"{such}: they are graded as words, so that 12 is wrong for 12 pens; task.kind: number grades the number"


def _share_one(answers: Sequence[str]) -> bool:
    """Whether nearly all have the same unit, however inflected; a month or a street differs from row to row."""
    units = Counter(match[0].strip()[:3] for answer in answers if (match := _WORDS.search(fold(answer))))
    return any(count > 1 and count >= MOSTLY * len(answers) for count in units.values())


def _such(some: Sequence[str], answers: Sequence[str], what: str) -> str:
    return f"{len(some):,} of {len(answers):,} answers {what}, such as {shorten(some[0])!r}"
