import pytest

from tutelage.text.ambiguity import is_ambiguous
from tutelage.text.calculations import find_calculations


def false_ones(text):
    return [item for item in find_calculations(text) if not item.holds]


@pytest.mark.parametrize(
    "text",
    [
        "so 3 × 4 = 13 pens",
        "so 3 × 4 = 13 pens and 2 boxes",
        "- In the box: 3 × 4 = 13. The rest is whole.",
        "1) 3 × 4 = 13",
        "(1) 3 × 4 = 13",
        "Step 1: 3 × 4 = 13\nStep 2: 5 more",
        "In week 2, 3 × 4 = 13 hours",
        "He works 2 hours × $5 = $12",
        "2 hours × 3 days = 7 hours",
        "100% - 20% = 70%",
        "20 percent of 50 = 11",
        "30 / 4 = 8 boxes",
        "the whole is 30 / 4 = 11 in full boxes",
        "$4,200 + $3,000 = $8,600",
        "6/3=.5 hour which is 30 minutes",
        "17 / 9 = 2 trips with 5 trays left over",
        "17 / 9 = 1 remainder 7, and so on",
    ],
)
def test_what_is_plainly_false_is_not_doubted(text):
    [calculation] = false_ones(text)
    assert not is_ambiguous(text, calculation)


@pytest.mark.parametrize(
    "text",
    [
        "100/5 = 5A/5 or 20 = A",
        "profit of $100 000 x 10/100 = $10 000",
        "16,0000/10=16000 cars",
        "Yuri scored 1/2 (68) + 10 = 44 points",
        "Nikita = (1/2) 278 + 11 = 150 points",
        "a total of $100+($100*(10/100) = $110 from sales",
        "his 25 classmates + his 1 teacher + 1 himself = 27 people",
        "12 x 1 and 1/4 = 15 cups",
        "4 / 3 = 1 and 1/3 hours",
        "75 / 60 = 1 hour 15 minutes",
        "75 / 60 = 1 hour and 15 minutes",
        "17/3 = 5 loads with 2 remaining",
        "17/3 = 6 loads (rounded up)",
        "14 / 1 / 4 = 56 washes",
        "3/3 - 2/3 = 1/3 of $150",
        "9 frogs / 27 frogs * 100% = 33.33",
        "20 / 240 = 8.333...%",
        "$7500/75% = $100",
        "$60 - 25% = $45",
        "0900-0130 = 0730 hours",
        "by 1/3 gives b = (1/3)*180 = 60",
        "$1 / 2 = 50 cents",
        "$2.50 - $2.24 = 26 cents",
        "4-2=2 hours=120 minutes",
        "4 pounds - 6 ounces = 58 ounces",
        "10 + 3 = 1 pm",
        "9 + 3 = 11:30",
        "17 / 5 = 3 R 2",
        "4 + 4 = 2^3",
    ],
)
def test_what_may_be_meant_otherwise_is_doubted(text):
    found = false_ones(text)
    assert found
    assert all(is_ambiguous(text, calculation) for calculation in found)
