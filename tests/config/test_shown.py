"""Settings as they are shown: what differs from the defaults, and no secrets."""

from tutelage.config.file import parse_config
from tutelage.config.shown import Setting, changed, shown


def test_the_settings_that_differ_from_their_defaults():
    task = {"name": "leg_counting", "train": 5, "options": {"max_animals": 2}}
    assert changed(parse_config({"task": task, "rounds": {"max": 2}, "training": {}})) == (
        Setting("task.name", "leg_counting", ""),
        Setting("task.train", "5", "null"),
        Setting("task.options.max_animals", "2", ""),
        Setting("rounds.max", "2", "3"),
    )


def test_an_address_is_shown_without_its_secrets():
    teacher = {"kind": "openai", "model": "m", "base_url": "https://me:geheim@host.example/v1?api-version=geheim"}
    config = parse_config({"task": {"name": "leg_counting"}, "teacher": teacher})
    assert shown(config)["teacher.base_url"] == "https://…@host.example/v1"
    assert "geheim" not in str((shown(config), changed(config)))
