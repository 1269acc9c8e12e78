"""Published benchmarks: from a local folder in the authors' format, or from the hub in the hub's format.

gsm8k           {"question": "…", "answer": "48/2 = <<48/2=24>>24 clips.\\n#### 24"}
svamp           {"Body": "A pack costs 76 dollars", "Question": "How …?", "Answer": 51.0, "Equation": "( 76.0 - 25.0 )"}
multiarith      {"sQuestion": " Ann had 32 pens … ", "lSolutions": [39.0], "lEquations": ["X=((32.0+42.0)-35.0)"]}
commonsense_qa  {"question": {"stem": "…", "choices": [{"label": "A", "text": "bank"}, …]}, "answerKey": "A"}
strategy_qa     {"input": "Would a pear sink in water?", "target_scores": {"Yes": 0, "No": 1}, "target": "No. The …"}

The rows of the others are in `mathematics.py` and `bigbench.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from tutelage.records import AnswerKind, Problem, TextMatch
from tutelage.tasks.published.bigbench import date_understanding
from tutelage.tasks.published.gold import fold, gold
from tutelage.tasks.published.mathematics import aqua, asdiv, math_500
from tutelage.tasks.rows import Row

_CALCULATOR_MARK = re.compile(r"<<[^<>]*>>")
_FLOAT = re.compile(r"(?<![0-9.])([0-9]+)\.0+(?![0-9])")


@dataclass(frozen=True, slots=True)
class Hub:
    """A benchmark's name on the Hugging Face hub, and which of its splits are train and test.

    `train` None: its only split is divided. `train_from` is another data set with the split train, in the same form.
    """

    name: str
    config: str | None = None
    test: Literal["test", "validation"] = "test"
    train: str | None = "train"
    train_from: str | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The files of a benchmark and how a row is read, in the authors' and in the hub's format.

    `files` are train and test, or one file that a split file divides. `rows` names the list of rows in a JSON file.
    `lines`: the files are JSON Lines, whatever they are called. `problem` gives None for a row that is left out.
    `match` is how answers in words are compared.
    """

    kind: AnswerKind
    files: tuple[str, ...]
    hub: Hub
    problem: Callable[[Row], Problem | None]
    rows: str | None = None
    match: TextMatch | None = None
    lines: bool = False


def gsm8k(row: Row) -> Problem:
    """A GSM8K row: the worked solution without calculator marks, and the answer after ####."""
    steps, marker, answer = row.text("answer").rpartition("####")
    if not marker:
        row.fail("answer", f"no '#### ' before the final answer in {row.text('answer')[-60:]!r}")
    rationale = _CALCULATOR_MARK.sub("", steps).strip()
    return Problem.of(row.text("question"), gold(row, "answer", "number", answer), rationale=rationale or None)


def svamp(row: Row) -> Problem:
    """A SVAMP row: body and question, joined by a full stop if the body has none."""
    body, question = row.text("Body"), row.text("Question")
    stop = "" if body[-1] in ".!?" else "."
    answer = gold(row, "Answer", "number", row.scalar("Answer"))
    return Problem.of(fold(f"{body}{stop} {question}"), answer, equation=tidy_equation(row.text("Equation")))


def multiarith(row: Row) -> Problem:
    """A MultiArith row; the hub form has no equation."""
    if "sQuestion" not in row.data:
        return Problem.of(fold(row.text("question")), gold(row, "final_ans", "number", row.scalar("final_ans")))
    solution, equation = (_single(row, field) for field in ("lSolutions", "lEquations"))
    return Problem.of(
        fold(row.text("sQuestion")),
        gold(row, "lSolutions", "number", solution),
        equation=tidy_equation(equation),
    )


def commonsense_qa(row: Row) -> Problem:
    """A CommonsenseQA row: the answer is the label of a choice."""
    nested = isinstance(row.value("question"), Mapping)
    choices = row.choices("question.choices" if nested else "choices")
    question = row.text("question.stem" if nested else "question")
    return Problem.of(question, gold(row, "answerKey", "choice", row.text("answerKey"), choices), choices=choices)


def strategy_qa(row: Row) -> Problem:
    """A StrategyQA row: yes or no, and the facts as the rationale."""
    if "input" not in row.data:
        facts = row.optional("facts")
        rationale = (
            " ".join(map(str, cast(list[Any], facts))) if isinstance(facts, list) else row.optional_text("facts")
        )
        answer = gold(row, "answer", "yes-no", row.scalar("answer"))
        return Problem.of(row.text("question"), answer, rationale=rationale or None)
    verdict, _, facts = row.text("target").partition(". ")
    answer = gold(row, "target", "yes-no", verdict)
    scores = row.value("target_scores")
    if not isinstance(scores, Mapping) or cast(Any, scores).get("Yes") != (1 if answer == "yes" else 0):
        row.fail("target_scores", f"does not agree with target {verdict!r}")
    return Problem.of(row.text("input"), answer, rationale=facts.strip() or None)


def tidy_equation(equation: str) -> str:
    """The right side only, integers without decimals: "X=((32.0+42.0)-35.0)" gives "((32+42)-35)"."""
    expression = _FLOAT.sub(r"\1", equation.rpartition("=")[2])
    return re.sub(r"(?<=\()\s+|\s+(?=\))", "", expression).strip()


BENCHMARKS: Mapping[str, Benchmark] = {
    "gsm8k": Benchmark("number", ("train.jsonl", "test.jsonl"), Hub("openai/gsm8k", "main"), gsm8k),
    "svamp": Benchmark("number", ("SVAMP.json",), Hub("ChilleD/SVAMP"), svamp),
    "multiarith": Benchmark("number", ("MultiArith.json",), Hub("ChilleD/MultiArith"), multiarith),
    "commonsense_qa": Benchmark(
        "choice",
        ("train_rand_split.jsonl", "dev_rand_split.jsonl"),
        Hub("tau/commonsense_qa", test="validation"),  # the test split has no answers
        commonsense_qa,
    ),
    "strategy_qa": Benchmark("yes-no", ("task.json",), Hub("ChilleD/StrategyQA"), strategy_qa, rows="examples"),
    "math_500": Benchmark(
        "text",
        ("train.jsonl", "test.jsonl"),
        Hub("HuggingFaceH4/MATH-500", train_from="DigitalLearningGmbH/MATH-lighteval"),  # which has no train
        math_500,
        match="math",
    ),
    "aqua": Benchmark("choice", ("train.json", "test.json"), Hub("deepmind/aqua_rat", "raw"), aqua, lines=True),
    "asdiv": Benchmark("number", ("ASDiv.xml",), Hub("EleutherAI/asdiv", test="validation", train=None), asdiv),
    "date_understanding": Benchmark(
        "choice",
        ("task.json",),
        Hub("tasksource/bigbench", "date_understanding", test="validation"),
        date_understanding,
        rows="examples",
    ),
}


def _single(row: Row, field: str) -> str:
    value = row.value(field)
    if not isinstance(value, list) or len(cast(list[Any], value)) != 1:
        row.fail(field, f"expected a list of one value, found {value!r}")
    return str(cast(list[Any], value)[0])
