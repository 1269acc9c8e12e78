"""Students that can't be asked or taught: templates, tokenizers, adapters."""

import pytest
import torch
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, MixtralConfig, Qwen3MoeConfig

from tests.student.architectures import HEADS, SMALL
from tests.student.tiny import tiny_student, tiny_tokenizer
from tutelage.config import LoraConfig
from tutelage.errors import StudentError
from tutelage.student.prompts import PromptFormat
from tutelage.student.training.adapters import add_adapters


def chat(template: str) -> PromptFormat:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    return PromptFormat(tokenizer, chat=True)


LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ 'x' * 10**10 }}", "writes more than 1,000,000 characters"),
        ("{{ messages[0].content * 10**6 }}", "writes more than"),
        ("{{ '%1000000000d' % 3 }}", "writes more than"),
        (LOOP + "x{% endfor %}{% endfor %}", "writes more than"),
        ("{% set n = 10**8 %}{% set m = 3 ** (n * 10) %}{{ messages[0].content }}", "takes more than 5 s"),
        ("{{ messages[0].content }}{% if no %}{{ 'x' * 10**10 }}{% endif %}", "writes more than"),  # Jinja folds it
        ("{% for", "template fails"),
        ("{{ no.such.thing }}", "template fails"),
        ("{{ 1 // 0 }}", "template fails"),
        ("{{ raise_exception('no user here') }}", "template fails: no user here"),
        ("{% include 'x' %}", "template fails"),
        ("{{ ''.__class__.__mro__ }}", "template fails"),
        ("Tell me a number.", "leaves the question out"),
        ("", "no chat template"),
    ],
)
def test_a_template_that_no_prompt_comes_of(template, told):
    with pytest.raises(StudentError, match=told) as caught:
        chat(template).check()
    assert "\n" not in str(caught.value)


def test_a_template_that_writes_half_a_surrogate_pair():
    student = tiny_student()
    student.tokenizer.chat_template = "{{ '\\ud800' }}{{ messages[0].content }}"
    with pytest.raises(StudentError, match="chat template fails: 'utf-8' codec"):
        PromptFormat(student.tokenizer, chat=True).check()


def test_a_template_that_refuses_a_system_role_is_no_fault_nor_one_with_marks_of_its_own():
    refuses = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}{{ messages[-1].content }}"
    chat(refuses).check()
    chat("{{ strftime_now('%Y') }}{% generation %}{{ messages[-1].content }}{% endgeneration %}").check()


def test_a_tokenizer_that_appends_its_end_token():
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    with pytest.raises(StudentError, match="appends its end token"):
        PromptFormat(tokenizer).check()
    PromptFormat(tokenizer, chat=True).check()


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ([], "is empty"),
        (["nope"], "'nope', which the student does not have; its linear layers are down_proj, gate_proj"),
        (["q_proj", "FAKE"], "'FAKE', which the student does not have"),
        (["norm"], "'norm', which is no linear layer"),
        (["embed_tokens"], "'embed_tokens', which is no linear layer"),
        (["mlp"], "'mlp', which is no linear layer"),
        ([""], "which is no linear layer"),
        (["lm_head"], "tied to the student's embeddings"),
        (["q_proj", "lm_head"], "tied to the student's embeddings"),
    ],
)
def test_adapters_that_fit_nothing(targets, told):
    with pytest.raises(StudentError, match=told):
        add_adapters(tiny_student().model, LoraConfig(targets=targets))


@pytest.mark.parametrize(
    "config",
    [
        MixtralConfig(**SMALL, **HEADS, num_local_experts=2),
        Qwen3MoeConfig(**SMALL, **HEADS, head_dim=8, num_experts=2, num_experts_per_tok=1, moe_intermediate_size=16),
    ],
)
def test_experts_have_no_adapters(config):
    """PEFT would put them on tensors of all experts, which no adapter of a linear layer can be added to."""
    with torch.device("meta"):
        one, other = (AutoModelForCausalLM.from_config(config) for _ in range(2))
    with pytest.raises(StudentError, match=rf"reach into the experts of a model of type '{config.model_type}'"):
        add_adapters(one, LoraConfig())
    add_adapters(other, LoraConfig(targets=["q_proj", "k_proj", "v_proj", "o_proj"]))


def test_adapters_on_an_output_layer_of_its_own_are_merged_as_they_were_trained():
    model = tiny_student().model
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    adapted = add_adapters(model, LoraConfig(rank=2, targets=["lm_head", "q_proj"]))
    for weight in adapted.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight)
    ids = torch.tensor([[3, 4, 5]])
    trained = adapted(input_ids=ids).logits
    assert torch.allclose(adapted.merge_and_unload()(input_ids=ids).logits, trained, rtol=1e-3, atol=1e-2)
