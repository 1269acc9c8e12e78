"""Puts the first wrong step of an attempt right: what the student wrote up to it, and the right step after that. Pure.

solution  "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs."
attempt   "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 4 = 8 legs. 12 + 8 = 20 legs. The answer is 20."
before    "3 cows have 3 × 4 = 12 legs. 2 hens have "
wrong     "2 × 4 = 8"          right     "2 × 2 = 4 legs."
rest      "12 + 4 = 16 legs. The answer is 16.", if the whole rest is asked for

What is right comes from arithmetic (a false calculation gets its true result), or from the worked solution: the number
that was miscopied, or the sentence with the step that is needed there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.mistakes.comparison import Comparison, compare
from tutelage.mistakes.first_wrong_step import FirstWrongStep, first_wrong_step
from tutelage.mistakes.marked import place_in
from tutelage.mistakes.steps import is_check, same_step, swapped_number
from tutelage.records import Attempt, Problem, state_answer
from tutelage.text.ambiguity import is_ambiguous
from tutelage.text.calculations import Calculation, find_calculations
from tutelage.text.format import write_number
from tutelage.text.numbers import find_numbers
from tutelage.text.sentences import boundaries

_MOST_DECIMALS = 4
"""A result with more decimals is not put in: the student would learn to write a number that it would have to round."""
_PLAIN_NUMBER = re.compile(r"\s*\$?\s?-?\d[\d,]*(?:\.\d+)?\s*")
_TAIL = re.compile(r"[.,;:!?]|[ \t]?[^\W\d_]+[.,;:!?]?")


@dataclass(frozen=True, slots=True)
class Repair:
    """An attempt put right: `before` is the student's own text, `right` belongs after it, where it wrote `wrong`.

    Or what it has written itself (`right`) after the prefix of a rationale (`before`); nothing is wrong then.

    `rest` continues the solution after `right`, if that is learnt too. `ends` says whether the answer ends there.
    `weight` is that of its tokens among those of all repairs.
    """

    problem: Problem
    before: str
    wrong: str
    right: str
    rest: str = ""
    ends: bool = False
    weight: float = 1.0


def repaired(problem: Problem, attempt: Attempt, *, by_solution: bool = True, whole: bool = False) -> Repair | None:
    """The attempt put right at its first wrong step; None if nothing wrong is found, or nothing is known to be right.

    A right attempt is put right, too, where a calculation in it is false. Without `by_solution`, only false
    calculations are. With `whole`, the rest of the worked solution follows, if the attempt has taken its steps so far.
    """
    seen = compare(problem, attempt.text, attempt.verdict.answer)
    false = next((step for step in seen.steps if not step.holds and not is_ambiguous(seen.text, step)), None)
    wrong = None
    if by_solution and not attempt.verdict.correct and seen.value is not None and _is_sound(seen):
        wrong = first_wrong_step(problem, attempt.text, attempt.verdict.answer)
    calculated = false is not None and (wrong is None or wrong.calculation == false)
    if wrong is not None and (whole or not calculated):
        found = _by_solution(wrong, attempt, whole=whole)
        if found is not None or not calculated:
            return found
    if false is None or not calculated:
        return None
    right = _with_result(false)
    tail = tail_of(seen.text, false.end)
    return None if right is None else _placed(seen, attempt, false.start, false.end, right + tail)


def _is_sound(seen: Comparison) -> bool:
    return bool(seen.gold) and all(step.holds for step in seen.gold)


def _with_result(step: Calculation) -> str | None:
    """The calculation with its true result; None if that has many decimals, or an earlier side of it is false."""
    head, _, stated = step.text.rpartition("=")
    fault = step.fault
    if fault is None or fault.makes is None or not " ".join(step.text.split()).endswith(fault.text):
        return None
    written = write_number(fault.makes)
    if not _PLAIN_NUMBER.fullmatch(stated) or "/" in written or len(written.partition(".")[2]) > _MOST_DECIMALS:
        return None
    return f"{head}={_dressed(written, stated)}"


def _dressed(number: str, as_in: str) -> str:
    """A number with the white space, the dollar sign and the commas of the one that it stands for."""
    space = as_in[: len(as_in) - len(as_in.lstrip())]
    grouped = f"{int(number):,}" if "," in as_in and re.fullmatch(r"-?\d+", number) else number
    return f"{space}{'$' if '$' in as_in else ''}{grouped}"


def _by_solution(wrong: FirstWrongStep, attempt: Attempt, *, whole: bool) -> Repair | None:
    """The step of the worked solution that is needed where the attempt goes wrong."""
    seen, text = wrong.attempt, wrong.attempt.text
    if wrong.at_end and attempt.finish == "length":
        return None  # it may not have come to its answer yet
    step = wrong.step
    if wrong.at_end:
        arrived = bool(seen.steps) and seen.steps[-1].result == seen.value
        step = None if arrived else seen.next_step(seen.steps)
    statement = state_answer("", seen.problem.answer)
    if step is None:
        start, end = _sentence_at(text, wrong)
        return _placed(seen, attempt, start, end, _lead(text, start, "\n") + statement, ends=True)
    if not whole and (swapped := _with_number(wrong)) is not None:
        assert wrong.calculation is not None, "only a calculation has a number swapped"
        end = wrong.calculation.end
        return _placed(seen, attempt, wrong.calculation.start, end, swapped + tail_of(text, end))
    start, end = _sentence_at(text, wrong)
    right, rest = _from_step(seen.solution or "", seen.gold, step)
    ends = whole and _in_order(seen, step, start)
    rest = f" {rest}\n{statement}" if rest else f"\n{statement}"
    return _placed(seen, attempt, start, end, _lead(text, start, " ") + right, rest if ends else "", ends=ends)


def _with_number(wrong: FirstWrongStep) -> str | None:
    """A calculation with the right number in place of one that was miscopied; None if it is not just that.

    Nor is it if the sentence has named the wrong number before.
    """
    step, seen = wrong.calculation, wrong.attempt
    if step is None or wrong.step is None:
        return None
    right = seen.gold[wrong.step]
    swap, (start, _) = swapped_number(step, right), _sentence_at(seen.text, wrong)
    if swap is None or any(abs(each.value) == swap[0] for each in find_numbers(seen.text[start : step.start])):
        return None
    head, _, stated = step.text.rpartition("=")
    place = next((each for each in find_numbers(head) if abs(each.value) == swap[0]), None)
    if place is None or not _PLAIN_NUMBER.fullmatch(stated):
        return None
    head = head[: place.start] + _dressed(write_number(swap[1]), head[place.start : place.end]) + head[place.end :]
    text = f"{head}={_dressed(write_number(right.result), stated)}"
    made = find_calculations(text)
    return text if len(made) == 1 and made[0].holds and same_step(made[0], right) else None


def _from_step(solution: str, gold: Sequence[Calculation], step: int) -> tuple[str, str]:
    """The solution's sentence with a step, from that step on if an earlier one is in it, and all that follows it."""
    start, end = _around(solution, gold[step].start, gold[step].end)
    if step and gold[step - 1].end > start:
        start = gold[step].start
    return solution[start:end], solution[end:].strip()


