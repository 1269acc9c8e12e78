import pytest
import torch

from tests.student.tiny import tiny_student
from tutelage.student.model import Student
from tutelage.student.prompts import PromptFormat


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)  # the tiny models are faster without a second one


@pytest.fixture
def student() -> Student:
    return tiny_student()


@pytest.fixture
def format(student: Student) -> PromptFormat:
    return PromptFormat(student.tokenizer)
