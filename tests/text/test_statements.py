import pytest

from tutelage.text.statements import conclude, without_statement


@pytest.mark.parametrize(
    "closing",
    [
        "\nThe answer is 12.",
        " So the answer is $12.00.",
        "\nTherefore, the final answer is: 12 pens",
        "\n#### 12",
        "\n\\boxed{12}",
        "\n$\\boxed{12}$",
        "\nAnswer: 12",
        "\nFinal answer: 12.\n\nThe answer is 12.",
        "",
    ],
)
def test_the_closing_statement_falls_away(closing):
    assert (
        without_statement(f"Each box holds 4, so 3 × 4 = 12 pens.{closing}") == "Each box holds 4, so 3 × 4 = 12 pens."
    )


def test_reasoning_stays():
    text = "The answer is found by 3 × 4 = 12. So there are 12 pens."
    assert without_statement(text) == text
    assert without_statement("The answer is 12.\nBut 12 is too many.") == "The answer is 12.\nBut 12 is too many."


def test_conclude_states_the_answer_once():
    assert conclude("3 × 4 = 12. The answer is 12", "12") == "3 × 4 = 12.\nThe answer is 12."
