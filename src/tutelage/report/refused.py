"""A refused reply of the teacher, as text.

round 1, mistake with the hint: wrong answer
  question  Tom has 3 boxes of 4 pens. How many pens?
  mistake   3 + 4 = 7
  reply     3 + 4 = 7 pens
            The answer is 7.
  reason    the answer is 7, not 12
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH = 12


def refused_as_text(reply: Mapping[str, Any]) -> str:
    """The text of a refused reply, whose fields are those of `RefusedReply`; it ends with an empty line."""
    replies: Sequence[str] = reply["replies"]
    nameless = "practice" if replies else "no reply"  # a new problem is asked for in one way
    way = nameless if reply["way"] is None else f"{reply['way']}{' with the hint' * reply['hint']}"
    fields = [
        ("question", reply["question"] or reply["prompt"] or f"(problem {reply['problem_id']})"),
        *([("mistake", reply["mistake"])] if reply["mistake"] is not None else []),
        *(("reply", text or "(empty)") for text in replies),
        ("reason", reply["reason"]),
    ]
    lines = [f"round {reply['round']}, {way}: {reply['kind'] or 'refused'}"]
    for name, text in fields:
        lines.append(f"  {name:{_WIDTH - 2}}" + text.replace("\n", "\n" + " " * _WIDTH))
    return "\n".join(lines) + "\n"
