r"""Where a text states its final answer, and where it ends and runs on into something else.

    "3 x 4 = 12 pens. The answer is 12.\nQuestion: Ann has"  ->  statements: ["12"]

All patterns have bounded repeats, so that a text of any length and content takes time linear in its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NEXT_QUESTION = re.compile(
    r"""
    (?:^|\n)[ \t]{0,8}[#*]{0,6}[ ]?(?:Question|Problem|Exercise|Example|Q)[ ]?[0-9]{0,4}[ ]?[*]{0,3}[:.)]
      [*]{0,3}(?=\s|$)
  | (?:^|\n)[ \t]{0,8}[#*]{0,6}[ ]?(?:User|Human|Instruction)[ ]?[*]{0,3}:
  | (?<=[.!?])[ ]{1,3}(?:Question|Q)[ ]?[0-9]{0,4}:[ ]
  | <\|[A-Za-z_]{1,40}\|> | </s> | <(?:end|start)_of_turn>
    """,
    re.VERBOSE,
)
_VERB = r"(?:is|are|was|equals|becomes|(?:should|must|would|will)\ be)\b"
_OPENING = re.compile(
    rf"""
    \#\#\#\#[ \t]{{0,4}}
  | \b(?:the|my|our|your|final|correct|right|best)\ (?:(?:final|correct|right|best)\ )?(?:answer|option|choice)
        (?:\ (?:to|for|of|in)\ [^.!?:=\n]{{0,80}}?|\ ?\([^)\n]{{0,40}}\))?[*_]{{0,3}}(?:\ {_VERB}|\ ?[:=]|\ [-–—](?=\ ))
  | \bfinal\ answer[*_]{{0,3}}\ (?=[$(0-9\\])
  | \banswer[*_]{{0,3}}(?:\ {_VERB}|\ ?[:=])
  | ^[#*\ ]{{0,8}}(?:the\ |my\ )?(?:final\ )?answer[*:\ ]{{0,6}}\n
  | \bans(?:\.|\ ?:)
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_REVERSED = re.compile(r"\ (?:is|are) the (?:final |correct |right )?answer\b(?! (?:to|is|of)\b)", re.IGNORECASE)
_TAGGED = re.compile(r"<answer>([^<]{0,2000})</answer>", re.IGNORECASE)
_BOX = re.compile(r"\\f?box(?:ed)?\s{0,3}\{")
_SENTENCE_END = re.compile(r"[.!?](?=[\s\"'”’*_)\]$]|$)|\n")
_LEAD_IN = re.compile(
    r"(?:[\s*_:>]|(?:that|then|therefore|thus|simply|just|indeed|approximately|about|approx\.?|roughly|definitely"
    r"|clearly|equal to)(?!\w))*+",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\W{0,4}not\b(?:(?P<instead>.{0,80}?\bbut\b(?: rather)?))?", re.IGNORECASE)
LONGEST = 2_000
"""Characters of a statement or of a last line that are looked at; no answer is longer."""

_MOST = 50
"""Statements of one form that are looked at, from the end: a text may repeat itself thousands of times."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A piece of text that states an answer: up to the end of its sentence, and up to the end of its line."""

    position: int
    piece: str
    line: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Why no answer could be read; `silent` if nothing like an answer is there, so that one may look elsewhere."""

    reason: str
    silent: bool = False


NO_ANSWER = Unread("no answer stated", silent=True)


def cut(text: str) -> str:
    """The text up to where it runs on into a next question, another turn or a special token."""
    match = _NEXT_QUESTION.search(text)
    return text[: match.start()].rstrip() if match else text


def statements(text: str) -> list[Statement]:
    """What is stated as the final answer, the last statement first."""
    found = [*_opened(text), *_reversed(text), *_boxed(text)]
    found += [Statement(match.start(), match[1].strip(), match[1].strip()) for match in _TAGGED.finditer(text)]
    return sorted((s for s in found if s.piece), key=lambda s: s.position, reverse=True)


def affirmed(piece: str) -> str | None:
    """What a piece affirms: of "not 5 but 7" the 7; None if it only says what the answer is not."""
    negation = _NEGATION.match(piece)
    if negation is None:
        return piece
    return piece[negation.end() :] if negation["instead"] else None


def sentences(text: str) -> list[str]:
    """The sentences of a text, without their final punctuation; a line break ends one too, a decimal point doesn't."""
    parts = (part.strip() for part in _SENTENCE_END.split(text))
    return [part for part in parts if part]


def last_line(text: str) -> str:
    """The last line that is not blank; of a very long one, its end."""
    return text.rstrip().rpartition("\n")[2][-LONGEST:].strip()


def shorten(text: str) -> str:
    """At most 40 characters of a piece, for a reason."""
    return text if len(text) <= 40 else text[:39] + "…"


def _opened(text: str) -> Iterator[Statement]:
    """What follows an opening such as "The answer is"."""
    openings = list(_OPENING.finditer(text))[-_MOST:]
    ends = [opening.start() for opening in openings[1:]]
    for opening, end in zip(openings, [*ends, len(text)], strict=False):
        lead_in = _LEAD_IN.match(text, opening.end())
        start = lead_in.end() if lead_in else opening.end()
        sentence_end = _SENTENCE_END.search(text, start, end)
        piece = text[start : sentence_end.start() if sentence_end else end]
        line = text[start:end].partition("\n")[0]
        yield Statement(opening.start(), piece[:LONGEST].strip(), line[:LONGEST].strip())


def _reversed(text: str) -> Iterator[Statement]:
    """What precedes "is the answer", from the start of the sentence."""
    for match in list(_REVERSED.finditer(text))[-_MOST:]:
        head = sentences(text[max(0, match.start() - 200) : match.start()])
        if head:
            yield Statement(match.start(), head[-1], head[-1])


def _boxed(text: str) -> Iterator[Statement]:
    r"""What stands in `\boxed{…}`, braces within it balanced."""
    for match in list(_BOX.finditer(text))[-_MOST:]:
        depth, position, limit = 1, match.end(), min(len(text), match.end() + 2000)
        while position < limit and depth:
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            position += 1
        if not depth:
            content = text[match.end() : position - 1].strip()
            yield Statement(match.start(), content, content)
