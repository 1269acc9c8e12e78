"""What a round's teaching has cost. Each reply counts once: used again in a later round, it costs nothing there."""

from __future__ import annotations

from collections import Counter

from tutelage.records import Asked, Usage
from tutelage.rounds.asking import Teaching
from tutelage.rounds.ways import counted as counted_ways
from tutelage.run_records import TeacherSummary


def teaching_cost(teaching: Teaching, counted: set[object]) -> TeacherSummary:
    """The cost of a round's teaching. `counted` has replies already counted: repeated requests cost nothing."""
    replies, usage, asked, ways = [*teaching.feedback, *teaching.failed], Usage(), 0, list[Asked]()
    for reply in replies:
        keys = reply.keys or [(type(reply), reply.identity)]  # offline there is no ledger
        if not counted.issuperset(keys):
            usage += reply.usage
            ways += reply.asked
            asked += len(reply.keys) or reply.usage.requests
            counted.update(keys)
    used = sum(reply.verdict.correct for reply in replies)
    failures = Counter(reply.failure for reply in replies if reply.failure)
    return TeacherSummary(
        usage.requests,
        used,
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.cost_usd,
        dict(failures),
        asked,
        counted_ways(ways),
    )
