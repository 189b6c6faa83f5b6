"""The settings: what each is called, what it may be, and what is said when it may not."""

import copy
import dataclasses
import json
import math
import pickle
import re
from contextlib import suppress
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.errors import SettingError
from nnlib.network.layers import ACTIVATIONS
from nnlib.network.optimizers import OPTIMIZERS, Schedule
from nnlib.training.config import (
    MAX_HIDDEN_LAYERS,
    PRESETS,
    SETTINGS,
    Setting,
    TrainingConfig,
    describe,
    nearest_setting,
)
from nnlib.words import shown

every_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


def at_the_limits(setting: Setting) -> list[Any]:
    if setting.choices:
        return list(setting.choices)
    if setting.kind is tuple:
        return [(setting.low,), (setting.high,), (setting.low, setting.high), (setting.high,) * MAX_HIDDEN_LAYERS]
    lowest = math.nextafter(setting.low, math.inf) if setting.above else setting.low
    return [setting.kind(lowest), setting.kind(setting.high)]


def just_beyond(setting: Setting) -> list[Any]:
    if setting.choices:
        return ["", "unheard-of", next(iter(setting.choices)).upper()]
    if setting.kind is tuple:
        low, high = int(setting.low), int(setting.high)
        return [(), (low - 1,), (high + 1,), (low, high + 1), (low,) * (MAX_HIDDEN_LAYERS + 1), (low + 0.5,)]
    if setting.kind is int:
        return [int(setting.low) - 1, int(setting.high) + 1, setting.low + 0.5]
    lowest = setting.low if setting.above else math.nextafter(setting.low, -math.inf)
    return [lowest, math.nextafter(setting.high, math.inf)]


@every_setting
def test_every_setting_is_explained(setting: Setting) -> None:
    assert setting.label
    assert setting.label[0].isupper()
    assert setting.term
    assert setting.help.endswith(".")
    assert setting.choices or setting.low < setting.high
    assert not setting.choices or all(setting.choices.values())


@every_setting
def test_values_at_the_limits_are_accepted(setting: Setting) -> None:
    for value in at_the_limits(setting):
        checked = setting.check(value)
        assert checked == value
        assert type(checked) is setting.kind


@every_setting
def test_values_just_beyond_the_limits_are_refused_with_value_and_range(setting: Setting) -> None:
    for value in just_beyond(setting):
        with pytest.raises(SettingError) as caught:
            setting.check(value)
        sentence = str(caught.value)
        assert sentence.startswith(f"{setting.name} is {shown(value)}: it must be ")
        assert setting.limits in sentence
        assert sentence.endswith(".")


@every_setting
def test_limits_name_every_choice_or_both_ends_exactly(setting: Setting) -> None:
    if setting.choices:
        for choice, label in setting.choices.items():
            assert choice in setting.limits
            assert label in setting.limits or label.lower() == choice
    else:
        numbers = setting.limits.replace(",", "").split()
        assert {str(setting.low), str(setting.high)} <= set(numbers)


@every_setting
@pytest.mark.parametrize(
    "value",
    [None, True, math.nan, math.inf, -math.inf, "", "nan", [], {}, [[1]], 10**5000, b"1"],
    ids=lambda value: type(value).__name__,
)
def test_odd_values_are_refused(setting: Setting, value: Any) -> None:
    with pytest.raises(SettingError, match=f"^{setting.name} is "):
        setting.check(value)


@every_setting
def test_values_typed_as_text_are_read(setting: Setting) -> None:
    text = ",".join(map(str, setting.default)) if setting.kind is tuple else str(setting.default)
    assert setting.check(text) == setting.default


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers()
ANYTHING = st.recursive(
    SCALARS | st.integers(4000, 5000).map(lambda digits: 10**digits),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner) | st.sets(st.integers())
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(setting=st.sampled_from(list(SETTINGS.values())), value=ANYTHING)
def test_check_gives_an_allowed_value_or_a_setting_error(setting: Setting, value: Any) -> None:
    with suppress(SettingError):
        checked = setting.check(value)
        assert type(checked) is setting.kind
        assert setting.check(checked) == checked


