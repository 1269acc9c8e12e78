r"""Cuts run-on text after an answer: a further question or turn, a special token, courtesy. Pure.

"3 x 4 = 12 pens. The answer is 12.\nQuestion: Ann has"       ->  "3 x 4 = 12 pens. The answer is 12."
"**Problem:** Tom has …\n**Solution:** 3 × 4 = 12."           unchanged: it repeats the question before it answers
"So she makes 18 dollars.\n\nI hope this helps!"             ->  "So she makes 18 dollars."   (`without_courtesy`)
"""

from __future__ import annotations

import re

from tutelage.text.sentences import sentences
from tutelage.text.statements import LONGEST, statements

_MARK = re.compile(
    r"""
    (?P<question>
        (?:^|\n)[ \t]{0,8}[#*]{0,6}[ ]?(?:(?:Next|New|Another)[ ](?i:question|problem|exercise|example)
          |Q(?i:uestion)?|P(?i:roblem)|E(?i:xercise|xample))
          [ ]?[0-9]{0,4}[ ]?[*]{0,3}[:.)]
          [*]{0,3}(?=\s|$)
      | (?:^|\n)[ \t]{0,8}[#*]{0,6}[ ]?(?:Question|Problem|Exercise|Example)[ ][0-9]{1,4}[ ]?[*]{0,3}(?=\n|$)
      | (?:^|\n)[ \t]{0,8}(?:\#{1,6}[ ]?|\*\*)(?:(?:Next|New)[ ])?(?i:question|problem|exercise)[*]{0,2}(?=\n|$)
      | (?:^|\n)[ \t]{0,8}(?:Here(?:'s|’s|[ ]is)|Let(?:'s|’s|[ ]us)[ ](?:try|do))[ ]another
          [ ](?:example|problem|question)\b
      | (?:^|\n)[ \t]{0,8}[#*]{0,6}[ ]?(?:User|USER|Human|HUMAN|Instruction)[ ]?[*]{0,3}:
      | (?:^|\n)[ \t]{0,8}(?:user|assistant|model)[ \t]*(?=\n)
      | (?<=[.!?])[ ]{1,3}(?:Question|Q)[ ]?[0-9]{0,4}:[ ]
    )
  | <\|[A-Za-z_]{1,40}\|> | </s> | <(?:end|start)_of_turn> | <eos> | (?!\A)\[/?INST\]
    """,
    re.VERBOSE,
)
_SOLUTION = re.compile(
    r"(?:^|\n)[ \t]{0,8}[#*]{0,6}[ ]?(?:(?:the |step[- ]by[- ]step )?(?:solution|reasoning|explanation)"
    r"|answer|rationale|step 1)\b[ ]?[*]{0,3}[:.\n]|\blet(?:'s|’s| us| me)\b",
    re.IGNORECASE,
)
_TITLE = re.compile(r"^[ \t]{0,8}#{1,3}[ ][^\n0-9]{3,80}$", re.MULTILINE)
_INTRODUCTION = re.compile(
    r"\W*(?:sure|certainly|of course|absolutely|okay|ok|alright|let(?:'s|’s| us| me)|here(?:'s|’s| is| are)|to solve"
    r"|to find|first|we (?:need|have|are)|i(?:'ll|’ll| will)|great|good question)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"""\W*(?:(?:and|but|please|just)\W+){0,2}(?:
        i\ (?:really\ )?hope\ (?:this|that|it|my)\b | hope\ (?:this|that|it)\ (?:helps|is|was|clarif|makes)
      | (?:do\ )?let\ me\ know\b | feel\ free\b | do\ not\ hesitate | don['’]t\ hesitate
      | note: | \(note\b
      | (?:would|do|can|could|shall|should)\ (?:you|i)\b[^\n]{0,200}\?
      | i(?:['’]d|\ would)\ be\ (?:happy|glad)\ to\b | (?:good|best\ of)\ luck\b
    )[^\n]{0,300}""",
    re.IGNORECASE | re.VERBOSE,
)
_POLITE_WITHOUT_NUMBERS = re.compile(
    r"""\W*(?:(?:and|but|please|just)\W+){0,2}(?:
        (?:if|should)\ you\ [^\n]{0,60}\b(?:questions?|help|assistance|clarification|ask|explain)\b
      | (?:is|was)\ there\ anything | anything\ else\b | (?:would|do)\ you\ (?:like|want|need)\ (?:me|more|any|help)\b
      | any\ (?:other\ |more\ )?questions | i['’]?(?:m|\ am)\ (?:always\ |just\ )?(?:happy|glad|here)\ (?:to|for|if)\b
      | (?:happy|glad)\ (?:to\ help|learning|studying|calculating) | well\ done\b | cheers\b
      | (?:good|great|nice)\ (?:luck|job|work|question)\b | keep\ (?:up|practi[sc]ing)\b
      | (?:have|enjoy)\ (?:a|your)\ [^\n]{0,12}\b(?:day|time|one|studies|learning)
      | want\ (?:more|another|to)\b | does\ (?:this|that)\ (?:make\ sense|help)\b
      | remember\ to\b | please\ note\b | \(assuming\b | q\.?e\.?d\b | that['’]s\ (?:it|all)\b | key\ takeaway\b | tip:
      | thank(?:s|\ you)\b(?!\ to\b) | you['’]?(?:re|\ are)\ welcome
    )[^\n0-9]{0,200}""",
    re.IGNORECASE | re.VERBOSE,
)
_MOST = 8
"""The most sentences removed at the end of a text."""


def cut(text: str) -> str:
    """The text up to the first further question, turn or special token."""
    start = 0
    for mark in _MARK.finditer(text):
        if mark["question"] and _says_the_question(text, start, mark):
            start = mark.end()
            continue
        return text[: mark.start()].rstrip()
    return text


def without_courtesy(text: str) -> str:
    """The text without final sentences that are courtesy or a note, and without final lines of signs alone."""
    end = len(text.rstrip())
    for _ in range(_MOST):
        start = max(text.rfind("\n", 0, end) + 1, end - LONGEST)
        last = (sentences(text[start:end]) or [""])[-1]
        if not last or not (_is_courtesy(last) or not any(map(str.isalnum, last))):
            break
        end = len(text[: text.rindex(last, start, end)].rstrip())
        if not end:
            return text
    return text[:end]


def _is_courtesy(sentence: str) -> bool:
    return bool(_POLITE.fullmatch(sentence) or _POLITE_WITHOUT_NUMBERS.fullmatch(sentence))


def _says_the_question(text: str, start: int, mark: re.Match[str]) -> bool:
    """Whether the question at `mark` is the one that the text answers: only an opening precedes it."""
    before = text[start : mark.start()]
    before = (before if statements(before) else _TITLE.sub("", before)).strip(" \t\n#*_-")
    if start:  # after "Problem:", before any question
        return bool(before) and "?" not in before and not _SOLUTION.search(before) and not statements(before)
    if not before:
        return True
    opening = len(before) <= 400 and all(_INTRODUCTION.match(sentence) for sentence in sentences(before))
    return opening and _SOLUTION.search(text, mark.end()) is not None
