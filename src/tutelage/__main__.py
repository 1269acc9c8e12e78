"""The command `tutelage`, also as `python -m tutelage`. A signal ends it well from its first import on."""

from tutelage.stopping import ends_at_once, stoppable


def main() -> None:
    """Entry point of the command."""
    ends_at_once()
    with stoppable():
        from tutelage.cli import main as command

        command()


if __name__ == "__main__":
    main()
