"""Prompts of the user's own."""

import json

import pytest

from tutelage.config import TeacherConfig
from tutelage.errors import ConfigError
from tutelage.records import FeedbackRequest, Problem
from tutelage.teacher.prompts import Prompts, prompts_of, texts
from tutelage.teacher.template import read_template
from tutelage.teacher.ways import Asking

GERMAN = {
    "system": "Du schreibst Musterlösungen. Schließe mit einer eigenen Zeile: {closing}",
    "question": "Frage: {question}\nSchreibe {{klar}}.",
    "mistake": "Frage: {question}\nDieser Versuch ging schief: {mistake}",
    "hint": "Die richtige Antwort ist {answer}.",
    "again": "So ging es nicht: {reason}",
}
PENS = Problem.of("Tom hat {3} Kästen zu 4 Stiften. Wie viele?", "12")


def written(folder, **changes):
    text = {name: value for name, value in (GERMAN | changes).items() if value is not None}
    path = folder / "prompt.yaml"
    path.write_text(json.dumps(text), encoding="utf-8")
    return str(path)


def asked(path, asking, reason="", **settings):
    prompts = prompts_of(TeacherConfig(prompt=path, **settings), "number")
    system, user = prompts.messages(FeedbackRequest(PENS, "3 + 4 = 7 {oh}"), asking, reason)
    return system["content"], user["content"]


def test_all_that_is_asked_is_the_users(tmp_path):
    path = written(tmp_path)
    system, user = asked(path, Asking("question"))
    assert system.endswith("eigenen Zeile: The answer is X.")
    assert user == "Frage: Tom hat {3} Kästen zu 4 Stiften. Wie viele?\nSchreibe {klar}."
    assert asked(path, Asking("mistake"))[1].endswith("Dieser Versuch ging schief: 3 + 4 = 7 {oh}")
    hinted = asked(path, Asking("question", True, again=True), "7 is not 12")[1]
    assert hinted.split("\n\n")[1:] == ["Die richtige Antwort ist 12.", "So ging es nicht: 7 is not 12"]


def test_its_texts_are_ours_too(tmp_path):
    prompts = prompts_of(TeacherConfig(prompt=written(tmp_path)), "number")
    assert set(prompts.texts()) == {*texts(), *GERMAN.values()}
    assert Prompts("number").texts() == texts()


def test_a_closing_line_of_the_users_own_is_read(tmp_path):
    for line in ("The answer is X.", "#### X", "Final answer: X", "Answer: X"):
        read_template(written(tmp_path, system=f"Löse es. Am Ende:\n{line}"), TeacherConfig())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"system": "Löse es. Am Ende: Die Antwort ist X."}, "closing line that the grader reads; write {closing}"),
        ({"question": "Löse das."}, "question: it does not hold {question}"),
        ({"mistake": "{question}"}, "mistake: it does not hold {mistake}"),
        ({"mistake": None}, "has no text 'mistake', which teacher.ask and teacher.hint call for"),
        ({"hint": None}, "has no text 'hint'"),
        ({"hint": "Es sind {anwser}."}, r"unknown field {anwser}; the fields here are {answer}"),
        ({"hint": "Es sind {answer!r}."}, "unknown field {answer!r}"),
        ({"hint": "Es sind {answer:>9}."}, "unknown field {answer:>9}"),
        ({"again": 3}, "again is no text but 3; write one"),
        ({"hint": "Es sind {answer.__class__}."}, "unknown field {answer.__class__}"),
        ({"question": "{question} {"}, "a brace stands alone"),
        ({"misstake": "{question}"}, "unknown text 'misstake'; did you mean 'mistake'?"),
        ({"mistake-explained": "{question} {mistake}"}, "it does not ask for 'Mistake:'"),
    ],
)
def test_what_cannot_be_used_is_refused_at_the_start(tmp_path, changes, said):
    with pytest.raises(ConfigError) as error:
        read_template(written(tmp_path, **changes), TeacherConfig())
    assert said in str(error.value)


def test_only_what_is_asked_must_be_there(tmp_path):
    read_template(written(tmp_path, mistake=None), TeacherConfig(ask="question"))
    read_template(written(tmp_path, hint=None), TeacherConfig(hint="never", ask="auto"))
    with pytest.raises(ConfigError, match="no text 'again'"):
        read_template(written(tmp_path, again=None), TeacherConfig(hint="never"))  # else the same is asked twice
    with pytest.raises(ConfigError, match="no text 'mistake-first'"):
        read_template(written(tmp_path), TeacherConfig(ask="mistake-first"))


@pytest.mark.parametrize("content", ["- a\n- b\n", "system: 3\n", "system: [", ""])
def test_what_is_no_template_is_refused(tmp_path, content):
    path = tmp_path / "prompt.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"prompt\.yaml"):
        read_template(str(path), TeacherConfig())


def test_a_template_for_repairs_asks_for_both_lines(tmp_path):
    settings = TeacherConfig(feedback="repair")
    with pytest.raises(ConfigError, match="no text 'mistake-repaired'"):
        read_template(written(tmp_path), settings)
    with pytest.raises(ConfigError, match="it does not ask for 'Right:'"):
        read_template(written(tmp_path, **{"mistake-repaired": "{question} {mistake} Wrong: …"}), settings)
    both = written(tmp_path, **{"mistake-repaired": "{question} {mistake} Wrong: … Right: …"})
    assert asked(both, Asking("mistake-repaired"), feedback="repair")[1].endswith("Wrong: … Right: …")
