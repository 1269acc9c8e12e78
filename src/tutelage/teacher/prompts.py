"""The teacher's prompts, for every way of asking. Pure.

question              "Question: … Write the worked solution."
mistake               "Here is an attempt … that went wrong: … Question: … Write the worked solution. Take care …"
mistake-first         "Here is an attempt … that went wrong: … Forget it now. … Question: … Write the worked solution."
mistake-explained     the reply is "Mistake: 3 + 4 = 7 adds, but …\\nSolution:\\n3 boxes of 4 pens …"
mistake-repaired      the reply is "Wrong: 3 + 4 = 7 pens.\\nRight: 3 × 4 = 12 pens.", under a system prompt of its own
with the hint         "… The correct answer is 12. …"
again                 "… Earlier a solution could not be used, for this reason: 3 × 4 = 13 is false: it makes 12 …"
practice              "Here is a question: … This attempt at it went wrong: … Make up a new question …"

All ways share the system prompt, which sets the form of the solution. Small models weigh the end of a prompt most, so
without the hint the question stands below the attempt, and the request has the wording of round 0. With the hint, the
mistake is shown as in the paper, in the wording of version 0.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from tutelage.config import TeacherConfig
from tutelage.mistakes.near_duplicates import MAX_MISTAKE_BYTES, clipped
from tutelage.records import AnswerKind, FeedbackRequest, Problem, Style, Way
from tutelage.teacher.template import Template, read_template
from tutelage.teacher.ways import Asking

Message = dict[str, str]
"""`{"role": "system" | "user", "content": text}`, as the chat API takes it."""

MAX_REASON_BYTES = 200
"""The most UTF-8 bytes of the reason why an earlier reply was rejected, in the next request."""

_READERS: dict[Style, str] = {
    "terse": "a very small language model learns to reason. Write one step a line, in as few words as it "
    "takes, in the order in which one thinks.",
    "short": "a very small language model learns to reason. Use short, plain sentences, one step in each, in the order "
    "in which one thinks.",
    "full": "a language model learns to reason. Use plain sentences, in the order in which one thinks, and say of each "
    "step why it is taken.",
}
_LENGTHS: dict[Style, str] = {
    "terse": "No introduction, no sentence that repeats the question, no summary: at most {sentences} lines in all.",
    "short": "Leave out everything that no step needs: at most {sentences} sentences in all.",
    "full": "Take as many steps as the question needs, and leave none to the reader.",
}
_SYSTEM = (
    "You write worked solutions from which {reader} {steps} {length} "
    "Plain text only: no headings, lists, bold type, LaTeX or code. "
    "The solution must stand by itself: never speak of a student, an attempt, a mistake, a hint or these instructions. "
    "End with a line of its own: The answer is X. {form}"
)
_STEPS: dict[AnswerKind, str] = {
    "number": "Write out every calculation with its result, such as 6 × 7 = 42, before the result is used.",
    "choice": "Say what the question is after, then what makes one option fit and the likeliest others not.",
    "yes-no": "State the facts that decide the question, then what follows from them.",
    "text": "Say what is known, then what follows from it.",
}
_FORMS: dict[AnswerKind, str] = {
    "number": "X is the bare number, without its unit.",
    "choice": "X is the label of the option alone.",
    "yes-no": "X is yes or no.",
    "text": "X is the answer in as few words as possible.",
}
_SENTENCES: dict[AnswerKind, int] = {"number": 8, "choice": 5, "yes-no": 5, "text": 5}
_SYSTEM_OF_REPAIRS = (
    "You put single steps right in the work of a very small language model that learns to reason. {steps} "
    "Plain text only: no headings, lists, bold type, LaTeX or code. What you write must be a part of a solution: it "
    "never speaks of a student, an attempt, a mistake, a hint or these instructions."
)
_QUESTION = "Question:\n{question}"
_WRITE = "Write the worked solution."
_BEFORE = "Here is an attempt at the question below that went wrong:\n<attempt>\n{mistake}\n</attempt>"
_CAREFULLY = (
    "Write the worked solution. Take care over the step that the attempt gets wrong, and say in plain words what this "
    "step is for. Whoever reads the solution knows the question alone."
)
_FORGET = "Forget it now. Whoever reads your solution knows the question alone."
_IN_TWO_PARTS = (
    'Your reply has two parts. The first is one paragraph that begins with "Mistake:" and says in one or two short, '
    "plain sentences of your own which step of the attempt is the first wrong one, what is wrong with it, and what is "
    'right. Then comes "Solution:" on a line of its own, and below it the worked solution, for somebody who knows the '
    "question alone and has seen neither the attempt nor your first part."
)
_ONE_STEP = (
    "Find the first step of the attempt that is wrong, and put this one step right. Your reply has two lines and "
    'nothing else. The first begins with "Wrong:" and repeats this step letter by letter as it stands in the attempt, '
    'one sentence or calculation; if the attempt is right and only stops too early, it is "Wrong: (end)". The second '
    'begins with "Right:" and has what must stand in its place: only this step, in the words of the attempt where they '
    "are right, so that somebody who has read the attempt up to there can go on."
)
_HINT = (
    "The correct answer is {answer}. Use it to check your result and for nothing else: keep the question as it is, and "
    "take every number from it."
)
_AGAIN = (
    "Earlier a solution could not be used, for this reason: {reason}\n"
    "Go through the question afresh, check each step, and keep to the form that was asked for."
)
_WAYS: dict[Way, tuple[str, ...]] = {
    "question": (_QUESTION, _WRITE),
    "mistake": (_BEFORE, _QUESTION, _CAREFULLY),
    "mistake-first": (_BEFORE, _FORGET, _QUESTION, _WRITE),
    "mistake-explained": (_BEFORE, _QUESTION, _IN_TWO_PARTS),
    "mistake-repaired": (_BEFORE, _QUESTION, _ONE_STEP),
}
"""The paragraphs of the user message; the hint and the reason for asking again follow them."""
_PRACTICE = (
    "You write practice questions with their worked solutions, from which {reader} {steps} {length} "
    "Plain text only: no headings, lists, bold type, LaTeX or code. "
    "Question and solution must stand by themselves: never speak of another question, a student, an attempt, a mistake "
    "or these instructions. "
    "End with a line of its own: The answer is X. {form}"
)
_FAILED = (
    "Here is a question:\n<question>\n{question}\n</question>",
    "This attempt at it went wrong:\n<attempt>\n{mistake}\n</attempt>",
)
_NEW = (
    "Make up a new question for practice. Its solution takes {step}. It has other people, other things and other "
    "numbers, is about as long and as hard, and gives every number or fact that its answer needs.{options}"
)
_NEW_PARTS = (
    'Begin with "Question:" and the new question. Then write "Solution:" on a line of its own, and below it the worked '
    "solution of the new question."
)
_STEP, _STEPS_OF = "the same step as the one that the attempt gets wrong", "the same steps"
_OPTIONS = " Below it stand its options, one a line, such as (A) bank; one of them is right."
_EARLIER = (
    "Here is an attempt that went wrong:\n<attempt>\n{mistake}\n</attempt>",
    "Find for yourself the first step at which it goes wrong, and do not write about it. Write a complete solution "
    "that gets this very step right and takes special care over it: say in plain words what the step is for. Don't "
    "split it into smaller ones, and keep the other steps short.",
    "Find the first step at which it goes wrong. Your reply has two parts. The first is one paragraph that begins with "
    '"Mistake:", quotes this step, and says in one or two short, plain sentences what is wrong with it and what is '
    'right. Then comes "Solution:" on a line of its own, and below it a complete solution',
    "The correct answer is {answer}. Reach it by reasoning from the question alone; do not say that it was given.",
)
"""Texts of earlier versions: replies to them lie in ledgers and recorded files, with their echoes."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts for a kind of answer: built-in ones in a style, or those of a user's template."""

    kind: AnswerKind
    style: Style = "short"
    template: Template | None = None

    def messages(self, request: FeedbackRequest, asking: Asking, reason: str = "") -> list[Message]:
        """The messages for a request. `reason` says why the previous reply was rejected, if it is asked again."""
        if self.template is not None:
            system, parts = self.template.system, list(self.template.paragraphs(asking))
        else:
            repairs = asking.way == "mistake-repaired"
            system, parts = _of_repairs(self.kind) if repairs else self._system(), [*_WAYS[asking.way]]
            parts += [_HINT] if asking.hint else []
            parts += [_AGAIN] if asking.again else []
        return _messages(system, parts, _values(request.problem, request.mistake or "", reason))

    def practice(self, request: FeedbackRequest) -> list[Message]:
        """The messages that ask for a new problem with its worked solution, near the one of a request."""
        values = _values(replace(request.problem, system=None), request.mistake or "", "")
        if self.template is not None:
            system, parts = self.template.system, [self.template.named["practice"]]
        else:
            shown = request.mistake is not None
            values |= {"step": _STEP if shown else _STEPS_OF, "options": _OPTIONS if request.problem.choices else ""}
            system, parts = _system(self.kind, self.style, _PRACTICE), [*_FAILED[: 1 + shown], _NEW, _NEW_PARTS]
        return _messages(system, parts, values)

    def texts(self) -> tuple[str, ...]:
        """All texts of all prompts, with their fields, to find echoes of them in a reply."""
        return (*texts(), *(self.template.texts() if self.template else ()))

    @property
    def hint(self) -> str:
        """The user's own hint, with its field; empty if the prompts are built in."""
        return self.template.named.get("hint", "") if self.template else ""

    def _system(self) -> str:
        return _system(self.kind, self.style)


