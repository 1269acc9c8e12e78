"""Detects steps that are announced and not carried out. Pure, linear.

"2. Subtract the seeds in the small gardens."     announced
"Subtract those: 52 - 28 = 24 seeds are left."    done
"""

from __future__ import annotations

import re

_VERB = r"""(?:add|subtract|multiply|divide|calculate|compute|find|determine|count|sum|combine|figure\ out|work\ out|use
    |start\ with|take|identify|convert|round|compare|set\ up|solve|write|express|apply|distribute|group|repeat)"""
_ANNOUNCED = re.compile(
    rf"""\W*(?:(?:\d{{1,2}}|step\ (?:\d|one|two|three|four))[.):]\W*)?
    (?:(?:first|next|then|finally|lastly|now|second(?:ly)?|third|after\ that|so|and)\b\W*)*
    (?:to\ [^.,\n]{{1,80}},\W*)?
    (?:(?:first|next|then|finally|now)\b\W*)?
    (?:(?:we|you|i|she|he|they|one)\ (?:can\ |will\ |first\ |then\ |also\ |simply\ |now\ )*
       (?:(?:need|have|want|are\ going)\ to\ |must\ |should\ )?(?:first\ |then\ )?|let(?:'s|\ us|\ me)\ (?:first\ )?)?
    {_VERB}\b""",
    re.IGNORECASE | re.VERBOSE,
)
_DONE = re.compile(
    r"[=≈:]\s?[^\w\s]{0,3}\d|\b(?:gets?|gives?|giving|is|are|equals?|makes?|leaves?|leaving|totals?|which)\b[^.\n]{0,40}\d",
    re.IGNORECASE,
)
_LONGEST = 300


def is_announced(sentence: str) -> bool:
    """Whether a sentence says what to calculate and states no result."""
    return len(sentence) <= _LONGEST and _ANNOUNCED.match(sentence) is not None and _DONE.search(sentence) is None
