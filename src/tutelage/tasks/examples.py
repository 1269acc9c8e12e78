"""Worked examples for few-shot prompts, three to five per task. All are our own: none is from a data set."""

from __future__ import annotations

from collections.abc import Mapping

from tutelage.records import WorkedExample
from tutelage.tasks.published.examples import MORE
from tutelage.tasks.worked import worked

EXAMPLES: Mapping[str, tuple[WorkedExample, ...]] = {
    "gsm8k": (
        worked(
            "A choir has 14 sopranos and half as many tenors. Each singer needs 3 song sheets. How many song sheets "
            "does the choir need?",
            "There are 14 / 2 = 7 tenors.\nThe choir has 14 + 7 = 21 singers.\nThey need 21 * 3 = 63 song sheets.",
            "63",
        ),
        worked(
            "Nadia rents a bicycle for $6 plus $4 an hour. She has $30 and wants to keep $8 for lunch. For how many "
            "hours can she rent it?",
            "Nadia can spend 30 - 8 = $22.\nAfter the fixed price she has 22 - 6 = $16 left.\n"
            "That pays for 16 / 4 = 4 hours.",
            "4",
        ),
        worked(
            "A water tank of 240 litres is one third full. A pump adds 20 litres a minute. How many minutes until the "
            "tank is full?",
            "The tank holds 240 / 3 = 80 litres now.\nIt needs 240 - 80 = 160 litres more.\n"
            "The pump takes 160 / 20 = 8 minutes.",
            "8",
        ),
        worked(
            "A theatre sells 120 tickets at $15. On Sunday the price is 20% lower and it sells 150 tickets. How much "
            "does it take on both days together?",
            "On the first day it takes 120 * 15 = $1800.\nOn Sunday a ticket costs 15 * 0.8 = $12.\n"
            "On Sunday it takes 150 * 12 = $1800.\nTogether that is 1800 + 1800 = $3600.",
            "3600",
        ),
    ),
    "svamp": (
        worked(
            "A ferry carried 58 cars in the morning and 34 lorries in the afternoon. It carried 21 cars in the "
            "evening. How many cars did the ferry carry?",
            "The question is about cars only. 58 + 21 = 79.",
            "79",
        ),
        worked(
            "Each tray holds 12 muffins. The baker filled 7 trays and ate 2 biscuits. How many muffins are on the "
            "trays?",
            "The biscuits don't matter. 7 * 12 = 84.",
            "84",
        ),
        worked(
            "Oskar had some marbles. He lost 15 of them and has 27 left. How many marbles did Oskar have at first?",
            "What he lost and what is left make up what he had. 15 + 27 = 42.",
            "42",
        ),
        worked(
            "There are 96 chairs in 8 equal rows and 5 tables. How many chairs are in a row?",
            "The tables don't matter. 96 / 8 = 12.",
            "12",
        ),
    ),
    "multiarith": (
        worked(
            "Priya picked 25 lemons and 17 limes. She used 12 of the fruits for juice. How many fruits are left?",
            "She picked 25 + 17 = 42 fruits. Then 42 - 12 = 30 are left.",
            "30",
        ),
        worked(
            "A museum guide leads 4 groups of 9 visitors. Then 6 visitors go home. How many visitors stay?",
            "There are 4 * 9 = 36 visitors. Then 36 - 6 = 30 stay.",
            "30",
        ),
        worked(
            "A gardener bought 50 bulbs. 14 of them were rotten. She planted the rest in 4 equal rows. How many bulbs "
            "are in a row?",
            "There were 50 - 14 = 36 good bulbs. A row has 36 / 4 = 9.",
            "9",
        ),
        worked(
            "A ticket for the funfair costs 6 dollars. How much do 3 adults and 5 children pay, if all pay the same?",
            "There are 3 + 5 = 8 people. They pay 8 * 6 = 48 dollars.",
            "48",
        ),
    ),
    "commonsense_qa": (
        worked(
            "Where would a traveller leave a suitcase for a few hours before the train departs?",
            "A traveller before a departure is at the station. Stations have lockers where luggage is left for some "
            "hours.",
            "C",
            "kitchen", "swimming pool", "station locker", "dentist", "garden shed",
        ),
        worked(
            "What does a candle need in order to keep burning?",
            "Burning uses up oxygen, which comes from the air. Water would put the flame out, and the rest is not "
            "needed.",
            "A",
            "air", "water", "music", "a mirror", "darkness",
        ),
        worked(
            "If a shirt has become too small for a growing child, what might the parents do with it?",
            "A shirt that is too small is of no use to the child, but a smaller child can still wear it.",
            "E",
            "cook it", "paint a wall", "plant it", "read it aloud", "give it to a cousin",
        ),
        worked(
            "Why might a driver turn on the lights at noon?",
            "At noon it is usually bright. Lights are needed when one can't see far, as in thick fog.",
            "B",
            "strong sun", "thick fog", "cheap petrol", "loud radio", "empty seats",
        ),
    ),
    "strategy_qa": (
        worked(
            "Could a giraffe stand upright in a common living room?",
            "A grown giraffe is more than four metres tall. The ceiling of a common living room is at about two and a "
            "half metres.",
            "no",
        ),
        worked(
            "Would a letter posted in Lisbon cross water on its way to Iceland?",
            "Lisbon is on the European mainland. Iceland is an island in the Atlantic. Whatever reaches it crosses "
            "the sea.",
            "yes",
        ),
        worked(
            "Can a chess player lose a queen and still win the game?",
            "A game of chess is decided by checkmate of the king. Losing the queen doesn't end it, and other pieces "
            "can give checkmate.",
            "yes",
        ),
        worked(
            "Did Mozart ever listen to a gramophone record of his own music?",
            "Mozart died in 1791. The gramophone was invented in the 1880s, long after his death.",
            "no",
        ),
    ),
    "leg_counting": (
        worked(
            "Ann draws 2 cows and 5 ducks. How many legs does she draw in total?",
            "2 cows: 2 × 4 = 8. 5 ducks: 5 × 2 = 10. 8 + 10 = 18.",
            "18",
        ),
        worked(
            "Ann draws 3 spiders, 1 horse and 4 ants. How many legs does she draw in total?",
            "3 spiders: 3 × 8 = 24. 1 horse: 1 × 4 = 4. 4 ants: 4 × 6 = 24. 24 + 4 = 28. 28 + 24 = 52.",
            "52",
        ),
        worked(
            "Ann draws 6 crabs and 7 snakes. How many legs does she draw in total?",
            "6 crabs: 6 × 10 = 60. 7 snakes: 7 × 0 = 0. 60 + 0 = 60.",
            "60",
        ),
    ),
    "chain_sum": (
        worked("What is 8 + 15 - 4?", "8 + 15 = 23. 23 - 4 = 19.", "19"),
        worked("What is 31 - 40?", "31 - 40 = -9.", "-9"),
        worked("What is 62 + 7 + 19 - 25?", "62 + 7 = 69. 69 + 19 = 88. 88 - 25 = 63.", "63"),
    ),
    "common_divisor": (
        worked(
            "What is the greatest common divisor of 84 and 30?",
            "84 = 2 × 30 + 24. 30 = 1 × 24 + 6. 24 = 4 × 6 + 0. The last divisor is 6.",
            "6",
        ),
        worked(
            "What is the greatest common divisor of 45 and 15?", "45 = 3 × 15 + 0. The last divisor is 15.", "15"
        ),
        worked(
            "What is the greatest common divisor of 50 and 21?",
            "50 = 2 × 21 + 8. 21 = 2 × 8 + 5. 8 = 1 × 5 + 3. 5 = 1 × 3 + 2. 3 = 1 × 2 + 1. 2 = 2 × 1 + 0. "
            "The last divisor is 1.",
            "1",
        ),
    ),
    "shopping": (
        worked("Ben buys 4 pens at $3 each. How many dollars does Ben pay?", "4 pens: 4 × 3 = 12.", "12"),
        worked(
            "Grace buys 2 lamps at $11 each and 5 cups at $4 each. How many dollars does Grace pay?",
            "2 lamps: 2 × 11 = 22. 5 cups: 5 × 4 = 20. 22 + 20 = 42.",
            "42",
        ),
        worked(
            "Hugo buys 3 books at $8 each and 1 kite at $6 each and pays with a $50 note. How many dollars does Hugo "
            "get back?",
            "3 books: 3 × 8 = 24. 1 kite: 1 × 6 = 6. 24 + 6 = 30. 50 - 30 = 20.",
            "20",
        ),
    ),
    "leap_year": (
        worked("Is 1988 a leap year?", "1988 = 4 × 497 + 0, so 4 divides 1988. It does not end in 00.", "yes"),
        worked("Is 2019 a leap year?", "2019 = 4 × 504 + 3, so 4 does not divide 2019.", "no"),
        worked(
            "Is 2100 a leap year?",
            "2100 = 4 × 525 + 0, so 4 divides 2100. It ends in 00. 2100 = 400 × 5 + 100, so 400 does not divide 2100.",
            "no",
        ),
    ),
    "gsm_symbolic": (
        worked(
            "A ferry makes 6 trips a day with 35 passengers each. How many passengers does it carry in 4 days?",
            "In a day it carries 6 * 35 = 210 passengers.\nIn 4 days it carries 4 * 210 = 840 passengers.",
            "840",
        ),
        worked(
            "Tara knits 5 scarves from 3 balls of wool each and has 4 balls left. How many balls of wool did she have?",
            "The scarves took 5 * 3 = 15 balls of wool.\nSo she had 15 + 4 = 19 balls.",
            "19",
        ),
        worked(
            "A cinema has 200 seats, 65% of which are taken. How many seats are free?",
            "There are 200 * 65/100 = 130 seats taken.\nSo 200 - 130 = 70 seats are free.",
            "70",
        ),
    ),
    **MORE,
}  # fmt: skip