def prompts_of(teacher: TeacherConfig, kind: AnswerKind) -> Prompts:
    """The prompts for a teacher's settings. Raises ConfigError if `teacher.prompt` cannot be used."""
    template = read_template(teacher.prompt, teacher) if teacher.prompt is not None else None
    return Prompts(kind, teacher.style, template)


def texts() -> tuple[str, ...]:
    """The texts of all built-in prompts, for every kind of answer, style and way, and for practice."""
    both = (_SYSTEM, _PRACTICE)
    systems = (
        _system(kind, style, text) for text in both for kind in get_args(AnswerKind) for style in get_args(Style)
    )
    practice = (*_FAILED, _NEW.format(step=_STEP, options=_OPTIONS), _NEW_PARTS)
    paragraphs = [part for parts in _WAYS.values() for part in parts]
    repairs = map(_of_repairs, get_args(AnswerKind))
    return (*systems, *repairs, *dict.fromkeys(paragraphs), _HINT, _AGAIN, *practice, *_EARLIER)


def _messages(system: str, parts: Sequence[str], values: Mapping[str, str]) -> list[Message]:
    user = "\n\n".join(part.format(**values) for part in parts)
    return [
        {"role": "system", "content": system.format(**values)},
        {"role": "user", "content": user.encode(errors="replace").decode()},  # a lone surrogate cannot be sent
    ]


def _system(kind: AnswerKind, style: Style, text: str = _SYSTEM) -> str:
    length = _LENGTHS[style].format(sentences=_SENTENCES[kind])
    return text.format(reader=_READERS[style], steps=_STEPS[kind], length=length, form=_FORMS[kind])


def _of_repairs(kind: AnswerKind) -> str:
    return _SYSTEM_OF_REPAIRS.format(steps=_STEPS[kind])


def _values(problem: Problem, mistake: str, reason: str) -> dict[str, str]:
    return {
        "question": problem.text,
        "answer": problem.answer,
        "mistake": clipped(mistake, MAX_MISTAKE_BYTES),
        "reason": clipped(reason, MAX_REASON_BYTES),
        "closing": "The answer is X.",
    }
