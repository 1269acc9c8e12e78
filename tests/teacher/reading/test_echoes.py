from hypothesis import given
from hypothesis import strategies as st

from tests.work import assert_linear
from tutelage.teacher.prompts import texts
from tutelage.teacher.reading.echoes import Echoes

OURS = Echoes.of(texts())


def found(echoes, text, question=""):
    return [text[start:end] for start, end in echoes.find(text, question)]


def test_a_run_of_a_prompt_is_found_whatever_its_case_and_signs():
    echoes = found(OURS, "We reach it, by REASONING from the question: 3 × 4 = 12.")
    assert echoes == ["reach it, by REASONING from the", "it, by REASONING from the question"]
    assert found(OURS, "Each box holds 4 pens. The answer is 12.") == []


def test_what_the_question_says_too_is_not_ours():
    question = "Ann will reach it by reasoning from the question alone. When?"
    assert found(OURS, "Ann can reach it by reasoning from the question alone.", question) == []


def test_a_run_does_not_go_over_a_field():
    echoes = Echoes.of(["Write for a child of {age} years who likes {thing} a lot."])
    assert found(echoes, "Write for a child of 9 years who likes pens a lot.") == []
    assert found(Echoes.of(["Write for a child of nine years."]), "I write for a child of nine.") == [
        "write for a child of nine"
    ]


def test_in_scripts_without_spaces_a_character_is_half_a_word():
    echoes = Echoes.of(["请不要提到学生的错误，只写出完整的解答。"])
    assert found(echoes, "首先，请不要提到学生的错误，只写三个盒子。")
    assert not found(echoes, "三个盒子里有十二支笔。")


def test_the_short_text_round_the_answer_of_a_hint_is_ours():
    hints = Echoes.of([], "Die richtige Antwort ist {answer}."), Echoes.of([], "正确答案是{answer}。")
    assert found(hints[0], "Die richtige Antwort ist C. Teller sind schmutzig.") == ["Die richtige Antwort ist"]
    assert found(hints[1], "正确答案是C。") == ["正确答案是"]
    assert found(hints[0], "Die richtige Antwort ist C.", "Was heißt: die richtige Antwort ist 3?") == []
    assert found(Echoes.of([], "It is {answer}."), "It is C.") == []


@given(st.text(), st.text(), st.text())
def test_any_text_is_taken_and_a_prompt_is_its_own_echo(prompt, text, question):
    echoes = Echoes.of([prompt.replace("{", "").replace("}", "")])
    for start, end in echoes.find(text, question):
        assert text[start:end]
    assert bool(echoes.find(prompt, "")) == bool(echoes.runs) or "{" in prompt or "}" in prompt


def test_echoes_are_found_in_linear_time():
    assert_linear(lambda text: OURS.find(text, text[:200]), "reach it by reasoning from the question alone " * 500)
