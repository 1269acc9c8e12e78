import pytest

from tutelage.errors import StudentError
from tutelage.records import Choice, Problem, TrainingExample, WorkedExample
from tutelage.student.prompts import PromptFormat, question_of

SHOTS = (WorkedExample("1 + 1?", "1 + 1 = 2\nThe answer is 2."),)


def test_plain_prompt_to_the_letter(student):
    prompt = PromptFormat(student.tokenizer, SHOTS).prompt("2 + 3?")
    assert prompt == "Question: 1 + 1?\nAnswer: 1 + 1 = 2\nThe answer is 2.\n\nQuestion: 2 + 3?\nAnswer:"


def test_chat_prompt_goes_through_the_template(student):
    prompt = PromptFormat(student.tokenizer, SHOTS, chat=True).prompt("2 + 3?")
    assert prompt == "<s>user: 1 + 1?</s><s>assistant: 1 + 1 = 2\nThe answer is 2.</s><s>user: 2 + 3?</s><s>"


@pytest.mark.parametrize("chat", [False, True])
def test_a_completion_ends_with_the_end_token_and_reads_as_it_was(student, chat):
    ids = PromptFormat(student.tokenizer, chat=chat).completion_ids("  4 × 3 = 12\nThe answer is 12. ")
    assert ids[-1] == student.tokenizer.eos_token_id
    assert student.tokenizer.decode(ids[:-1]) == ("" if chat else " ") + "4 × 3 = 12\nThe answer is 12."


def test_stop_strings_only_where_there_are_no_turns(student):
    assert PromptFormat(student.tokenizer).stop_strings == ("\nQuestion:",)
    assert PromptFormat(student.tokenizer, chat=True).stop_strings == ()


def test_chat_without_a_template_is_the_users_fault(student):
    student.tokenizer.chat_template = None
    with pytest.raises(StudentError, match="no chat template"):
        PromptFormat(student.tokenizer, chat=True)


def test_a_tokenizer_without_an_end_is_refused(student):
    student.tokenizer.eos_token = None
    with pytest.raises(StudentError, match="no end token"):
        PromptFormat(student.tokenizer)


MISTAKEN = TrainingExample(Problem.of("2 + 3?", "5"), "It is 5.", corrects=" 2 + 3 = 6\nThe answer is 6. ")
CORRECTION = (
    "2 + 3?\n\nThis answer is wrong:\n2 + 3 = 6\nThe answer is 6.\n\nFind what is wrong in it, and put it right."
)


def test_a_row_that_corrects_asks_for_it_to_the_letter(student):
    assert question_of(MISTAKEN) == CORRECTION
    prompt = PromptFormat(student.tokenizer, SHOTS).prompt(question_of(MISTAKEN))
    assert prompt == f"Question: 1 + 1?\nAnswer: 1 + 1 = 2\nThe answer is 2.\n\nQuestion: {CORRECTION}\nAnswer:"


def test_other_rows_ask_the_question():
    chosen = Problem.of("Which?", "A", choices=(Choice("A", "this"), Choice("B", "that")))
    assert question_of(TrainingExample(chosen, "A.")) == "Which?\n(A) this\n(B) that"


@pytest.mark.parametrize("chat", [False, True])
def test_many_texts_are_tokenized_as_one_is(student, chat):
    format, texts = PromptFormat(student.tokenizer, chat=chat), ["2 + 3?", "", "Än så länge\n", "2 + 3?"]
    ids = student.tokenizer(format.prompt("2 + 3?"), add_special_tokens=not chat).input_ids
    assert format.all_prompt_ids(texts)[0] == list(ids)
    assert format.all_prompt_ids(texts) == [format.prompt_ids(format.prompt(text)) for text in texts]
    assert format.all_completion_ids(texts) == [format.completion_ids(text) for text in texts]
    assert format.all_prompt_ids([]) == format.all_completion_ids([]) == []


BELOW = Problem.of("2 + 3?", "5", system="Be brief.")


def test_a_system_message_stands_at_the_top_of_a_plain_prompt(student):
    format = PromptFormat(student.tokenizer, SHOTS)
    assert format.prompt(BELOW.text) == f"Be brief.\n\n{format.prompt('2 + 3?')}"
    corrects = TrainingExample(BELOW, "It is 5.", corrects=MISTAKEN.corrects)
    assert format.prompt(question_of(corrects)) == f"Be brief.\n\n{format.prompt(CORRECTION)}"


@pytest.mark.parametrize(
    ("template", "prompt"),
    [
        ("{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}", "[system]Be brief.[user]2 + 3?"),
        (
            "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
            "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}",
            "[user]Be brief.\n\n2 + 3?",
        ),
        (
            "{% for m in messages if m.role != 'system' %}[{{ m.role }}]{{ m.content }}{% endfor %}",
            "[user]Be brief.\n\n2 + 3?",
        ),
    ],
)
def test_a_chat_template_gets_it_as_such_if_it_takes_it(student, template, prompt):
    student.tokenizer.chat_template = template
    assert PromptFormat(student.tokenizer, chat=True).prompt(BELOW.text) == prompt
