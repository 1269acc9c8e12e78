from tests.rounds.conftest import one_thread, tiny

__all__ = ["one_thread", "tiny"]
