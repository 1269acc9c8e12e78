"""Extracts the reasoning from a reply as plain text, and the steps without the answer. Pure, linear in the text.

text       "<think>…</think>Sure!\\n**Step 1:** 3 × 4 = 12.\\n**Answer: 12**\\nI hope this helps!\\nQuestion: Ann …"
reasoning  "3 × 4 = 12.\\nAnswer: 12"
steps      "3 × 4 = 12."
"""

from __future__ import annotations

import re

from tutelage.records import Grade, Problem
from tutelage.teacher.reading.noise import without_praise, without_talk, without_titles, without_trailer
from tutelage.teacher.reading.openings import without_opening
from tutelage.text.markup import clean
from tutelage.text.numbers import whole_number
from tutelage.text.readable import readable
from tutelage.text.run_on import cut, without_courtesy
from tutelage.text.sentences import sentences
from tutelage.text.statements import statements, without_statement
from tutelage.text.thoughts import without_thoughts

_MOST_PASSES = 5
"""Passes over nested markup: each removes one layer."""
_CHAINED = re.compile(r"\n(?==[^=>])")
"""The break of a calculation that continues in the next line."""
_BROKEN = re.compile(r"=[ \t]*\n\s*(?=[$€£(-]{0,2}\d)")
"""The break of a calculation whose result is in the next line."""
_CALCULATES = re.compile(
    r"(?:^|(?<=[.!?]\s))(?:(?:so|thus|therefore|hence|finally)\b,?\s)?(?:the|our|my)\s(?:final\s|correct\s|right\s)?"
    r"answer\s(?:is|would be|will be):?\s(?=[$€£(]{0,2}\d(?:(?![.!?]\s)[^\n=]){1,160}=\s?[$€£]?\d)",
    re.IGNORECASE | re.MULTILINE,
)
"""The beginning of a statement that holds a calculation: So the answer is 4536 - 702 = 3834."""
_ANSWER = re.compile(r"answer\b", re.IGNORECASE)
_STATES = re.compile(r"answer\b|####|\\boxed", re.IGNORECASE)
_FEW = 8
"""The most words of a line that may be an answer alone."""
_TITLE = re.compile(r"\W*(?:the |my |our )?(?:final |correct )?answer\W*", re.IGNORECASE)
_TAG = re.compile(r"</?answer>", re.IGNORECASE)
_CONCLUDES = re.compile(
    r"""\W*(?:(?:so|thus|therefore|hence|and|now|finally|overall|consequently|in\ (?:conclusion|summary|total)
      |as\ a\ result|i(?:['’]m|\ am)\ (?:sure|confident|certain)|(?:i|we)\ (?:can\ )?(?:conclude|see|get|find|know|say)
      |(?:this|which|it)\ (?:means|follows|shows|gives)|to\ sum\ up|that)\b,?\s+)*
    (?:(?:the|our|my)\s+[^.!?=\n]{0,20}answer\b[^.!?=\n]{0,80}\b(?:is|are)\b[^=\n]{0,60}
      |[^.!?=,\n]{1,40}\ (?:is|are)\ (?:the|our|my)\ (?:final\ |correct\ |right\ )?answer\W*)""",
    re.IGNORECASE | re.VERBOSE,
)
_SHORT = re.compile(r"(?<!\W)\W*+(?:(?:short|quick|brief|in short|final)\W+answer|in short|tl;?dr)\W+", re.IGNORECASE)
_ITEM = re.compile(r"\A\W{0,4}\([a-i]\)\s")
"""The letter of a step; options have capitals."""
_BARE = re.compile(r"\W{0,4}(?:[\d.][^\s=]*(?: [^\s=:]+){0,2}|\w+\W{0,3}|\(?[A-Z][.)] [^\n=]{1,40})")
"""`12 pens`, `no`, `(B) library`."""
_REASON = re.compile(r"\b(?:because|since|due|as)\b", re.IGNORECASE)
_ADDRESSES = re.compile(
    r"\b(?:you|your|me|i|i['’]m|hope|luck|welcome|thanks|cheers|happy|enjoy|well done"
    r"|(?:great|nice|good) (?:job|work))\b"
    r"|\?$",
    re.IGNORECASE,
)
"""Words that address the reader."""
_LONGEST_ANSWER = 200
_GOES_ON = re.compile(
    r"\?|\b(?:another|next|similar|second|further|more) (?:example|problem|question|exercise)|\b(?:example|problem) \d",
    re.IGNORECASE,
)
_CORRECTS = re.compile(r"\b(?:wait|mistake|correction|actually|re-?check|sorry|hold on|let me check)\b", re.IGNORECASE)


