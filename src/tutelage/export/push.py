"""Pushes a run's student, and its data if asked for, to the Hugging Face hub.

>>> push([student_parcel(RunSource(Path("runs/demo"), print), "me/legs", None)], private=True, say=print)
['https://huggingface.co/me/legs']

Files that the hub has already are not sent again, so a push that was interrupted goes on when it is started again.
Every repository gets one commit: it never has half of a student.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tutelage.config import RunConfig, StudentConfig
from tutelage.config.places import without_passwords, without_secrets
from tutelage.errors import ConfigError, RunError
from tutelage.export import data, rows
from tutelage.export.card import data_card, metadata_of, with_metadata
from tutelage.export.source import RunSource
from tutelage.export.taught import student_folder
from tutelage.report.card import card_metadata, is_on_the_hub, model_card

CARD = "README.md"


@dataclass(frozen=True, slots=True)
class File:
    """A file to push: its name in the repository, and where it lies, or its content."""

    name: str
    content: Path | bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes to one repository."""

    kind: Literal["model", "dataset"]
    repo: str
    files: Sequence[File]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(file.size for file in self.files)


def check_name(repo: str) -> None:
    """Raises ConfigError if it is no name of a repository with its owner."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        if repo.count("/") != 1:
            raise HFValidationError("it is not OWNER/NAME")
        validate_repo_id(repo)
    except HFValidationError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"{repo!r} is no name on the hub: {reason}; write it as OWNER/NAME, such as me/legs"
        ) from None


def student_parcel(source: RunSource, repo: str, data_repo: str | None, adapter: Path | None = None) -> Parcel:
    """The student with its card; with `adapter`, a folder to write it to, the adapter in place of the weights.

    Raises RunError if the run has not come to its end, ConfigError or StudentError if there is no adapter.
    """
    folder, result, config = student_folder(source), source.run.result, _seen_from_elsewhere(source)
    if result is None:
        raise RunError(f"{source.run.root} has not finished, so its accuracy is unknown; {source.goes_on}")
    ours = card_metadata(config, result)
    metadata = dict(ours)
    if data_repo is not None:
        metadata["datasets"] = [*metadata.get("datasets", ()), data_repo]
    if adapter is not None:
        metadata |= {"library_name": "peft", "base_model": config.student.model}
    path = folder / CARD
    card = path.read_text("utf-8") if path.is_file() else model_card(config, result, source.run.mark.get("parts"))
    files = [File(CARD, with_metadata(card, metadata, config, ours).encode(errors="replace"))]
    weights = () if adapter is None else _adapter(source, config.student, folder, adapter)
    files += [File(name, adapter / name) for name in weights if adapter is not None]
    files += [
        File(each.name, each)
        for each in sorted(folder.iterdir())
        if each.is_file()
        and each.name != CARD
        and not each.name.startswith(".")
        and (adapter is None or not _of_the_model(each.name))
    ]
    return Parcel("model", repo, files)


def _of_the_model(name: str) -> bool:
    """Whether a file is of the base model, so that an adapter has none."""
    return ".safetensors" in name or name in ("config.json", "generation_config.json")


def _seen_from_elsewhere(source: RunSource) -> RunConfig:
    """The settings of a run, with `./` before the folder that its student began as.

    From where the run was started, models/base is a folder; from elsewhere it looks like a name on the hub. A run
    lies below where it was started, or its card, which was written there, names no base.
    """
    config, name = source.config, source.config.student.model
    card = source.run.root / "student" / CARD
    written = metadata_of(card.read_text("utf-8")) if card.is_file() else {}
    wrote_none = "model-index" in written and "base_model" not in written
    if not is_on_the_hub(name) or (source.run.began_as is None and not wrote_none):
        return config
    return config.model_copy(update={"student": config.student.model_copy(update={"model": f"./{name}"})})


def _adapter(source: RunSource, student: StudentConfig, folder: Path, out: Path) -> list[str]:
    """Write the adapter of the student. Raises ConfigError where it would be of no use to others."""
    if student.weights == "full":
        raise ConfigError(f"the student of {source.run.root} was trained whole, not by an adapter; leave --adapter out")
    if not is_on_the_hub(student.model):
        raise ConfigError(
            f"the student began as {student.model!r}, which others do not find on the hub, so an adapter would be of no"
            " use to them; leave --adapter out"
        )
    if (kept := folder / "adapter").is_dir():  # runs of earlier versions have none
        shutil.copytree(kept, out, dirs_exist_ok=True)
        return ["adapter_config.json", "adapter_model.safetensors"]
    from tutelage.student.adapter import write_adapter

    rounds = len(source.run.rounds)
    return write_adapter(student, student.model, folder, student.lora.rank * max(1, rounds), out)


def data_parcel(source: RunSource, repo: str, model: str, folder: Path) -> Parcel:
    """The rationales, mistakes and splits, written to `folder` first. Raises RunError if there are none."""
    written = data.write_lessons(source, rows.MESSAGES, folder)
    card = File(CARD, data_card(source.config, written, model).encode(errors="replace"))
    return Parcel("dataset", repo, [card, *(File(name, folder / name) for name in written)])


def push(parcels: Sequence[Parcel], *, private: bool, say: Callable[[str], None]) -> list[str]:
    """Send the parcels; returns the address of each.

    Raises:
        ConfigError: there is no token, or a repository is public that is to be private.
        RunError: the hub refuses, or cannot be reached. What it has got is not sent again.
    """
    from huggingface_hub import HfApi, get_token

    token = get_token()
    if token is None:
        raise ConfigError("there is no token for the hub; run `hf auth login`, or set HF_TOKEN")
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=token)
    return [_arrived(api, parcel, token, private=private, say=say) for parcel in parcels]


def _arrived(api: Any, parcel: Parcel, token: str, *, private: bool, say: Callable[[str], None]) -> str:  # noqa: ANN401
    try:
        return _send(api, parcel, private=private, say=say)
    except ConfigError:
        raise
    except Exception as error:  # httpx's, hf_xet's and the client's own have nothing in common
        raise RunError(_told(error, str(api.endpoint), parcel.repo, token)) from None


def _send(api: Any, parcel: Parcel, *, private: bool, say: Callable[[str], None]) -> str:  # noqa: ANN401 - imported late
    from huggingface_hub import CommitOperationAdd

    api.create_repo(parcel.repo, repo_type=parcel.kind, private=private, exist_ok=True)
    is_private = bool(api.repo_info(parcel.repo, repo_type=parcel.kind).private)
    if private and not is_private:
        raise ConfigError(
            f"the {parcel.kind} {parcel.repo} is there already, and public; make it private on the hub, or take another"
            " name"
        )
    if is_private and not private:
        say(f"the {parcel.kind} {parcel.repo} is private, and stays so")
    added = [
        CommitOperationAdd(file.name, file.content if isinstance(file.content, bytes) else str(file.content))
        for file in parcel.files
    ]
    done = api.create_commit(parcel.repo, added, commit_message="Push with Tutelage", repo_type=parcel.kind)
    return str(done.repo_url)


def _told(error: Exception, endpoint: str, repo: str, token: str) -> str:
    """Why a push failed, in one line, without the token."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    said = " ".join(str(getattr(error, "server_message", None) or error).split())
    because = " ".join(str(error.__cause__ or "").split())
    if status is None and because not in said:
        said += f" ({because})"
    hub = without_secrets(endpoint)
    if status == 401:
        reason = f"the hub at {hub} does not take the token; run `hf auth login`, or set HF_TOKEN anew"
    elif status == 403:
        reason = f"the token may not write to {repo} ({said}); take one with the right to write, or another owner"
    elif status is not None:
        reason = f"the hub at {hub} answers {status} for {repo}: {said}; start the same command again to go on"
    else:
        reason = f"the push to {repo} at {hub} broke off: {said}; start the same command again to go on"
    return without_passwords(reason.replace(token, "…"))
