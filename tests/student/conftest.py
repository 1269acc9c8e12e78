from collections.abc import Generator

import pytest
import torch

from tests.student.tiny import tiny_student
from tutelage.student.model import LoadedModel
from tutelage.student.prompts import PromptFormat


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)  # the tiny models are faster without a second one


@pytest.fixture
def float64() -> Generator[None]:
    """New tensors are float64 where nothing is said."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture
def student() -> LoadedModel:
    return tiny_student()


@pytest.fixture
def exact() -> LoadedModel:
    """The same in float64."""
    return tiny_student(dtype=torch.float64)


@pytest.fixture
def format(student: LoadedModel) -> PromptFormat:
    return PromptFormat(student.tokenizer)


@pytest.fixture
def memory(monkeypatch):
    """Sets how many bytes are to be had."""

    def there_are(size):
        for fit in ("training", "engines"):
            monkeypatch.setattr(f"tutelage.student.{fit}.fit.available_memory", lambda device: size)

    return there_are
