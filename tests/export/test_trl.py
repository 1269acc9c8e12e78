"""One step of TRL's trainers on exported rows, with the tiny student."""

import pytest

from tests.export.made import two_rounds
from tutelage.export.export import export_run
from tutelage.runs.files import write_json

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def trl():
    return pytest.importorskip("trl", reason="TRL is not installed: pip install trl")


@pytest.fixture(params=["plain", "chat"])
def run(request, tmp_path):
    root = two_rounds(tmp_path / "mine")
    write_json(root / "student" / "tutelage.json", {"prompt": request.param, "examples": []})
    return root


def one_step(trainer, config, rows, tmp_path, tiny):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny), AutoTokenizer.from_pretrained(tiny)
    settings = config(
        output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=3, report_to="none", use_cpu=True,
        save_strategy="no", bf16=False, max_length=1024,
    )  # fmt: skip
    made = trainer(model, args=settings, train_dataset=rows, processing_class=tokenizer)
    return made, made.train(), tokenizer


def loaded(run, form, tmp_path):
    datasets = pytest.importorskip("datasets")
    export_run(run, form, tmp_path / form)
    return datasets.load_dataset(str(tmp_path / form), split="train", cache_dir=str(tmp_path / "cache"))


def test_sft_learns_the_rationale_and_its_end(run, tmp_path, trl, tiny):
    rows = loaded(run, "trl-sft", tmp_path)
    trainer, done, tokenizer = one_step(trl.SFTTrainer, trl.SFTConfig, rows, tmp_path, tiny)
    assert done.training_loss > 0
    first = trainer.train_dataset[0]
    learnt = [token for token, label in zip(first["input_ids"], first["labels"], strict=True) if label != -100]
    assert tokenizer.decode(learnt).endswith("a\nThe answer is 1.</s>")


def test_dpo_compares_a_rationale_with_a_mistake(run, tmp_path, trl, tiny):
    rows = loaded(run, "trl-dpo", tmp_path)
    trainer, done, tokenizer = one_step(trl.DPOTrainer, trl.DPOConfig, rows, tmp_path, tiny)
    assert done.training_loss == pytest.approx(0.693, abs=0.01)
    first = trainer.train_dataset[0]
    assert tokenizer.decode(first["chosen_ids"]).endswith("b\nThe answer is 1.</s>")
    assert tokenizer.decode(first["rejected_ids"]).endswith("wrong</s>")
