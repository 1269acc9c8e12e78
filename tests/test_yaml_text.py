import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tutelage.config.file import parse_config, read_config
from tutelage.errors import ConfigError
from tutelage.yaml_text import read_yaml

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000 + "]" * 5000,
        "a: " + "{b: " * 100 + "c" + "}" * 100,
        "- " * 5000 + "a",
        "a: &a [*a]",
        "a: &a {b: *a}",
        LAUGHS,
        "a: !!bool x",
        "a: !!timestamp x",
        "a: !!int ''",
        "a: 2024-13-45",
        "a: " + "9" * 5000,
        "a: 1\na: 2",
        "? [a]\n: b",
        "a: !!python/object:os.system x",
        "a: \0",
        "a: *b",
        "a\tb: [",
    ],
)
def test_what_is_no_plain_data_is_refused_in_one_line(text):
    with pytest.raises(yaml.YAMLError):
        read_yaml(text)
    with pytest.raises(ConfigError, match=r"^here is not YAML: ") as error:
        read_config(text, origin="here")
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 500
    with pytest.raises(ConfigError, match="the value is not YAML"):
        parse_config({}, [f"task.name={text}"])


def test_anchors_serve_as_they_did():
    assert read_yaml("a: &a {b: 1e-4}\nc: *a\nd: {<<: *a, e: 2}") == {
        "a": {"b": 0.0001},
        "c": {"b": 0.0001},
        "d": {"b": 0.0001, "e": 2},
    }


@given(st.text(alphabet="ab:-[]{}&*!?|>,'\"#\n 01e.\x00\ud800", max_size=40))
def test_whatever_is_written_it_is_read_or_refused(text):
    with pytest.raises(ConfigError, match="here") as error:  # none of these names a task
        read_config(text, origin="here")
    assert len(str(error.value).splitlines()) == 1
