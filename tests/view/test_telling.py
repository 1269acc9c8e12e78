from hypothesis import given
from hypothesis import strategies as st

from tutelage.view.beside import changes, sides
from tutelage.view.facts import Mark, ShownAttempt, ShownExample, ShownReply, Story, StoryRound
from tutelage.view.telling import told

TEXT = st.lists(st.sampled_from(["3", "legs", "cows", "\n", " ", "é", "<b>"])).map(" ".join) | st.text()


def attempt(sample: int, text: str, correct: bool = False) -> ShownAttempt:
    return ShownAttempt(sample, text, correct, None, "", False, 5, None if correct else Mark(0, 1, "4", None))


def test_attempts_stand_beside_those_that_they_are_like():
    before = [attempt(0, "cows have four legs"), attempt(1, "hens have two legs each")]
    after = [attempt(0, "nothing alike"), attempt(1, "hens have two legs now"), attempt(2, "cows have 4 legs", True)]
    found = changes(before, after)
    assert [(change.before.sample, change.after.sample) for change in found][:2] == [(0, 2), (1, 1)]
    assert [change.kind for change in found] == [
        "wrong before, now right",
        "wrong before and now",
        "wrong before and now",
    ]
    assert [change.sides.compared for change in found] == [True, True, False]


@given(TEXT, TEXT)
def test_both_sides_hold_their_whole_texts(left, right):
    found = sides(left, right)
    assert "".join(piece.text for piece in found.left) == left
    assert "".join(piece.text for piece in found.right) == right
    assert {piece.look for piece in found.left} <= {"kept", "removed"}
    assert {piece.look for piece in found.right} <= {"kept", "added"}
    assert 0 <= found.likeness <= 1


def test_what_belongs_together_is_put_together():
    raw = "Sure! 3 × 4 = 12\nThe answer is 12."
    text = "3 × 4 = 12\nThe answer is 12."
    reply = ShownReply("a mistake", [("question", "no"), ("mistake", raw)], text, None, "right", 0.01, 5, 6)
    refused = ShownReply("unknown", [], None, "wrong answer", "7 is not 12", 0.0, 1, 1)
    first = StoryRound(1, [attempt(0, "a mistake"), attempt(1, "12", True)], [reply, refused], [])
    rows = [ShownExample(text, (), ()), ShownExample("12", (), ()), ShownExample("else", (), ())]
    second = StoryRound(2, [attempt(0, "a mistake again")], [], rows)
    story = Story("x", "train", "3 × 4?", "12", None, "mixed", [StoryRound(0, [], [], []), first, second])
    rounds = told(story)
    assert [each.since for each in rounds] == [None, None, 1]
    assert rounds[1].seen == {0}
    assert rounds[1].replies[1].seen is None
    assert [piece.text for piece in rounds[1].replies[0].cleaned.left if piece.look == "removed"] == ["Sure! "]
    assert [each.origin for each in rounds[2].examples] == [
        "the teacher's, of round 1",
        "the student's own, of exam 1",
        "",
    ]
