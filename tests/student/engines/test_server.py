"""The `server` engine against a real server of a tiny student, with its faults. No test waits for a retry."""

import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.student.engines.sampled import answers
from tests.student.engines.student_server import StudentHost, broken_off
from tests.student.tiny import tiny_folder, tiny_tokenizer
from tutelage.errors import StudentError
from tutelage.student.engines.server import http
from tutelage.student.engines.server.check import PROBING, fault_of_text, fault_of_weights, log_probabilities
from tutelage.student.engines.server.http import ServerHttp
from tutelage.student.engines.server.sampler import ServerSampler
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.engines.vllm import attempt_seed
from tutelage.student.sampler import SamplingSettings, StopCriteria
from tutelage.testing.server import Response, ok, refusal

PROMPTS = [(0, 50, 60, 70), (0, 50, 61), (0, 50, 60, 70, 80, 90), (0, 99)]
DRAWN = SamplingSettings(samples=2, temperature=1.0, max_new_tokens=8, rows=3)
VOCABULARY = len(tiny_tokenizer())
NEVER = StopCriteria(tiny_tokenizer(), frozenset())


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(http, "WAITS", (0.0, 0.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("served") / "tiny")


@pytest.fixture
def host(folder):
    with StudentHost(folder) as host:
        yield host


def sampler_of(host: StudentHost, ends: StopCriteria = NEVER, timeout: float = 60.0, **options) -> ServerSampler:
    return ServerSampler(ServerHttp(host.url, timeout, **options), "tiny", ends, VOCABULARY)


def refused(host: StudentHost, **options) -> str:
    with pytest.raises(StudentError) as caught:
        answers(sampler_of(host, **options), PROMPTS, DRAWN)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_greedy_answers_are_those_of_our_engine(host):
    greedy = SamplingSettings(samples=2, max_new_tokens=12)
    ours, _ = answers(SharedPrefixSampler(host.model, NEVER, 8), PROMPTS, greedy)
    theirs, cost = answers(sampler_of(host), PROMPTS, greedy)
    assert theirs == ours
    assert len(host.asked) == 4  # all attempts of a greedy answer are the same
    assert cost.computed_tokens == sum(map(len, PROMPTS)) + 4 * 12


def test_every_attempt_has_its_own_seed_and_is_the_same_in_any_company(host):
    drawn, _ = answers(sampler_of(host), PROMPTS, DRAWN)
    assert len({tuple(row) for rows in drawn for row in rows}) == 8
    assert host.most_at_once <= DRAWN.rows
    assert {body["seed"] for body in host.asked} == {attempt_seed(n, k) for n in (1, 2, 3, 4) for k in (0, 1)}
    assert all(body["prompt"] in map(list, PROMPTS) and body["temperature"] == 1.0 for body in host.asked)
    alone = [
        answers(sampler_of(host), [prompt], replace(DRAWN, rows=1), [n + 1])[0][0] for n, prompt in enumerate(PROMPTS)
    ]
    assert alone == drawn


def test_an_answer_ends_where_the_student_ends_it(host):
    once = SamplingSettings(temperature=1.0, max_new_tokens=12)
    (row,) = answers(sampler_of(host), PROMPTS[:1], once)[0][0]
    end, text = row[5], tiny_tokenizer().decode(row[5:7])
    for ends in (
        StopCriteria(tiny_tokenizer(), frozenset([end])),
        StopCriteria(tiny_tokenizer(), frozenset(), (text,)),
    ):
        (cut,) = answers(sampler_of(host, ends), PROMPTS[:1], once)[0][0]
        assert cut == next(row[:n] for n in range(1, 13) if ends(row[:n])) != row
        host.fault = lambda number, body: ok({"choices": [{"token_ids": row, "finish_reason": "length"}]})
        (late,) = answers(sampler_of(host, ends), PROMPTS[:1], once)[0][0]
        assert late == cut  # the server has not looked for the end itself
        host.fault = lambda number, body: None


def test_nobody_is_asked_nothing(host):
    assert answers(sampler_of(host), [], DRAWN)[0] == []
    assert host.asked == []


def choice(**fields) -> Response:
    return ok({"choices": [{"token_ids": [5] * 8, "finish_reason": "length", **fields}]})


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refusal(500, "boom"), "answers 500: boom"),
        (refusal(503, "loading"), "answers 503: loading"),
        (refusal(400, "prompt must be a string"), "answers 400: prompt must be a string; the server must serve 'tiny'"),
        (refusal(404, "no such model"), "take prompts of token ids"),
        (refusal(401, "no key"), "answers 401: no key"),
        (Response(200, b'{"choices": [{"te'), "answers with what is no completion"),
        (Response(200, b"<html>It works</html>"), r"OpenAI-compatible server, up to /v1"),
        (ok({"detail": "pong"}), "answers without a completion"),
        (ok({"choices": []}), "answers without a completion"),
        (ok([1, 2]), "answers with what is no completion"),
        (broken_off(), r"broke off \(tried 3 times\)"),
        (choice(token_ids=None), "gives no token_ids; take vLLM"),
        (choice(token_ids=[VOCABULARY]), f"tokens beyond the student's {VOCABULARY}"),
        (choice(token_ids=[1.5]), "tokens beyond"),
        (choice(prompt_token_ids=[1, 2]), "reads a prompt of 2 tokens where"),
        (choice(token_ids=[5, 6], finish_reason="stop"), "ended an answer after 2 of 8 tokens.*'stop'"),
        (choice(token_ids=[], finish_reason="abort"), "ended an answer after 0 of 8 tokens"),
    ],
)
def test_what_goes_wrong_for_good_is_one_line(host, answer, told):
    host.fault = lambda number, body: answer
    assert re.search(told, message := refused(host)), message


