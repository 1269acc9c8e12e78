r"""Finds the statements of the final answer in a text, and removes them. Pure.

    "Each box holds 4, so 3 × 4 = 12.\n**Final answer:** 12"  ->  statements: ["12"]
                                     without_statement:  "Each box holds 4, so 3 × 4 = 12."

All patterns have bounded repeats, so the time is linear in the length of any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tutelage.records import state_answer
from tutelage.text.sentences import bare_sentences, end_of_sentence

_VERB = r"(?:is|are|was|equals|becomes|(?:should|must|would|will)\ be)\b"
_OPENING = re.compile(
    rf"""
    (?P<marker>(?<!\#)\#\#\#\#(?!\#)[ \t]{{0,4}})
  | \b(?:the|my|our|your|final|correct|right|best)\ (?:(?:final|correct|right|best)\ )?(?:answer|option|choice)
        (?:\ (?:to|for|of|in)\ [^.!?:=\n]{{0,80}}?|\ ?\([^)\n]{{0,40}}\))?[*_]{{0,3}}(?:\ {_VERB}|\ ?[:=]|\ [-–—](?=\ ))
  | \bfinal\ answer[*_]{{0,3}}\ (?=[$(0-9\\])
  | \banswer[*_"']{{0,3}}(?:\ {_VERB}|\ ?[:=])
  | ^[#*\ ]{{0,8}}(?:the\ |my\ )?(?:final\ )?answer(?:[*:\ ]{{0,6}}\n|[*]{{0,3}}\ [-–—]\ )
  | \bans(?:\.|\ ?:)
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_REVERSED = re.compile(r"\ (?:is|are) the (?:final |correct |right )?answer\b(?! (?:to|is|of)\b)", re.IGNORECASE)
_TAGGED = re.compile(r"<answer>([^<]{0,2000})</answer>", re.IGNORECASE)
_BOX = re.compile(r"\\f?box(?:ed)?\s{0,3}\{")
_LEAD_IN = re.compile(
    r"(?:[\s*_:>]|(?:that|then|therefore|thus|simply|just|indeed|approximately|about|approx\.?|roughly|definitely"
    r"|clearly|equal to)(?!\w))*+",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\W{0,4}not\b(?:(?P<instead>.{0,80}?\bbut\b(?: rather)?))?", re.IGNORECASE)
_CLOSING = re.compile(
    r"""(?:^|(?<=\n)|(?<=[.!?]\s)|(?<=[.!?。！？]))[ \t]*
    (?:(?:so|thus|hence|therefore|finally|in\ conclusion|this\ means)\b,?\s*(?:that\s+)?)?
    (?:
        (?:the\s+|our\s+|my\s+)?(?:final\s+|correct\s+|right\s+)?answer\b(?:\s+(?:to|for)\s+(?:the|this)\s+\w+)?
        \s*(?:is|:|=)(?:(?![.!?]\s+\S)[^\n])*?
      | \#{4}[^\n]*?
      | [^\n.!?]{1,60}\s(?:is|are)\s(?:the\s|our\s|my\s)?(?:final\s|correct\s|right\s)?answer[.!]?
      | <answer>[^<\n]{0,200}</answer>
      | [$\\(\[\s]*\\boxed\{[^{}\n]*\}[$\\)\]\s]*
    )
    [ \t]*$""",
    re.IGNORECASE | re.VERBOSE,
)
_TITLE = re.compile(
    r"(?:the\s|your\s)?(?:step|part|case|stage|phase|section|problem|question|example|exercise|day|week|round|solution"
    r"|calculat|comput|find|determin|final|answer|result|conclusion|summary|check|verif)|[0-9]{1,3}[.):]\s?[^\W\d]",
    re.IGNORECASE,
)
_BARE_ANSWER = re.compile(
    r"[-+−(]?\s?[$€£¥₹]?\s?[-−]?[0-9½¼¾.][0-9.,/'\s½¼¾]*%?(?:\s?[a-z°%²³^]+[0-9]?){0,3}\)?\.?|\(?[A-Za-z]\)?\.?|yes\.?|no\.?"
    r"|true|false|\\boxed\{.*",
    re.IGNORECASE,
)
_WITH_UNIT = re.compile(r"\$?[0-9][^A-Za-z]*[A-Za-z]{2}")
_EXPLAINS = re.compile(
    r"[#*_]{0,6}\s?(?:(?:a |the |my |short |brief )?(?:explanation|reason(?:ing)?|rationale|justification|working)"
    r"\b|because\b|this is because\b|why\b)",
    re.IGNORECASE,
)
LONGEST = 2_000
"""The most characters of a statement or a last line that are read; no answer is longer."""

_MOST = 50
"""The most statements of one form that are read, from the end: a text may repeat itself thousands of times."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of an answer: `piece` ends with its sentence, `line` with its line."""

    position: int
    piece: str
    line: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Why no answer could be read; `silent` if nothing like an answer is there, so other places may be searched."""

    reason: str
    silent: bool = False


NO_ANSWER = Unread("no answer stated", silent=True)


def statements(text: str) -> list[Statement]:
    """The statements of the final answer, the last one first."""
    found = [*_opened(text), *_reversed(text), *_boxed(text)]
    found += [Statement(match.start(), match[1].strip(), match[1].strip()) for match in _TAGGED.finditer(text)]
    return sorted((s for s in found if s.piece), key=lambda s: s.position, reverse=True)


def is_answer_mark(text: str, position: int) -> bool:
    """Whether the `####` before `position` marks an answer, as in GSM8K, and no heading."""
    line, _, rest = text[position : position + 2 * LONGEST].partition("\n")
    words = line.strip(" \t*_:")
    if not words or _TITLE.match(words):
        return False
    if not rest.strip():
        return True
    if "=" in rest and _WITH_UNIT.match(words) and "=" not in text[max(0, position - LONGEST) : position]:
        return False  # "#### 3 eggs eaten" with all calculations below it is a heading
    return _BARE_ANSWER.fullmatch(words[:LONGEST]) is not None


def affirmed(piece: str) -> str | None:
    """The affirmed part of a piece: 7 in "not 5 but 7"; None if it only says what the answer is not."""
    negation = _NEGATION.match(piece)
    if negation is None:
        return piece
    return piece[negation.end() :] if negation["instead"] else None


def last_line(text: str) -> str:
    """The last line that is not blank; its last 2,000 characters if it is longer."""
    return text.rstrip().rpartition("\n")[2][-LONGEST:].strip()


def without_statement(text: str) -> str:
    """The steps alone, without up to three closing statements such as `The answer is 12.`, `#### 12`, `\\boxed{12}`."""
    steps = text.strip()
    for _ in range(3):
        found = list(_CLOSING.finditer(steps, max(0, len(steps) - 400)))
        if not found:
            break
        steps = steps[: found[-1].start()].rstrip()
    return steps


def conclude(text: str, answer: str) -> str:
    """The text in the standard form of rationales: its steps, then a line that states the answer."""
    return state_answer(without_statement(text), answer)


def lead(text: str) -> str | None:
    """The first line if the rest explains it: "B\\n\\nExplanation: …"; None otherwise."""
    first, _, rest = text.strip().partition("\n")
    return first.strip()[:LONGEST] if _EXPLAINS.match(rest.lstrip()) else None


def shorten(text: str) -> str:
    """At most 40 characters of a piece, for a verdict's reason."""
    return text if len(text) <= 40 else text[:39] + "…"


def _opened(text: str) -> Iterator[Statement]:
    """Statements after an opening such as "The answer is"."""
    openings = [o for o in _OPENING.finditer(text) if o["marker"] is None or is_answer_mark(text, o.end())][-_MOST:]
    ends = [opening.start() for opening in openings[1:]]
    for opening, end in zip(openings, [*ends, len(text)], strict=False):
        lead_in = _LEAD_IN.match(text, opening.end())
        start = lead_in.end() if lead_in else opening.end()
        piece = text[start : end_of_sentence(text, start, end)]
        line = text[start:end].partition("\n")[0]
        yield Statement(opening.start(), piece[:LONGEST].strip(), line[:LONGEST].strip())


def _reversed(text: str) -> Iterator[Statement]:
    """Statements before "is the answer", from the start of the sentence."""
    for match in list(_REVERSED.finditer(text))[-_MOST:]:
        head = bare_sentences(text[max(0, match.start() - 200) : match.start()])
        if head:
            yield Statement(match.start(), head[-1], head[-1])


def _boxed(text: str) -> Iterator[Statement]:
    r"""Statements in `\boxed{…}`, with balanced braces."""
    for match in list(_BOX.finditer(text))[-_MOST:]:
        depth, position, limit = 1, match.end(), min(len(text), match.end() + 2000)
        while position < limit and depth:
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            position += 1
        if not depth:
            content = text[match.end() : position - 1].strip()
            yield Statement(match.start(), content, content)