def _in_order(seen: Comparison, step: int, start: int) -> bool:
    """Whether all that the attempt has calculated before is the solution's, and this is the next step."""
    done = [each for each in seen.steps if each.end <= start]
    ours = all(seen.in_solution(each) or is_check(each, done[:n]) for n, each in enumerate(done))
    return ours and seen.next_step(done) == step


def _sentence_at(text: str, wrong: FirstWrongStep) -> tuple[int, int]:
    """What is replaced: the sentence of the wrong step, after calculations before it; the end if there is none."""
    if wrong.place is None:
        end = len(text.rstrip())
        return end, end
    start, end = _around(text, *wrong.place)
    if any(start < step.end <= wrong.place[0] for step in wrong.attempt.steps):
        start = wrong.place[0]
    return start, end


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence, or the sentences, around characters `start` to `end`, without the white space after it."""
    first, last = 0, len(text)
    for stop in boundaries(text):
        if stop.end() <= start:
            first = stop.end()
        elif stop.end() >= end:
            last = stop.end()
            break
    return first, first + len(text[first:last].rstrip())


def _lead(text: str, start: int, space: str) -> str:
    """The white space that is missing before what is put in."""
    return space if start and not text[start - 1].isspace() else ""


def tail_of(text: str, end: int) -> str:
    """The word or the mark after a step: it ends the number, and is right as it was."""
    found = _TAIL.match(text, end)
    return found[0] if found else ""


def _placed(
    seen: Comparison, attempt: Attempt, start: int, end: int, right: str, rest: str = "", *, ends: bool = False
) -> Repair | None:
    """The repair in the attempt's own text, of which `seen.text` was made; None if the place can't be found there."""
    own, plain = attempt.text.lstrip(), seen.text
    place = (start, end) if own.startswith(plain) else place_in(own, plain, start, end)
    if place is None or own[slice(*place)] == right:
        return None
    return Repair(seen.problem, own[: place[0]], own[slice(*place)], right, rest, ends)
