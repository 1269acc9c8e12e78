"""Exams are made to fit the memory there is, or refused with figures; the memory is patched, all else is real."""

import pytest

from tests.student.engines.sampled import NEVER, answers, asked
from tutelage.errors import StudentError
from tutelage.student.encoding import shared_prefix
from tutelage.student.engines.engine import Engine
from tutelage.student.engines.fit import fit_rows
from tutelage.student.resources.memory import kv_bytes_per_token
from tutelage.student.sampler import SamplingSettings

MB = 10**6


SETTINGS = SamplingSettings(samples=2, temperature=1.0, max_new_tokens=10, rows=8)


def row_bytes(model, prompts):
    longest = max(map(len, prompts)) - shared_prefix(prompts)
    return kv_bytes_per_token(model.config, 4) * (longest + 10) + 3 * 4 * model.config.vocab_size


def test_rows_are_as_many_as_fit_a_power_of_two_and_it_is_said(student, memory):
    prompts, told = asked(False), []
    each = row_bytes(student.model, prompts)
    for available, rows in [(9 * each, 8), (7 * each, 4), (3 * each, 2), (2 * each, 2)]:
        memory(available)
        told.clear()
        assert fit_rows(student.model, prompts, SETTINGS, told.append) == rows
        assert len(told) == (0 if rows == 8 else 1)
    assert told[0].startswith("2 answers are sampled at once: ")


def test_a_prefix_is_paid_once(student, memory):
    prompts = asked(True)
    prefix = kv_bytes_per_token(student.model.config, 4) * shared_prefix(prompts)
    each = row_bytes(student.model, prompts)
    memory(prefix + 8 * each)
    assert fit_rows(student.model, prompts, SETTINGS, pytest.fail) == 8
    memory(prefix + 8 * each - 1)
    assert fit_rows(student.model, prompts, SETTINGS, lambda text: None) == 4


def test_samples_of_a_problem_that_do_not_fit_are_refused_with_figures(student, memory):
    memory(row_bytes(student.model, asked(False)))
    with pytest.raises(
        StudentError, match=r"sampling 2 answers at once needs .*keys and values .*exam\.samples"
    ) as told:
        fit_rows(student.model, asked(False), SETTINGS, lambda text: None)
    assert "\n" not in str(told.value)


def test_fewer_rows_give_the_same_answers(student, memory):
    told: list[str] = []
    found = []
    for available in (10**12, 3 * row_bytes(student.model, asked(True))):
        memory(available)
        sampler = Engine("auto", told.append).torch(student.model, NEVER, asked(True), SETTINGS)
        found.append(answers(sampler, asked(True), SETTINGS)[0])
    assert found[0] == found[1]
    assert len(told) == 1
