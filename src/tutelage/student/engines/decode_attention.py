"""The exam's attention as a compiled kernel, decode_attention.cpp, which compiled.py builds.

    R  rows     H  heads     G  heads of keys and values     M  H / G     d  width of a head

PyTorch's kernels take the parts of the cache one by one, with copies of queries and results between them. This one goes
over the cache as it lies, and is several times as fast.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path

import torch

from tutelage.student.attention import AttentionArgs

TYPES = (torch.bfloat16, torch.float32)
VECTOR, WIDEST = 16, 256
"""Numbers that the kernel takes at once, and its widest head."""

_POINTERS = (
    *("q", "k", "v", "question_k", "question_v", "answer_k", "answer_v", "place", "questions", "answers"),
    *("prefix_k", "prefix_v", "prefix_out", "prefix_lse", "out"),
)
_NUMBERS = ("rows", "groups", "m", "d", "samples", "question_room", "answer_room", "prefix", "window", "type")

Pair = tuple[torch.Tensor, torch.Tensor]


class _Call(ctypes.Structure):
    """`struct Call` of the kernel."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in _POINTERS),
        ("scale", ctypes.c_double),
        *((name, ctypes.c_int64) for name in _NUMBERS),
    )


@dataclass(frozen=True, slots=True)
class Shelves:
    """What a step's rows see behind a prefix of `prefix` tokens.

    Row r belongs to question `place_R[r] // samples`. `length_N` counts the tokens of each question, `said_R` those of
    each answer without the newest.
    """

    place_R: torch.Tensor
    length_N: torch.Tensor
    said_R: torch.Tensor
    samples: int
    prefix: int


class DecodeAttention:
    """The kernel in a shared library. Raises OSError or AttributeError if it is none."""

    def __init__(self, library: Path) -> None:
        self._run = ctypes.CDLL(str(library)).tutelage_decode_attention
        self._run.restype = None

    @staticmethod
    def takes(q: torch.Tensor, *others: torch.Tensor) -> bool:
        """Whether the kernel can compute these queries: on the CPU, with heads of whole vectors, as keys and values."""
        alike = all((each.dtype, each.shape[-1]) == (q.dtype, q.shape[-1]) for each in others)  # it reads bare memory
        whole = q.shape[-1] % VECTOR == 0 and q.shape[-1] <= WIDEST
        return alike and whole and q.device.type == "cpu" and q.dtype in TYPES

    def __call__(
        self,
        q_RGMd: torch.Tensor,
        newest: Pair,
        question: Pair,
        answer: Pair,
        prefix: Pair | None,
        seen: Pair | None,
        shelves: Shelves,
        args: AttentionArgs,
    ) -> torch.Tensor:
        """Store the newest keys and values, RGd, in the answers' blocks and attend to all that is in sight: out_RGMd.

        `question`, `answer` and `prefix` are blocks of keys and of values. Instead of the prefix's, there may be the
        attention over it: `seen` is out_RGMd and lse_RGM.
        """
        rows, groups, m, d = q_RGMd.shape
        out_RGMd = torch.empty(q_RGMd.shape, dtype=q_RGMd.dtype)
        given = (None, None) if seen is None else (seen[0].to(q_RGMd.dtype), seen[1].float())
        kept = (*newest, *question, *answer, shelves.place_R, shelves.length_N, shelves.said_R)
        tensors = (q_RGMd, *kept, *(prefix or (None, None)), *given, out_RGMd)
        whole = [None if each is None else each.contiguous() for each in tensors]  # they live until it returns
        pointers = [None if each is None else each.data_ptr() for each in whole]
        rooms = question[0].shape[2], answer[0].shape[2]
        numbers = rows, groups, m, d, shelves.samples, *rooms, shelves.prefix, args.window or 0
        scale = d**-0.5 if args.scale is None else args.scale
        self._run(ctypes.byref(_Call(*pointers, scale, *numbers, TYPES.index(q_RGMd.dtype))))
        return out_RGMd
