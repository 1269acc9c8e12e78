"""Finds settings that contradict each other; each fault is a sentence with the settings and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

from tutelage.config.sections import ExamConfig, StudentConfig, TrainingConfig
from tutelage.config.teacher_config import TeacherConfig


def refuse_contradictions(
    student: StudentConfig, teacher: TeacherConfig, exam: ExamConfig, training: TrainingConfig
) -> None:
    """Raise ValueError if settings contradict each other."""
    if faults := list(contradictions(student, teacher, exam, training)):
        raise ValueError("; ".join(faults))


def contradictions(
    student: StudentConfig, teacher: TeacherConfig, exam: ExamConfig, training: TrainingConfig
) -> Iterator[str]:
    """Every contradiction among the settings, in words."""
    yield from _of_the_teacher(teacher)
    if exam.prefix_samples and (training.reflection != "repair" or not training.reflection_weight):
        yield (
            f"exam.prefix_samples is {exam.prefix_samples}, which training.reflection 'repair' alone learns from; set"
            " that, with a reflection_weight above 0, or prefix_samples to 0"
        )
    yield from _of_repairs(teacher, training)
    if student.thinking == "keep" and student.prompt == "plain":
        yield (
            "student.thinking is 'keep', and student.prompt 'plain' asks without the template that lets a model think;"
            " set prompt to 'chat' or 'auto', or thinking to 'off'"
        )
    yield from _of_the_server(student)
    if student.weights == "qlora" and student.dtype == "float32":
        yield "student.weights 'qlora' computes in bfloat16, and student.dtype is 'float32'; set dtype to 'auto'"
    if student.weights == "qlora" and training.parallel == "fsdp":
        yield "training.parallel 'fsdp' can't split the weights of student.weights 'qlora'; set parallel to 'ddp'"
    if student.weights != "full" and not student.lora.targets:
        yield "student.lora.targets is empty, so nothing would be trained; name modules, or set it to all-linear"


def _of_the_server(student: StudentConfig) -> Iterator[str]:
    if student.engine == "server" and student.server is None:
        yield "student.engine is 'server', so student.server must name its URL, such as http://localhost:8000/v1"
    if student.engine != "server" and (student.server or student.server_command):
        name = "server" if student.server else "server_command"
        yield f"student.{name} is set, and student.engine is {student.engine!r}; set engine to 'server', or remove it"
    if student.server_command is not None and "{model}" not in student.server_command:
        yield (
            f"student.server_command is {student.server_command!r}, without {{model}}, so the server would not know"
            " which weights to take; write {model} where their folder belongs"
        )


def _of_the_teacher(teacher: TeacherConfig) -> Iterator[str]:
    if teacher.kind == "openai" and not (teacher.model or "").strip():
        yield "teacher.model is not set: name the teacher as the endpoint does, such as gpt-4.1-mini"
    priced = teacher.price.auto or teacher.price.prompt or teacher.price.completion
    if teacher.kind == "openai" and teacher.budget.usd is not None and not priced:
        yield (
            f"teacher.budget.usd is {teacher.budget.usd:g} but teacher.price is not set: give the endpoint's price in"
            " US dollars for a million tokens as price: {prompt: …, completion: …}, set price: auto, or cap requests or"
            " tokens"
        )
    if teacher.practice and teacher.kind not in ("answer_key", "openai"):
        yield (
            f"teacher.practice is {teacher.practice}, but a teacher of the kind {teacher.kind!r} makes no problems; set"
            " it to 0, or teacher.kind to answer_key or openai"
        )
    if teacher.kind == "recorded" and teacher.path is None:
        yield "teacher.kind is 'recorded', so teacher.path must name the JSONL with the rationales"


def _of_repairs(teacher: TeacherConfig, training: TrainingConfig) -> Iterator[str]:
    if teacher.feedback != "repair":
        return
    if training.reflection != "repair" or not training.reflection_weight:
        yield (
            "teacher.feedback is 'repair', which training.reflection 'repair' alone learns from; set that, with a"
            " reflection_weight above 0, or set feedback to 'rationale'"
        )
    if teacher.kind not in ("answer_key", "openai"):
        yield f"teacher.feedback is 'repair', and teacher.kind {teacher.kind!r} writes none; set it to 'rationale'"
    if teacher.ask == "question":
        yield "teacher.feedback is 'repair', and teacher.ask 'question' shows no mistake; set ask to 'auto'"
    if teacher.explain:
        yield "teacher.explain is of whole rationales, and teacher.feedback is 'repair'; set one of them back"
    if training.data == "round":
        yield (
            "teacher.feedback 'repair' brings no rationales in later rounds, and training.data is 'round'; set data to"
            " 'all'"
        )
