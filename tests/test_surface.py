"""The public names, pinned: what users import changes on purpose only. A name that is new or gone is entered here and
in CHANGELOG.md."""

import ast
import importlib
import inspect
import subprocess
import sys
from importlib import metadata, resources
from types import ModuleType

import pytest

import tutelage

SURFACE = {
    "tutelage.records": """
        AnswerKind Asked Attempt Choice Completion Exam FailureReason Feedback FeedbackRequest Grade Problem SPLITS
        Split Style TRANSIENT TextMatch TrainingExample Usage Verdict Way WorkedExample content_hash state_answer
    """,
    "tutelage.practice_records": "Near Practice PracticeSummary",
    "tutelage.run_records": """
        Accuracy AskedAs BeforeAfter COMPARED ExamSummary GAINS Now Precision REPAIRED
        RESULT_VERSION RoundResult RunResult SIMILARITIES StepRecord TeacherSummary
        TrainingSummary WayCount Work
    """,
    "tutelage.teacher_records": "CostBound FailureCount Pace Spending",
    "tutelage.study_records": "ArmFigures Comparison Interval RoundFigures RunFigures StudyFigures",
    "tutelage.errors": "BudgetSpent ConfigError DataError RunError StudentError TeacherError TutelageError",
    "tutelage.config.run_config": "RunConfig",
    "tutelage.config.sections": """
        AnswerLimit EvaluationConfig ExamConfig GuardConfig LoraConfig RoundsConfig StudentConfig TaskConfig Thinking
        Tracker TrainingConfig
    """,
    "tutelage.config.teacher_config": "BudgetConfig PriceConfig TeacherConfig",
    "tutelage.config.base": "Name Section Seed",
    "tutelage.config.file": """
        Kind dump_config flat is_data_file load_config parse_config parse_section parse_written read_config
        read_settings read_written read_yaml_file""",
    "tutelage.tasks.task": "Task check_few_shot task_digest",
    "tutelage.teacher.teacher": "Deliver PracticeTeacher Teacher",
    "tutelage.student.sampler": """
        Deliver Sampled Sampler SamplerFactory SamplingSettings Say StopCriteria UNTRAINED
        exam_sampling greedy_sampling
    """,
    "tutelage.student.training.reflection": "Compared Preference Reflection Seen Triplet reflection_of",
}


def _public_names(module: ModuleType) -> set[str]:
    """What a module defines itself at its top: functions, classes, constants and aliases, not what it imports."""
    names: set[str] = set()
    for node in ast.parse(inspect.getsource(module)).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return {name for name in names if not name.startswith("_")}


def test_the_package_exports_what_users_need():
    names = """
        Attempt BudgetSpent Choice Compared Completion ConfigError DataError EvaluationConfig Exam Feedback
        FeedbackRequest Problem Reflection RunConfig RunError Sampled Sampler SamplerFactory SamplingSettings
        Seen StopCriteria StudentConfig StudentError Task TaskConfig Teacher TeacherError TrainingExample
        TutelageError Usage Verdict WorkedExample __version__ ask evaluate load_config load_task parse_config
        results run state_answer study
    """
    assert sorted(tutelage.__all__) == sorted(names.split())
    assert all(hasattr(tutelage, name) for name in tutelage.__all__)


@pytest.mark.parametrize(
    "before", ["", "import tutelage.runs.directory, tutelage.studies.running", "from tutelage.api import study"]
)
def test_the_functions_are_functions_whatever_was_imported_before(before):
    """Python makes an imported module an attribute of its package: no module may have the name of a function."""
    names = "ask, evaluate, load_task, results, run, study"
    text = f"{before}\nfrom tutelage import {names}\nfrom tutelage import api\n"
    text += f"assert all(function is getattr(api, function.__name__) for function in ({names}))"
    subprocess.run([sys.executable, "-c", text], check=True)


@pytest.mark.parametrize("module", SURFACE)
def test_the_public_names_of_a_module_are_pinned(module):
    assert sorted(_public_names(importlib.import_module(module))) == sorted(SURFACE[module].split())


def test_torch_is_loaded_for_those_alone_who_ask_for_it():
    """A reader of records, a task or a teacher of the user's need none; the protocols of tensors do."""
    text = (
        "import sys, tutelage\nfrom tutelage import Problem, Task, Teacher, TutelageError, Verdict, parse_config, run\n"
    )
    text += "assert 'torch' not in sys.modules\nfrom tutelage import Reflection\nassert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", text], check=True)


def test_the_version_is_that_of_the_installed_package():
    assert tutelage.__version__ == metadata.version("tutelage")


def test_the_package_says_that_it_is_typed():
    assert (resources.files("tutelage") / "py.typed").is_file()