def reasoning(text: str) -> str:
    """A reply as plain text, without thoughts, text after the answer, markup, titles and courtesy."""
    text = _without_another(without_courtesy(cut(without_thoughts(text))))
    was_latex = "\\" in text
    for _ in range(_MOST_PASSES):
        before = text
        text = without_talk(without_courtesy(clean(without_titles(text))))
        text = _BROKEN.sub("= ", _CHAINED.sub(" ", "\n".join(line.strip() for line in text.split("\n"))))
        if text == before:
            break
    return readable(text) if was_latex else text


def _without_another(text: str) -> str:
    """The text up to its answer, if another question follows in a paragraph without a label."""
    end = 0
    for line in text.split("\n"):
        start, end = end, end + len(line) + 1
        if _STATES.search(line) and (text[:start].strip() or len(line.split()) > _FEW) and _ends_with_answer(line):
            rest = text[end:]
            apart = rest.lstrip(" \t").startswith("\n")
            goes_on = apart and _GOES_ON.search(rest) and _STATES.search(rest) and not _CORRECTS.search(rest)
            return text[: end - 1] if goes_on else text
    return text


def _ends_with_answer(line: str) -> bool:
    last = (sentences(line) or [""])[-1].strip(" \t*_>")
    return says_only_the_answer(last) or says_only_the_answer(last.lstrip("# "))


def steps_of(text: str, problem: Problem, grade: Grade) -> str:
    """The reasoning without its answer: without the statement at the end, and earlier lines that only state it."""
    steps = _CALCULATES.sub("", _TAG.sub("", text))
    steps = without_praise(steps) if whole_number(problem.answer) else steps
    for _ in range(_MOST_PASSES):
        before = steps
        steps = without_trailer(without_courtesy(without_statement(steps)))
        if steps == before:
            break
    opening = next(iter(sentences(steps[:_LONGEST_ANSWER])), "")
    if len(opening) < len(steps) and _is_answer(opening, problem, grade):
        steps = steps[len(opening) :].lstrip()
    lines = [line for line in _without_tail(steps.split("\n"), problem, grade) if not _is_answer(line, problem, grade)]
    if len(lines) > 1 and _TITLE.fullmatch(lines[-2]):
        del lines[-2]
    for place in (0, -1):
        if len(lines) > 1 and _is_bare(lines[place], problem, grade):
            del lines[place]
    steps = without_talk(re.sub(r"\\boxed\{([^{}]*)\}", r"\1", "\n".join(lines)).strip())
    return without_opening(steps, problem)


def up_to_answer(text: str, problem: Problem, grade: Grade) -> str | None:
    """The text up to the first line that only states the right answer, if others stand before and behind it."""
    lines = text.split("\n")
    ends = (place for place in range(1, len(lines) - 1) if _is_answer(lines[place], problem, grade))
    end = next(ends, None)
    return None if end is None else "\n".join(lines[: end + 1])


def _without_tail(lines: list[str], problem: Problem, grade: Grade) -> list[str]:
    """The lines before the last statement of the answer, if no calculation follows it, or only talk does."""
    stated = next((place for place in reversed(range(len(lines))) if _is_answer(lines[place], problem, grade)), 0)
    before, after = lines[:stated], lines[stated + 1 :]
    calculated = any("=" in line for line in before) and not any(re.search(r"[\d=]", line) for line in after)
    return before if before and (calculated or all(map(_ADDRESSES.search, after))) else lines


def _is_answer(line: str, problem: Problem, grade: Grade) -> bool:
    """Whether a line only states the right answer."""
    return _ANSWER.search(line) is not None and says_only_the_answer(line) and grade(problem, line).correct


def says_only_the_answer(line: str) -> bool:
    """Whether a line states an answer and nothing else."""
    line = _ITEM.sub("", line, count=1)
    if len(line) > _LONGEST_ANSWER or not statements(line):
        return False
    return not without_statement(line) or (_CONCLUDES.fullmatch(line) is not None and not _REASON.search(line))


def _is_bare(line: str, problem: Problem, grade: Grade) -> bool:
    """Whether a line is the right answer without a sentence, such as `12 pens`."""
    told = _SHORT.sub("", line)
    said = told != line or len(told.split()) == 1 or not line.endswith((".", "!"))
    return said and _BARE.fullmatch(told) is not None and grade(problem, f"The answer is {told.rstrip('.!')}.").correct
