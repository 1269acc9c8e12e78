"""Fetches files of a data set from the hub, at one commit, and says in one line why it can't."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from tutelage.config.places import DATA_SUFFIXES
from tutelage.did_you_mean import did_you_mean
from tutelage.errors import DataError

_DATA = [f"*{suffix}" for suffix in (*DATA_SUFFIXES, ".txt", ".arrow", ".gz", ".zst")]
CARD = "README.md"
BESIDE = (CARD, ".gitattributes")
"""What a data set has beside its data."""


def download(name: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """The folder with the files of a data set that match, named by their commit. Raises DataError."""
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]

    try:
        folder = Path(snapshot_download(name, repo_type="dataset", revision=revision, allow_patterns=[*patterns]))
    except (OSError, ValueError) as error:  # all errors of the hub are among them
        raise DataError(_reason(error, revision), path=f"hf://{name}") from None
    if len(patterns) == 1 and "*" not in patterns[0] and not (folder / patterns[0]).is_file():
        known = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
        remedy = did_you_mean(patterns[0], known, "see its files on the hub")
        raise DataError(f"it has no file {patterns[0]!r}; {remedy}", path=f"hf://{name}")
    return folder


def _reason(error: Exception, revision: str | None) -> str:
    """Why the hub gives nothing, and the remedy."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    cause = next(
        (e for e in (error.__cause__, error) if isinstance(e, GatedRepoError | RepositoryNotFoundError)), error
    )
    if isinstance(cause, GatedRepoError):
        return "its owner gives it to those alone who have asked; accept its terms on the hub, and set HF_TOKEN"
    if isinstance(cause, RevisionNotFoundError):
        return f"it has no revision {revision!r}; give a branch, a tag or a commit as task.revision"
    if isinstance(cause, RepositoryNotFoundError | HFValidationError):
        return "there is no such data set on the hub, or it is private; check its name, or set HF_TOKEN"
    cause = error.__cause__ or error
    told = " ".join(str(cause).split())[:160]
    return (
        f"cannot load it from the hub ({type(cause).__name__}: {told}), and there is no copy in its cache; "
        "go online, or set task.path to a local file"
    )


def card_of(name: str, revision: str | None) -> dict[str, Any]:
    """The metadata of a data set's card; empty without one. Raises DataError."""
    from huggingface_hub import metadata_load  # pyright: ignore[reportUnknownVariableType]

    file = download(name, revision, BESIDE) / CARD
    if not file.is_file():
        return {}
    try:
        found: object = metadata_load(file)  # pyright: ignore[reportUnknownVariableType]
    except Exception as error:  # of a broken card, the YAML reader raises what it likes
        told = " ".join(str(error).split())[:120]
        remedy = f"name a file, hf://{name}/FILE"
        raise DataError(f"its card has broken metadata ({told}); {remedy}", path=f"hf://{name}") from None
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def chosen_config(name: str, card: dict[str, Any], config: str | None) -> tuple[str | None, list[str]]:
    """A configuration of the data set, None if it has one only, and patterns of its files, by its card.

    Raises DataError if it has no such configuration, or several and none is asked for.
    """
    described = [cast(dict[str, Any], each) for each in _listed(card.get("configs")) if isinstance(each, dict)]
    configs = {str(each.get("config_name", "default")): each for each in described}
    if config is None and len(configs) > 1:
        default = [key for key, each in configs.items() if each.get("default") or key == "default"]
        if not default:
            known = ", ".join(sorted(configs))
            raise DataError(
                f"it has several configurations; name one as task.config (tutelage init: --config): {known}",
                path=f"hf://{name}",
            )
        config = default[0]
    if config is not None and configs and config not in configs:
        remedy = did_you_mean(config, configs, f"its configurations are {', '.join(sorted(configs))}")
        raise DataError(f"it has no configuration {config!r} (task.config); {remedy}", path=f"hf://{name}")
    files = _patterns(configs[config or next(iter(configs))]) if configs else []
    return config, [CARD, *(files or _DATA)]


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


def one_config(folder: Path, card: dict[str, Any], config: str | None, place: Path) -> None:
    """Put the data set's files into `place`, with a card that has this configuration alone: without the files of the
    others, `datasets` can't read it."""
    import yaml

    place.mkdir(parents=True, exist_ok=True)
    for file in folder.rglob("*"):
        if file.is_file() and file.name not in BESIDE:
            target = place / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(file.resolve())
    kept = {key: card[key] for key in ("configs", "dataset_info") if key in card}
    if config is not None:
        kept = {key: [each for each in _listed(value) if _is_of(each, config)] for key, value in kept.items()}
    (place / CARD).write_text(f"---\n{yaml.safe_dump(kept)}---\n", encoding="utf-8")


def _is_of(entry: Any, config: str) -> bool:  # noqa: ANN401 - of a card
    return isinstance(entry, dict) and str(cast(dict[str, Any], entry).get("config_name", "default")) == config
