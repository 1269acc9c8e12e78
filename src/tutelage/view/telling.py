"""A problem's story as its page tells it: what belongs together is put together. Pure.

exam        the attempts; from the second exam on beside those of the one before
teaching    the attempt that the teacher saw, its replies as they came, and what was left of the last
training    which reply, or attempt, a row's rationale is
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tutelage.view.beside import Change, Sides, changes, sides
from tutelage.view.facts import ShownAttempt, ShownExample, ShownReply, Story, StoryRound


@dataclass(frozen=True, slots=True)
class ToldReply:
    """A request to the teacher. `seen` is the attempt that it saw, if that is one of the exam's.

    `raw` has its replies by (way, text). `cleaned` is the last of them beside what was kept, None where they are equal
    or one is not there.
    """

    reply: ShownReply
    seen: ShownAttempt | None
    raw: Sequence[tuple[str, str]]
    cleaned: Sides | None


@dataclass(frozen=True, slots=True)
class ToldExample:
    """A row trained on, and where its rationale is from, in words; empty if that can't be told."""

    example: ShownExample
    origin: str


@dataclass(frozen=True, slots=True)
class ToldRound:
    """A round. `since` is the number of the last round with attempts before it, None in the first exam."""

    round: StoryRound
    since: int | None
    changes: Sequence[Change]
    replies: Sequence[ToldReply]
    examples: Sequence[ToldExample]

    @property
    def seen(self) -> set[int]:
        """The samples that the teacher saw."""
        return {each.seen.sample for each in self.replies if each.seen}


def told(story: Story) -> list[ToldRound]:
    """The rounds of a story in order, each with what links it to those before."""
    rounds, before = list[ToldRound](), None
    origins = dict[str, str]()
    for each in story.rounds:
        replies = [_reply(reply, each.attempts) for reply in each.replies]
        origins |= {attempt.text.strip(): f"the student's own, of exam {each.round}" for attempt in each.attempts}
        origins |= {reply.text.strip(): f"the teacher's, of round {each.round}" for reply in each.replies if reply.text}
        found = changes(before.attempts, each.attempts) if before else []
        examples = [ToldExample(example, _origin(example, origins)) for example in each.examples]
        rounds.append(ToldRound(each, before.round if before and found else None, found, replies, examples))
        before = each if each.attempts else before
    return rounds


def _reply(reply: ShownReply, attempts: Sequence[ShownAttempt]) -> ToldReply:
    seen = next((attempt for attempt in attempts if attempt.text == reply.mistake), None)
    last = reply.raw[-1][1] if reply.raw else None
    cleaned = (
        sides(last, reply.text) if last is not None and reply.text and last.strip() != reply.text.strip() else None
    )
    return ToldReply(reply, seen, reply.raw, cleaned)


def _origin(example: ShownExample, origins: Mapping[str, str]) -> str:
    return origins.get(example.anchor.strip(), "")
