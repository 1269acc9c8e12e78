"""What a run is doing and how it goes on, in lines for the terminal."""

from dataclasses import replace

from tutelage.run_records import Now
from tutelage.view.glance import Glance
from tutelage.view.terminal import going_on

EXAM = Now(1300.0, 7, "round 1: exam", "problems", 310, 900, 1000.0, 590 / 572, 13_620, 45.4)
FEEDBACK = Now(
    *(1030.0, 7, "round 1: feedback", "requests", 3, 9, 1000.0, 0.1),
    in_flight=8,
    waiting=3,
    retried={"time-out": 4},
    failures={"wrong answer": 2},
    usd=0.0213,
)
RUN = Glance(
    *("mine", "runs/my run", "at work", (), 3, EXAM, None, None, None),
    requests=1204,
    tokens=98000,
    usd=0.829,
    caps={"usd": 2.0},
    failures={"wrong answer": 5},
    seconds=750.0,
    settings=(),
    command=None,
)


def test_a_run_at_work():
    assert going_on(RUN) == [
        "at work       round 1: exam: 310 of 900 problems (34%), 5 min 00 s, 1.0 a second, 45 tokens a second, "
        "about 9 min 32 s left",
        "spent         1,204 requests, 98,000 tokens, 0.83 of 2.00 USD, 12 min 30 s",
        "no rationale  5 wrong answer",
        "see it        tutelage view 'runs/my run'",
    ]


def test_a_teacher_s_stage():
    teacher = (
        "teacher       8 in flight, 3 waiting; 4 tried again (4 time-out); no rationale: 2 wrong answer; 0.0213 USD"
    )
    assert going_on(replace(RUN, doing=FEEDBACK))[1] == teacher
    noted = replace(FEEDBACK, note="nothing has arrived for 34 s; 4 tried again (4 time-out)", failures={}, usd=0.0)
    assert going_on(replace(RUN, doing=noted))[1] == f"teacher       {noted.note}"
    between = Now(1300.0, 7, "between two stages")
    assert going_on(replace(RUN, doing=between))[0] == "at work       between two stages"


def test_a_stopped_and_a_finished_run():
    stopped = replace(RUN, state="stopped", doing=None, caps={}, usd=0.0, failures={}, command="tutelage run x --out y")
    assert going_on(stopped) == [
        "spent         1,204 requests, 98,000 tokens, 12 min 30 s",
        "go on with    tutelage run x --out y",
        "see it        tutelage view 'runs/my run'",
    ]
    assert going_on(replace(RUN, state="finished", doing=None)) == ["see it        tutelage view 'runs/my run'"]
