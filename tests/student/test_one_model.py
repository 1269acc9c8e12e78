"""One model is in memory, never less precise than it is asked for."""

import torch

from tests.student.tiny import tiny_student
from tutelage.student.model import LoadedModel
from tutelage.student.one_model import OneModel


def test_a_model_that_was_read_in_16_bits_is_read_again_where_others_are_asked_for():
    memory = OneModel()

    def load(dtype: torch.dtype) -> LoadedModel:
        return tiny_student(dtype=dtype)

    def held(dtype: torch.dtype) -> torch.dtype:
        return memory.hold("key", dtype, load).model.dtype

    asked = (torch.float16, torch.float32, torch.bfloat16, torch.float16, torch.bfloat16, torch.float32)
    found = [held(dtype) for dtype in asked]
    finer = torch.float32  # what is held besides, and serves as well
    assert found == [torch.float16, torch.float32, torch.bfloat16, finer, torch.bfloat16, torch.float32]
    memory.release()
    assert [held(torch.float16), memory.take("key", torch.float32, load).model.dtype] == [torch.float16, torch.float32]
    assert [held(torch.bfloat16), held(torch.float32)] == [torch.bfloat16, torch.float32], "read in bfloat16 alone"
