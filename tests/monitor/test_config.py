"""The command line on top of a TOML file on top of the defaults."""

from fractions import Fraction
from pathlib import Path

import pytest

from monitor.cli import parser, settings_from
from monitor.config import OPTIONS, Settings, combine, from_toml
from monitor.errors import UsageError


def settings(*arguments: str, home: Path = Path("/nonexistent"), **environment: str) -> Settings:
    return settings_from(list(arguments), {"XDG_CONFIG_HOME": str(home), **environment})


def configured(tmp_path: Path, text: str) -> Path:
    (tmp_path / "tapline").mkdir()
    (tmp_path / "tapline" / "monitor.toml").write_text(text)
    return tmp_path


def test_the_defaults_are_those_of_the_design() -> None:
    found = settings("x.log")
    assert (found.interval, found.window, found.lateness, found.top) == (10, 120, 5, 10)
    assert (found.threshold.rate, found.threshold.text, found.metric) == (10, "10/s", "hits")


def test_the_command_line_wins_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    home = configured(
        tmp_path, 'logs = ["a.log"]\nthreshold = "600/min"\ninterval = 5\nalert-log = "x.jsonl"\nutc = true\n'
    )
    found = settings("--interval", "20", home=home)
    assert (found.logs, found.interval, found.threshold.rate) == (("a.log",), 20, 10)
    assert (found.alert_log, found.utc) == (Path("x.jsonl"), True)
    assert settings("b.log", home=home).logs == ("b.log",)


def test_every_option_has_a_key_in_the_file_and_a_field_in_the_settings() -> None:
    fields = set(Settings.__dataclass_fields__)
    assert {option.field for option in OPTIONS} | {"logs"} == fields


def test_options_may_stand_before_between_and_after_the_logs() -> None:
    assert settings("a.log", "--utc", "b.log").logs == ("a.log", "b.log")


def test_what_stands_behind_two_dashes_is_a_log_whatever_it_begins_with() -> None:
    found = settings("one", "--replay", "--", "-two.log", "--utc")
    assert (found.logs, found.utc) == (("one", "-two.log", "--utc"), False)


def test_the_named_log_of_the_environment_is_the_default() -> None:
    assert settings(TAPLINE_LOG="/tmp/t.log").logs == ("/tmp/t.log",)


def test_numbers_are_read_as_people_write_them() -> None:
    found = settings("x", "--replay", "--speed", "0.5", "--jobs", "64", "--top", "0", "--lateness", "0s")
    assert (found.speed, found.jobs, found.top, found.lateness) == (Fraction(1, 2), 64, 0, 0)
    assert settings("x", "--lateness", "1m").lateness == 60


def test_a_unit_of_bytes_makes_the_metric_bytes() -> None:
    found = settings("x", "--threshold", "10kB/20s")
    assert (found.metric, found.threshold.rate, found.threshold.text) == ("bytes", Fraction(500), "10kB/20s")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["x", "--threshold", "0"], "above 0"),
        (["x", "--threshold", "ten"], "not a threshold"),
        (["x", "--threshold", "5/0s"], "over no time"),
        (["x", "--threshold", "5MB/s", "--metric", "hits"], "is of bytes"),
        (["x", "--interval", "0"], "above 0"),
        (["x", "--interval", "1.5s"], "whole number"),
        (["x", "--window", "0"], "above 0"),
        (["x", "--jobs", "0"], "from 1"),
        (["x", "--top", "-1"], "from 0"),
        (["x", "--speed", "2"], "goes with --replay"),
        (["x", "--jobs", "65"], "from 1 to 64"),
        (["x", "--jobs", "2x"], "from 1"),
        (["x", "--replay", "--speed", "0"], "not a speed"),
        (["x", "--replay", "--speed", "fast"], "not a speed"),
        (["x", "--replay", "--speed", "1/0"], "not a speed"),
        (["x", "--lateness", "-1"], "not a duration"),
        (["x", "--replay", "--state", "s"], "live log"),
        (["x", "--output", "xml"], "none of tui"),
        (["x", "--no-such"], "unrecognized"),
        (["x", "--treshold", "5"], "did you mean --threshold?"),
        (["x", "--config", "/nonexistent/f.toml"], "no such file"),
        (["x", "--nginx-conf", "a", "--apache-conf", "b"], "exclude each other"),
        (["x", "--nginx-conf", "a", "--format", "common"], "exclude each other"),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_is_wrong(arguments: list[str], told: str) -> None:
    with pytest.raises(UsageError) as error:
        settings(*arguments)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("treshold = 5", "did you mean 'threshold'"),
        ("x y", "f.toml: "),
        ("utc = 1", "true or false"),
        ("interval = true", "a text or a number"),
        ("interval = 'x'", "not a duration"),
        ("alert = 5", "a list of texts"),
        ("logs = [1]", "a list of texts"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        from_toml(text, "f.toml")
    assert told in str(error.value)
    assert "f.toml" in str(error.value)


def test_without_a_home_there_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    assert settings_from(["x"], {}).logs == ("x",)


def test_later_layers_win() -> None:
    assert combine({"interval": 5}, {"interval": 7}).interval == 7


def test_the_help_names_every_option_and_gives_examples() -> None:
    text = parser().format_help()
    assert all(f"--{option.name}" in text for option in OPTIONS)
    assert "examples:" in text


def test_a_file_of_options_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b'log = "\xe9"\n')
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "latin", "can't decode byte 0xe9")):
        with pytest.raises(UsageError, match=f"^{path}: .*{why}"):
            settings("x", "--config", str(path))


def test_without_a_name_the_first_usual_log_that_exists_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tuple(str(tmp_path / name) for name in ("tapline.log", "nginx.log", "apache.log"))
    monkeypatch.setattr("monitor.cli.DEFAULT_LOGS", usual)
    with pytest.raises(UsageError, match=f"^no log named, and none of {usual[0]}, {usual[1]}, {usual[2]} exists$"):
        settings()
    for name in usual[1:]:
        Path(name).touch()
    assert settings().logs == (usual[1],)
