"""A student trained with LoRA, taken apart into an adapter again: PEFT makes the same student of it."""

import pytest
import torch

from tests.student.tiny import tiny_folder, tiny_student
from tutelage.config import StudentConfig
from tutelage.errors import StudentError
from tutelage.student.adapter import write_adapter
from tutelage.student.model import save_student


def changed(folder, rank: int, *names: str):
    """The tiny student with a change of this rank in its linear layers of these names."""
    student = tiny_student()
    torch.manual_seed(1)
    with torch.no_grad():
        for path, module in student.model.named_modules():
            if path.endswith(names):
                module.weight += (
                    0.1 * torch.randn(module.weight.shape[0], rank) @ torch.randn(rank, module.weight.shape[1])
                )
    save_student(student, folder)
    return folder


@pytest.mark.filterwarnings("ignore")
def test_peft_makes_the_same_student_of_it(tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = tiny_folder(tmp_path / "base")
    taught = changed(tmp_path / "taught", 4, "q_proj", "down_proj")
    names = write_adapter(StudentConfig(model=str(base)), "me/base", taught, 4, tmp_path / "adapter")
    assert sorted(path.name for path in (tmp_path / "adapter").iterdir() if path.name != "README.md") == names
    assert '"base_model_name_or_path": "me/base"' in (tmp_path / "adapter" / "adapter_config.json").read_text()
    joined = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), tmp_path / "adapter").eval()
    ids = torch.arange(2, 40)[None]
    with torch.no_grad():
        theirs, ours = joined(ids).logits, AutoModelForCausalLM.from_pretrained(taught).eval()(ids).logits
    assert torch.allclose(theirs, ours, atol=1e-4)


def test_what_is_no_adapter_is_refused(tmp_path):
    base = StudentConfig(model=str(tiny_folder(tmp_path / "base")))
    with pytest.raises(StudentError, match="has a higher rank than 2; push the student's weights instead"):
        write_adapter(base, "me/base", changed(tmp_path / "high", 8, "q_proj"), 2, tmp_path / "adapter")
    with pytest.raises(StudentError, match="is no adapter of me/base: nothing has changed"):
        write_adapter(base, "me/base", tiny_folder(tmp_path / "same"), 2, tmp_path / "adapter")
    other = tiny_folder(tmp_path / "other", seed=3)
    with pytest.raises(StudentError, match=r"has changed, too|has a higher rank"):
        write_adapter(base, "me/base", other, 2, tmp_path / "adapter")
