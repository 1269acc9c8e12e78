"""The tables of students by size: docs/students.md has what the tool computes."""

import re
from pathlib import Path

import torch

from tools.students_table import (
    MEASURED,
    STUDENTS,
    _costs,
    _count,
    begin_with,
    memory,
    parameters,
    seconds_on_cpu,
    seconds_on_gpu,
)
from tutelage.config.file import parse_config

PAGE = (Path(__file__).parents[1] / "docs" / "students.md").read_text(encoding="utf-8")


def test_the_page_has_the_sizes_of_the_published_shapes():
    for student in STUDENTS:
        assert f"| `{student.name}` | {student.kind} | {_count(parameters(student))} | {student.licence} |" in PAGE
    assert parameters(STUDENTS[4]) == 596_049_920  # as the card of Qwen3-0.6B has it, rounded


def test_the_page_names_settings_that_there_are():
    advice = {begin_with(parameters(student)) for student in STUDENTS}
    for name, value in {pair for text in advice for pair in re.findall(r"`([\w.]+): (\S+)`", text)}:
        parse_config({"task": {"name": "gsm8k"}}, [f"{name}={value}"])
    assert all(text in PAGE for text in advice)


def test_the_page_has_the_costs_of_the_smallest():
    smallest = STUDENTS[0]
    assert smallest.name == MEASURED
    assert f"| {' | '.join(_costs(smallest, {MEASURED: parameters(smallest)}))} |" in PAGE


def test_memory_and_time_grow_as_they_must():
    small, large = STUDENTS[0], STUDENTS[3]
    assert 16 * parameters(small) < memory(small, torch.float32) < memory(large, torch.float32)  # weights, gradients, …
    assert seconds_on_cpu(200, 100) == 2 * seconds_on_cpu(100, 100)
    assert seconds_on_gpu(200) > seconds_on_gpu(100)
