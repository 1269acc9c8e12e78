"""Right replies in today's styles are kept, and nothing but reasoning is left of them."""

import re
from functools import partial

import pytest

from tests.teacher.styles import STYLES
from tutelage.grading.grade import grade
from tutelage.teacher.reply import read_reply
from tutelage.text.calculations import find_calculations

NOISE = re.compile(
    r"""[*_#`|~<>\\{}^&$]{2} | (?m:^\s*[-*•>]\s) | \\ | [#`|] | \*\* | (?m:^\s*\d{1,2}[.)]\s) | (?m:^\s*---)
    | \$[^$\n]*\$(?!\d) | [\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u20e3]
    | \b(?:sure|certainly|of\ course|absolutely|great\ question|happy|hope|let\ me|feel\ free|welcome|thanks|luck
      |would\ you\ like|anything\ else|okay|alright|no\ problem|here\ we\ go|have\ a\ great|i'll|let's)\b
    | step[ -](?:\d|by) | (?m:^(?:solution|explanation|given|calculation|analysis|conclusion|reasoning|facts
      |final\ answer|understanding[^\n]*)\s*:?\s*$) | \n\n""",
    re.IGNORECASE | re.VERBOSE,
)


@pytest.mark.parametrize(("problem", "kind", "reply"), STYLES)
def test_a_right_reply_is_kept_without_its_noise(problem, kind, reply):
    settings = {"max_tokens": 512, "check_arithmetic": True, "kind": kind}
    reading = read_reply(reply, "stop", problem, partial(grade, kind), **settings)
    assert reading.failure is None, reading
    steps, _, conclusion = reading.text.rpartition("\n")
    assert conclusion == f"The answer is {problem.answer}."
    assert not re.search(r"\banswer\b", steps, re.IGNORECASE), reading.text
    assert NOISE.search(steps) is None, (NOISE.search(steps), reading.text)
    assert kind != "number" or find_calculations(steps), reading.text
    assert read_reply(reading.text, "stop", problem, partial(grade, kind), **settings) == reading
