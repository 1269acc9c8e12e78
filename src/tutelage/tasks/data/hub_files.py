"""Fetches files of a data set from the hub, at one commit, and says in one line why it can't."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from tutelage.did_you_mean import did_you_mean
from tutelage.errors import DataError

_DATA = [f"*{suffix}" for suffix in (".parquet", ".jsonl", ".json", ".csv", ".tsv", ".txt", ".arrow", ".gz", ".zst")]
_CARD = "README.md"


def download(name: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """The folder with the files of a data set that match, named by their commit. Raises DataError."""
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        folder = snapshot_download(name, repo_type="dataset", revision=revision, allow_patterns=[*patterns])
    except GatedRepoError:
        reason = "its owner gives it to those alone who have asked; accept its terms on the hub, and set HF_TOKEN"
    except RevisionNotFoundError:
        reason = f"it has no revision {revision!r}; give a branch, a tag or a commit as task.revision"
    except (RepositoryNotFoundError, HFValidationError):
        reason = "there is no such data set on the hub, or it is private; check its name, or set HF_TOKEN"
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, GatedRepoError):
            reason = "its owner gives it to those alone who have asked; accept its terms on the hub, and set HF_TOKEN"
        elif isinstance(cause, RepositoryNotFoundError):
            reason = "there is no such data set on the hub, or it is private; check its name, or set HF_TOKEN"
        else:
            told = " ".join(str(cause).split())[:160]
            reason = (
                f"the hub can't be reached ({type(cause).__name__}: {told}), and there is no copy in its cache; "
                "go online, or set task.path to a local file"
            )
    else:
        return _whole(Path(folder), name, patterns)
    raise DataError(reason, path=f"hf://{name}") from None


def files_of_config(name: str, config: str | None, revision: str | None) -> tuple[str | None, list[str]]:
    """A configuration of the data set, and patterns of its files, by the data set's card.

    Raises DataError if it has no such configuration, or several and none is asked for.
    """
    from huggingface_hub import metadata_load  # pyright: ignore[reportUnknownVariableType]

    card = download(name, revision, [_CARD]) / _CARD
    try:
        found: object = metadata_load(card) if card.is_file() else None  # pyright: ignore[reportUnknownVariableType]
    except Exception as error:  # of a broken card, the YAML reader raises what it likes
        told = " ".join(str(error).split())[:120]
        raise DataError(
            f"its card has broken metadata ({told}); name a file, hf://{name}/FILE", path=f"hf://{name}"
        ) from None
    metadata = cast(dict[str, Any], found) if isinstance(found, dict) else {}
    listed = _listed(metadata.get("configs"))
    described = [cast(dict[str, Any], each) for each in listed if isinstance(each, dict)]
    configs = {str(each.get("config_name", "default")): each for each in described}
    if config is None and len(configs) > 1:
        default = [key for key, each in configs.items() if each.get("default") or key == "default"]
        if not default:
            known = ", ".join(sorted(configs))
            raise DataError(f"it has several configurations; name one as task.config: {known}", path=f"hf://{name}")
        config = default[0]
    if config is not None and configs and config not in configs:
        remedy = did_you_mean(config, configs, f"its configurations are {', '.join(sorted(configs))}")
        raise DataError(f"it has no configuration {config!r} (task.config); {remedy}", path=f"hf://{name}")
    files = _patterns(configs[config or next(iter(configs))]) if configs else []
    return config, [_CARD, *(files or _DATA)]


def _patterns(config: dict[str, Any]) -> list[str]:
    """The patterns of a configuration's files; none if they are not said."""
    folder = str(config.get("data_dir") or "").strip("/")
    within = f"{folder}/" if folder else ""
    patterns: list[str] = []
    for item in _listed(config.get("data_files")):
        patterns += map(str, _listed(cast(dict[str, Any], item).get("path") if isinstance(item, dict) else item))
    if not patterns:
        return [f"{within}**"] if folder else []
    return [f"{within}{pattern.removeprefix('./')}" for pattern in patterns]


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - of a card, which may hold anything
    """A list as it is, one value as a list, None as an empty one."""
    return cast(list[Any], value) if isinstance(value, list) else [] if value is None else [value]


def _whole(folder: Path, name: str, patterns: Sequence[str]) -> Path:
    """The folder, unless one file was asked for and is not there. Raises DataError."""
    if len(patterns) == 1 and "*" not in patterns[0] and patterns[0] != _CARD and not (folder / patterns[0]).is_file():
        known = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
        remedy = did_you_mean(patterns[0], known, "see its files on the hub")
        raise DataError(f"it has no file {patterns[0]!r}; {remedy}", path=f"hf://{name}")
    return folder
