from tutelage.student.decoding import SamplingSettings
from tutelage.student.prompts import PromptFormat
from tutelage.student.sampling import TorchSampler

QUESTIONS = ["1 + 1?", "What is three times four?", "x", "How many legs have 2 cows and a hen?"]


def ask(student, settings, format=None, told=None):
    format = format or PromptFormat(student.tokenizer)
    prompts = [format.prompt(question) for question in QUESTIONS]
    advance = told.append if told is not None else lambda _: None
    return TorchSampler(student, format).sample(prompts, [11, 12, 13, 14], settings, advance)


def test_answers_come_in_order_whatever_the_batch_size(student):
    settings = [SamplingSettings(samples=2, temperature=1.0, max_new_tokens=8, batch_size=n) for n in (2, 4, 64)]
    answers = [ask(student, setting) for setting in settings]
    assert answers[0] == answers[1] == answers[2]
    assert [len(samples) for samples in answers[0]] == [2, 2, 2, 2]


def test_progress_counts_prompts(student):
    told: list[int] = []
    ask(student, SamplingSettings(samples=2, temperature=1.0, max_new_tokens=2, batch_size=6), told=told)
    assert sum(told) == len(QUESTIONS)
    assert len(told) == 2


def test_length_and_stop_are_told_apart(student):
    cut = ask(student, SamplingSettings(max_new_tokens=3))
    assert all(answer.finish == "length" and answer.tokens == 3 for (answer,) in cut)
    student.model.generation_config.eos_token_id = list(range(len(student.tokenizer)))
    ended = ask(student, SamplingSettings(max_new_tokens=3))
    assert all(answer.finish == "stop" and answer.tokens == 1 for (answer,) in ended)


def test_an_answer_ends_where_a_next_question_begins(student):
    sampler = TorchSampler(student, PromptFormat(student.tokenizer))
    tokens = student.tokenizer("so 7.\nThe answer is 7.\n\nQuestion: and").input_ids
    assert sampler._holds_stop_string(tokens)
    assert not sampler._holds_stop_string(tokens[:-14])
    completion = sampler._completion(tokens, frozenset())
    assert (completion.text, completion.finish) == ("so 7.\nThe answer is 7.\n", "stop")