@every_setting
@pytest.mark.parametrize("value", ["x" * 5000, ["x"] * 5000], ids=["text", "list"])
def test_a_sentence_stays_short_whatever_it_is_about(setting: Setting, value: Any) -> None:
    with pytest.raises(SettingError) as caught:
        setting.check(value)
    assert len(str(caught.value)) < 300


def test_a_list_inside_a_list_without_end_is_refused() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(SettingError):
        SETTINGS["hidden_widths"].check(nested)


def test_numpy_numbers_become_plain_ones() -> None:
    config = TrainingConfig(epochs=np.int64(3), learning_rate=np.float32(0.5), hidden_widths=[np.int32(7)])  # type: ignore[arg-type]
    assert (config.epochs, config.learning_rate, config.hidden_widths) == (3, 0.5, (7,))
    assert type(config.epochs) is int
    assert TrainingConfig.from_json(config.to_json()) == config


@every_setting
def test_config_checks_every_setting(setting: Setting) -> None:
    with pytest.raises(SettingError, match=f"^{setting.name} is "):
        TrainingConfig(**{setting.name: just_beyond(setting)[-1]})
    with pytest.raises(SettingError, match=f"^{setting.name} is "):
        TrainingConfig().with_changes(**{setting.name: just_beyond(setting)[0]})


def test_choices_are_what_the_network_offers() -> None:
    assert list(SETTINGS["activation"].choices) == list(ACTIVATIONS)
    assert list(SETTINGS["optimizer"].choices) == list(OPTIMIZERS)
    assert list(SETTINGS["schedule"].choices) == list(get_args(Schedule))


def test_settings_are_the_fields_of_the_config() -> None:
    assert list(SETTINGS) == [each.name for each in dataclasses.fields(TrainingConfig)]
    assert {name: setting.default for name, setting in SETTINGS.items()} == dataclasses.asdict(TrainingConfig())


def test_training_and_validation_digits_must_not_be_more_than_there_are() -> None:
    TrainingConfig(training_digits=59_000, validation_digits=1_000)
    with pytest.raises(SettingError, match="60,001 together: there are 60,000 digits to share"):
        TrainingConfig(training_digits=59_000, validation_digits=1_001)


def test_a_config_cannot_be_changed() -> None:
    config = TrainingConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.epochs = 5  # type: ignore[misc]
    assert config.with_changes(epochs=5).epochs == 5
    assert config.epochs == 10
    assert hash(config) == hash(TrainingConfig())


def test_an_unknown_setting_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingError, match=r"no setting learningrate: did you mean learning_rate\? The .*\bseed\.$"):
        TrainingConfig().with_changes(learningrate=0.1)
    with pytest.raises(SettingError, match=r"no setting lr: did you mean learning_rate\? The settings are "):
        TrainingConfig(lr=0.1)  # type: ignore[call-arg]
    with pytest.raises(SettingError, match=r"no setting x.y.: the settings are "):
        TrainingConfig().with_changes(**{"x\ny\x1b": 1})


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("lr", "learning_rate"),
        ("LearningRate", "learning_rate"),
        ("learning_rate_init", "learning_rate"),
        ("batch", "batch_size"),
        ("n_epochs", "epochs"),
        ("hidden_layer_sizes", "hidden_widths"),
        ("wd", "weight_decay"),
        ("--momentom", "momentum"),
        ("random_seed", "seed"),
        ("warp", None),
        ("", None),
    ],
)
def test_a_name_from_elsewhere_leads_to_the_setting(asked: str, nearest: str | None) -> None:
    assert nearest_setting(asked) == nearest


