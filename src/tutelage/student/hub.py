"""Downloads a model of the Hugging Face hub into the local cache, once, before any of its files is read."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from tutelage.did_you_mean import did_you_mean
from tutelage.errors import StudentError

_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*.tiktoken"]
_PICKLED = ["pytorch_model*.bin"]
_SUBFOLDERS = ["*/*"]


def hub_folder(name: str, also: str) -> Path:
    """The local folder of the hub's model `name`. Raises StudentError; `also` names a model that needs no hub."""
    try:
        folder = Path(snapshot_download(name, allow_patterns=_FILES, ignore_patterns=_SUBFOLDERS))
        if not any(folder.glob("*.safetensors*")):
            snapshot_download(name, allow_patterns=_PICKLED, ignore_patterns=_SUBFOLDERS)
    except GatedRepoError:
        reason = "its owner on the hub gives it to those alone who have asked; accept its terms there, and set HF_TOKEN"
    except (RepositoryNotFoundError, HFValidationError):
        reason = "there is neither such a folder here nor such a model on the hub"
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError):
        reason = "there is no such folder here, and no copy of a hub's model; the hub can't be reached"
    else:
        return folder
    remedy = did_you_mean(name, [also], f"name a model's folder, a hub model or {also!r}")
    raise StudentError(f"cannot load the student {name!r}: {reason}; {remedy}") from None
