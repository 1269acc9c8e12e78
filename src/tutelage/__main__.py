"""The command `tutelage`, also as `python -m tutelage`. A signal ends it well from its first import on."""

import os

from tutelage.launched import is_one_of_several
from tutelage.stopping import ends_at_once, stoppable


def main() -> None:
    """Entry point of the command."""
    ends_at_once()
    if is_one_of_several():  # when another process ends first, torch prints a C++ trace above our one line
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # read when torch is imported
    with stoppable():
        from tutelage.cli import main as command

        command()


if __name__ == "__main__":
    main()
