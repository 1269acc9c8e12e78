"""The class book against a slow, obvious one over the same rows; any text is a search."""

import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.view.index.runs import attempt, mistake, problem, reply, run_in, write
from tutelage.view.class_book import book_page
from tutelage.view.facts import COURSES, Filter
from tutelage.view.index.index import RunIndex

WORDS = ["pens", "Pens", "12", "3.5", "café", "don't", "苹果", "x_y", "naïve", "AND", "ΣΑΣ", "ﬁne", "-"]
KINDS = ["wrong plan", "format"]
SORTS = ["order", "question", "first", "last", "gain", "replies", "cost"]
texts = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
attempts = st.lists(st.tuples(st.booleans(), texts), max_size=3)
problems = st.lists(
    st.fixed_dictionaries(
        {
            "question": texts,
            "exams": st.lists(attempts, min_size=3, max_size=3),
            "kinds": st.lists(st.sampled_from(KINDS), max_size=2),
            "replies": st.lists(st.tuples(st.sampled_from([None, "wrong answer"]), texts), max_size=2),
        }
    ),
    min_size=1,
    max_size=6,
)
filters = st.builds(
    Filter,
    course=st.sampled_from([None, *COURSES]),
    kind=st.sampled_from([None, *KINDS, "no such kind"]),
    taught=st.sampled_from([None, True, False]),
    rejected=st.sampled_from([None, True, False]),
    search=texts,
    sort=st.sampled_from([*SORTS, *("-" + sort for sort in SORTS), "nonsense"]),
)


def write_run(folder: Path, given_problems) -> Path:
    run = run_in(folder)
    named = [(f"p{place}", each) for place, each in enumerate(given_problems)]
    write(run / "problems.jsonl", [problem(name, each["question"]) for name, each in named])
    for number in range(3):
        of_round = run / f"round-{number + 1:02d}"
        sat = [(name, each["exams"][number]) for name, each in reversed(named)]
        rows = [attempt(name, at, ok, said) for name, exam in sat for at, (ok, said) in enumerate(exam)]
        write(of_round / "exam.jsonl", rows)
    first = run / "round-01"
    write(first / "mistakes.jsonl", [mistake(name, 0, kind) for name, each in named for kind in each["kinds"]])
    write(first / "feedback.jsonl", [reply(name, *told) for name, each in named for told in each["replies"]])
    return run


def words(text: str) -> set[str]:
    """Runs of letters and digits; a Chinese character is a word."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    spaced = "".join(f" {char} " if "\u4e00" <= char <= "\u9fff" else char for char in folded)
    return set("".join(char if char.isalnum() else " " for char in spaced).split())


def course(exams) -> str:
    sat = [[ok for ok, _ in exam] for exam in exams if exam]
    if not sat:
        return "unseen"
    if all(all(exam) for exam in sat):
        return "always right"
    if not any(any(exam) for exam in sat):
        return "never right"
    first, last = (sum(exam) >= len(exam) / 2 for exam in (sat[0], sat[-1]))
    return "mixed" if first == last else "learnt" if last else "forgotten"


def slow_book(given_problems, wanted: Filter) -> list[str]:
    found = []
    for place, each in enumerate(given_problems):
        said = [each["question"], *(text for exam in each["exams"] for _, text in exam)]
        said += [text for _, text in each["replies"]]
        taught = sum(failure is None for failure, _ in each["replies"])
        rejected = len(each["replies"]) - taught
        if (
            wanted.course in (None, course(each["exams"]))
            and (wanted.kind is None or wanted.kind in each["kinds"])
            and wanted.taught in (None, taught > 0)
            and wanted.rejected in (None, rejected > 0)
            and words(wanted.search) <= words(" ".join(said))
        ):
            sat = [sum(ok for ok, _ in exam) / len(exam) for exam in each["exams"] if exam]
            keys = {
                "question": each["question"].casefold(),
                "first": sat[0] if sat else None,
                "last": sat[-1] if sat else None,
                "gain": sat[-1] - sat[0] if sat else None,
                "replies": taught + rejected,
                "cost": taught + rejected,
            }
            found.append((keys.get(wanted.sort.removeprefix("-"), place), place))
    known = sorted(((key, place) for key, place in found if key is not None), key=lambda each: each[1])
    known.sort(key=lambda each: each[0], reverse=wanted.sort.startswith("-"))
    return [f"p{place}" for _, place in known] + [f"p{place}" for key, place in found if key is None]


@settings(max_examples=25)
@given(problems, st.lists(filters, min_size=8, max_size=8))
def test_the_class_book_is_that_of_a_slow_one(given_problems, wanted):
    with tempfile.TemporaryDirectory() as scratch:
        run = write_run(Path(scratch) / "run", given_problems)
        with RunIndex.open(run) as index:
            assert index.wait().done
            for each in wanted:
                page = book_page(index, each)
                assert [row.id for row in page.rows] == slow_book(given_problems, each), each
            page = book_page(index, Filter())
    for row, each in zip(page.rows, given_problems, strict=True):
        assert row.course == course(each["exams"])
        sat = {f"exam-{number}": exam for number, exam in enumerate(each["exams"], start=1)}
        for sitting, cell in zip(page.exams, row.cells, strict=True):
            assert (cell.right, cell.total) == (sum(ok for ok, _ in sat[sitting.name]), len(sat[sitting.name]))
    assert sum(page.counts.values()) == len(given_problems)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    run = run_in(tmp_path_factory.mktemp("runs") / "run")
    write(
        run / "problems.jsonl", [problem(f"p{place:03d}", f'{place} "pens" AND (cups) NEAR\'') for place in range(120)]
    )
    with RunIndex.open(run) as opened:
        opened.wait()
        yield opened


@given(st.text(max_size=30))
def test_any_search_is_words(index, search):
    wanted = Filter(search=search)
    found = book_page(index, wanted).found
    expected = sum(words(search) <= words(f"{place} pens and cups near") for place in range(120))
    assert found == expected or "_" in search or not search.isascii()


@pytest.mark.parametrize(
    ("search", "found"),
    [
        *[('"', 120), ("pens*", 120), ("NEAR(pens", 120), ("said : pens", 0), ("pens OR", 0), ("^pens AND", 120)],
        *[("-", 120), ("a\0b", 0), ("pens\0cups", 120), ("'; --", 120), ("\ud800", 120), ("", 120), ("7 pens", 1)],
    ],
)
def test_operators_are_words(index, search, found):
    assert book_page(index, Filter(search=search)).found == found


def test_pages(index):
    page = book_page(index, Filter(), page=2)
    assert (page.found, page.page, page.pages) == (120, 2, 3)
    assert [row.id for row in page.rows] == [f"p{place:03d}" for place in range(50, 100)]
    assert book_page(index, Filter(), page=99).page == 3
    assert book_page(index, Filter(search="nothing"), page=0).pages == 1
