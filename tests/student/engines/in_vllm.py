"""What the `vllm` engine does, run by a python that has vLLM: python -m tests.student.engines.in_vllm ASKED TOLD

ASKED is a JSON file with two students' folders, prompts and seeds; the answers go to the file TOLD.
"""

import json
import sys
from pathlib import Path

import psutil
from transformers import AutoTokenizer

from tutelage.errors import StudentError
from tutelage.student.engines.vllm import VllmOptions, VllmSampler
from tutelage.student.sampler import SamplingSettings, StopCriteria


class Told(dict):
    """Written at every step: what was there before a crash can be read."""

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        Path(sys.argv[2]).write_text(json.dumps(self))


def main(asked: dict) -> None:
    prompts, seeds = [tuple(prompt) for prompt in asked["prompts"]], asked["seeds"]
    first, second = map(Path, asked["folders"])
    tokenizer = AutoTokenizer.from_pretrained(first, local_files_only=True)
    greedy = SamplingSettings(max_new_tokens=asked["tokens"])
    drawn = SamplingSettings(samples=2, temperature=1.0, max_new_tokens=asked["tokens"])
    sampler = VllmSampler(first, StopCriteria(tokenizer, frozenset()), 16, VllmOptions("float32"))

    def answers(settings: SamplingSettings, chosen: list[int]) -> list[list[list[int]]]:
        found = {}
        sampler.sample([prompts[n] for n in chosen], [seeds[n] for n in chosen], settings, found.setdefault)
        return [found[n] for n in range(len(chosen))]

    every, told = list(range(len(prompts))), Told()
    told["greedy"] = [rows[0] for rows in answers(greedy, every)]
    told["drawn"] = answers(drawn, every)
    told["alone"] = [answers(drawn, [n])[0] for n in every]
    end = told["greedy"][0][3]
    sampler.ends = StopCriteria(tokenizer, frozenset([end]))
    told["end"], told["cut"] = end, answers(greedy, [0])[0][0]
    sampler.ends = StopCriteria(tokenizer, frozenset())
    sampler.sleep()
    sampler.load(second)
    told["next"] = [rows[0] for rows in answers(greedy, every)]
    for child in psutil.Process().children(recursive=True):
        child.kill()
    try:
        answers(drawn, every)
        told["died"] = "nothing was said"
    except StudentError as error:
        told["died"] = str(error)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