@pytest.mark.parametrize("passing", [refusal(500, "boom"), refusal(429, "later"), Response(200, b"{"), broken_off()])
def test_what_passes_is_asked_again(host, passing):
    expected, _ = answers(sampler_of(host), PROMPTS, DRAWN)
    asked = len(host.asked)
    host.fault = lambda number, body: passing if number % 2 else None
    assert answers(sampler_of(host), PROMPTS, replace(DRAWN, rows=1))[0] == expected
    assert len(host.asked) > asked + 8


def test_a_server_that_dies_in_the_midst_is_told_and_what_it_gave_is_kept(host):
    given = {}

    def dies(number, body):
        if number == 5:
            threading.Thread(target=host._server.stop).start()
            host._server._closing.wait()
            return broken_off()
        return None

    host.fault = dies
    with pytest.raises(StudentError, match=r"can't be reached|broke off") as caught:
        sampler_of(host).sample(PROMPTS, [1, 2, 3, 4], replace(DRAWN, rows=1), given.setdefault)
    assert "the same command then goes on" in str(caught.value)
    assert len(given) == 2


def test_a_slow_server_is_waited_for_as_long_as_the_settings_say(host):
    host.delay = 0.05
    assert len(answers(sampler_of(host), PROMPTS, DRAWN)[0]) == 4
    host.delay = 60.0
    assert "has not answered within 0.2 s; raise student.server_timeout" in refused(host, timeout=0.2)


def test_an_answer_without_end_is_not_read_to_its_end(host, monkeypatch):
    monkeypatch.setattr(http, "MOST_BYTES", 1000)
    host.fault = lambda number, body: Response(200, b" " * 2000)
    assert "its answer is longer than" in refused(host)


def test_the_key_is_sent_and_never_shown(host, monkeypatch):
    with pytest.raises(StudentError, match="environment variable MY_SERVER is not set"):
        sampler_of(host, key_env="MY_SERVER")
    monkeypatch.setenv("MY_SERVER", "secret-0123456789")
    host.fault = lambda number, body: refusal(401, "the key secret-0123456789 is wrong")
    assert "the key [key] is wrong" in refused(host, key_env="MY_SERVER")


def test_our_log_probabilities_are_those_of_the_definition(host):
    prompt, answer = PROMPTS[0], [7, 8, 9]
    with torch.no_grad():
        logits_TV = host.model(torch.tensor([[*prompt, *answer]])).logits[0]
    for place, (token, ours) in enumerate(zip(answer, log_probabilities(host.model, prompt, answer), strict=True)):
        expected = logits_TV[len(prompt) + place - 1].log_softmax(-1)[token]
        assert ours == pytest.approx(float(expected), abs=1e-5)
    assert log_probabilities(host.model, prompt, []) == []


def checked(host: StudentHost, model) -> str | None:
    attempts = sampler_of(host).attempts(PROMPTS, [1, 2, 3, 4], PROBING)
    return fault_of_text(attempts, NEVER) or fault_of_weights(model, PROMPTS, attempts)


def test_the_student_itself_agrees(host):
    assert checked(host, host.model) is None


def test_other_weights_are_seen(host, folder, tmp_path):
    ours = host.model
    with StudentHost(tiny_folder(tmp_path / "other", seed=1)) as other:
        assert "samples from another student: its log-probabilities of 128 tokens differ" in checked(other, ours)


def test_a_token_before_the_prompt_is_seen(host):
    ours = host.model
    with torch.no_grad():
        for layer in ours.model.layers:  # large weights: what stands before matters
            layer.self_attn.v_proj.weight.mul_(30)
            layer.self_attn.o_proj.weight.mul_(30)
    host.prompts = lambda prompt: [9, 9, 9, *prompt]
    assert "samples from another student" in checked(host, ours)


def test_another_tokenizer_is_seen(host):
    class Shifted:
        def decode(self, tokens, **options):
            return tiny_tokenizer().decode([2 + (token + 17) % (VOCABULARY - 2) for token in tokens])

    host.tokenizer = Shifted()
    assert "has another tokenizer" in checked(host, host.model)


def test_without_log_probabilities_nothing_can_be_checked(host):
    host.fault = lambda number, body: choice(token_ids=[5] * 32)
    with pytest.raises(StudentError, match="gives no log-probabilities"):
        checked(host, host.model)
