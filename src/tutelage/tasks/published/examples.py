"""Worked examples for the benchmarks of mathematics and BIG-bench, our own as all are (tasks/examples.py)."""

from __future__ import annotations

from collections.abc import Mapping

from tutelage.records import WorkedExample
from tutelage.tasks.worked import worked

MORE: Mapping[str, tuple[WorkedExample, ...]] = {
    "math_500": (
        worked(
            "Simplify $\\frac{18}{24} - \\frac{1}{4}$.",
            "$\\frac{18}{24} = \\frac{3}{4}$.\n$\\frac{3}{4} - \\frac{1}{4} = \\frac{2}{4} = \\frac{1}{2}$.",
            "\\frac{1}{2}",
        ),
        worked(
            "What is the sum of the roots of $x^2 - 7x + 10 = 0$?",
            "The polynomial is $(x - 2)(x - 5)$, so the roots are 2 and 5.\nTheir sum is $2 + 5 = 7$.",
            "7",
        ),
        worked(
            "A right triangle has legs of length 2 and 6. How long is its hypotenuse?",
            "The square of the hypotenuse is $2^2 + 6^2 = 40$.\nSo its length is $\\sqrt{40} = 2\\sqrt{10}$.",
            "2\\sqrt{10}",
        ),
    ),
    "aqua": (
        worked(
            "A lorry drives 150 km in 2.5 hours. How far does it drive in 4 hours at the same speed?",
            "Its speed is 150 / 2.5 = 60 km an hour.\nIn 4 hours it drives 60 * 4 = 240 km. That is option C.",
            "C",
            "200 km", "225 km", "240 km", "250 km", "300 km",
        ),
        worked(
            "The price of a coat rises from $80 to $92. By what percentage does it rise?",
            "It rises by 92 - 80 = 12 dollars.\n12 / 80 = 0.15, which is 15%. That is option B.",
            "B",
            "12%", "15%", "18%", "20%", "92%",
        ),
        worked(
            "Five less than twice a number is 21. What is the number?",
            "Twice the number is 21 + 5 = 26.\nThe number is 26 / 2 = 13. That is option E.",
            "E",
            "8", "10", "11", "12", "13",
        ),
    ),
    "asdiv": (
        worked(
            "Wanda planted 14 roses and 9 lilies. How many flowers did she plant?",
            "Both are flowers. 14 + 9 = 23.",
            "23",
        ),
        worked(
            "A baker puts 72 rolls into bags of 8. How many bags does he fill?",
            "Each bag takes 8 rolls. 72 / 8 = 9.",
            "9",
        ),
        worked(
            "Ivo is 37 years old. His sister is 5 years younger. How old is his sister?",
            "Younger means fewer years. 37 - 5 = 32.",
            "32",
        ),
    ),
    "date_understanding": (
        worked(
            "Today is the last day of February 2015. What is the date tomorrow in MM/DD/YYYY?",
            "2015 is no leap year, so February has 28 days. The day after 02/28/2015 is 03/01/2015.",
            "A",
            "03/01/2015", "02/29/2015", "03/02/2015",
        ),
        worked(
            "The market was on June 3, 2009. It is one week later now. What is the date today in MM/DD/YYYY?",
            "A week has 7 days. 3 + 7 = 10, and June goes on. So it is 06/10/2009.",
            "C",
            "07/03/2009", "06/09/2009", "06/10/2009",
        ),
        worked(
            "It is New Year's Day of 1999. What was the date two days ago in MM/DD/YYYY?",
            "The day before 01/01/1999 is 12/31/1998, and the day before that is 12/30/1998.",
            "B",
            "12/31/1998", "12/30/1998", "01/03/1999",
        ),
    ),
    "bbh": (
        worked(
            "Three mugs stand in a row. The red mug is left of the blue mug. The green mug is left of the red mug. "
            "Which is the leftmost?",
            "Green is left of red, and red is left of blue. From the left, the order is green, red, blue.",
            "B",
            "The red mug", "The green mug", "The blue mug",
        ),
        worked(
            "If you follow these steps, do you return to where you began? Take 4 steps forward. Turn around. "
            "Take 4 steps.",
            "After 4 steps forward you are 4 steps away. Turned around, 4 steps lead back.",
            "A",
            "Yes", "No",
        ),
        worked(
            "On a desk there are two yellow pens, a black cup and a yellow lamp. How many things on it are yellow?",
            "The two pens are yellow, and so is the lamp. 2 + 1 = 3.",
            "C",
            "one", "two", "three", "four",
        ),
    ),
}  # fmt: skip