def test_a_config_can_be_copied_and_sent() -> None:
    config = TrainingConfig(epochs=3)
    assert copy.deepcopy(config) == pickle.loads(pickle.dumps(config)) == config


@pytest.mark.parametrize("name", PRESETS)
def test_preset_is_valid_and_says_what_it_is_for(name: str) -> None:
    preset = PRESETS[name]
    assert TrainingConfig(**dataclasses.asdict(preset.config)) == preset.config
    assert preset.purpose.endswith(".")


CONFIGS = st.builds(
    TrainingConfig,
    hidden_widths=st.lists(st.integers(1, 1024), min_size=1, max_size=MAX_HIDDEN_LAYERS).map(tuple),
    activation=st.sampled_from(list(SETTINGS["activation"].choices)),
    learning_rate=st.floats(0, 10, exclude_min=True),
    momentum=st.floats(0, 0.999),
    seed=st.integers(0, 2**32 - 1),
    epochs=st.integers(1, 1000),
)


@settings(deadline=None)
@given(config=CONFIGS)
def test_json_gives_back_the_same_config(config: TrainingConfig) -> None:
    assert TrainingConfig.from_json(config.to_json()) == config


def test_json_without_a_setting_means_its_default() -> None:
    assert TrainingConfig.from_json('{"epochs": 3}') == TrainingConfig(epochs=3)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", '"epochs"', "[" * 100_000, '{"epochs": 1' + "0" * 5000 + "}"],
    ids=lambda text: text[:10],
)
def test_damaged_json_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="the settings are not readable"):
        TrainingConfig.from_json(text)


@pytest.mark.parametrize(
    "text", ['{"learning_rate": NaN}', '{"epochs": null}', '{"self": 1}', '{"": 1}', '{"hidden_widths": {"8": 1}}']
)
def test_json_with_a_bad_setting_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        TrainingConfig.from_json(text)


@settings(deadline=None)
@given(text=st.text() | st.dictionaries(st.sampled_from([*SETTINGS, "self", "other"]), JSON_VALUES).map(json.dumps))
def test_any_text_gives_a_config_or_a_setting_error(text: str) -> None:
    with suppress(SettingError):
        assert isinstance(TrainingConfig.from_json(text), TrainingConfig)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_described_by_its_name(name: str) -> None:
    assert describe(PRESETS[name].config) == name


@settings(deadline=None)
@given(rate=st.floats(1e-12, 10), other=st.floats(1e-12, 10))
def test_numbers_in_a_description_are_whole_and_without_exponent(rate: float, other: float) -> None:
    one, two = (TrainingConfig(learning_rate=each, l2=0.5) for each in (rate, other))
    shown_rate = SETTINGS["learning_rate"].show(rate)
    assert re.fullmatch(r"\d+(\.\d+)?", shown_rate)
    assert SETTINGS["learning_rate"].check(shown_rate) == rate
    assert (describe(one) == describe(two)) == (one == two)


@every_setting
def test_what_is_shown_can_be_given(setting: Setting) -> None:
    if setting.choices:
        return
    for value in [setting.default, *at_the_limits(setting)[1:]]:
        assert setting.check(setting.show(value)) == setting.check(value)


def test_people_read_how_many_with_commas_but_not_a_seed() -> None:
    assert SETTINGS["batch_size"].show(60_000) == "60,000"
    assert SETTINGS["seed"].show(60_000) == "60000"
    assert SETTINGS["learning_rate"].show(1e-5) == "0.00001"
    for value in ("6,0000", "60,00", ",000", "1,000,", "0,001"):
        with pytest.raises(SettingError):
            SETTINGS["batch_size"].check(value)


def test_a_description_says_what_differs_from_the_nearest_preset() -> None:
    config = PRESETS["quick"].config.with_changes(learning_rate=0.01, hidden_widths=(64, 32), optimizer="sgd")
    assert describe(config) == "quick, hidden widths 64,32, optimizer SGD, learning rate 0.01"
