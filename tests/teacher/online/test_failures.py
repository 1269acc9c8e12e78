import pytest

from tutelage.errors import TeacherError
from tutelage.records import TRANSIENT
from tutelage.teacher.online.failures import AT_FIRST, OF_THE_ANSWER, RECENT, FailureWindow, Refused, RequestFailed


def record(*endings):
    made = FailureWindow()
    for ending in endings:
        made.note(ending, f"a {ending}")
    return made


def test_good_answers_are_no_reason_to_stop():
    made = record(*[None] * 200)
    assert not made.hopeless
    assert not made.in_vain


def test_half_of_the_last_fifty_may_fail():
    assert not record(*[None] * 25, *["time-out"] * 25).hopeless
    assert record(*[None] * 24, *["time-out"] * 26).hopeless


def test_only_the_last_fifty_count():
    early = record(*["time-out", None] * 12, *["empty"], *[None] * (RECENT - 1))
    assert not early.hopeless
    for _ in range(26):
        early.note("empty", "")
    assert early.hopeless


def test_few_failures_are_enough_where_nothing_was_ever_answered():
    assert not record(*["time-out"] * (AT_FIRST - 1)).hopeless
    assert record(*["time-out"] * AT_FIRST).hopeless
    assert not record(None, *["time-out"] * AT_FIRST).hopeless


@pytest.mark.parametrize("failure", sorted({"empty", "refused by policy", "unparsable", "wrong answer"}))
def test_a_bad_answer_is_an_answer(failure):
    made = record("time-out", "time-out", failure, "time-out")
    assert not made.hopeless
    assert not made.in_vain


@pytest.mark.parametrize("failure", sorted(TRANSIENT))
def test_no_answer_is_in_vain(failure):
    assert record(failure).in_vain
    assert not record(failure, None).in_vain


@pytest.mark.parametrize("failure", sorted(OF_THE_ANSWER))
def test_what_a_weak_teacher_writes_never_ends_a_session(failure):
    assert not record(*[failure] * 200).hopeless


@pytest.mark.parametrize("failure", ["empty", "cut at the length limit", "unparsable", "refused by policy"])
def test_replies_without_an_answer_end_it_in_the_end(failure):
    assert not record(*[failure] * 25).hopeless
    assert record(*[failure] * 26).hopeless


@pytest.mark.parametrize(
    ("failure", "remedy"),
    [
        ("rate limit", "set teacher.requests_per_minute and teacher.tokens_per_minute to your limits"),
        ("time-out", "raise teacher.timeout or lower teacher.concurrency"),
        ("empty", "raise teacher.max_tokens: a model that thinks first may have none left for its answer"),
        ("cut at the length limit", "raise teacher.max_tokens"),
        ("unparsable", "read the replies with `tutelage refused RUN`, or choose another teacher.model"),
        ("server error", "check that it is up and teacher.base_url is right"),
    ],
)
def test_the_most_frequent_failure_gives_the_remedy(failure, remedy):
    assert record("broken reply", failure, failure).explain().split("; ")[-1].startswith(remedy)


def test_the_explanation_counts_by_reason_and_quotes_the_last():
    made = record(None, "time-out", "wrong answer", "empty", "time-out")
    assert made.explain().startswith(
        "3 of the last 5 requests failed: 2 time-out, 1 empty (the last: a time-out); raise teacher.timeout"
    )


def test_what_kind_of_failure_each_is():
    failed = RequestFailed("rate limit", "slow down", wait=7.0)
    assert (failed.reason, failed.wait, failed.charged, str(failed)) == ("rate limit", 7.0, False, "slow down")
    refused = Refused("quota", "no money")
    assert isinstance(refused, TeacherError)
    assert not isinstance(failed, TeacherError)
    assert (refused.reason, refused.exit_code) == ("quota", 3)
