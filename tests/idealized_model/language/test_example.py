"""Examples to look at: the parts are the whole text, and what is marked is what the meter keeps."""

from __future__ import annotations

import numpy as np
import pytest

from idealized_model.language import Measurement, Tokenizer
from idealized_model.language.example import _parts, example_of
from idealized_model.language.meter import PATHS, sizes
from idealized_model.transformer import Engine, ModelConfig, Parameters
from theory.errors import InvalidArgument


def test_needed_tokens_stand_between_the_others() -> None:
    tokenizer, text = Tokenizer((), ""), "abcdefgh"
    order = {path: np.array([7, 2, 3, 0, 1, 4, 5, 6]) for path in PATHS}
    kl = {path: np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]) for path in PATHS}
    assert len(sizes(8)) == 8
    parts = _parts(tokenizer, tokenizer.encode(text), Measurement(kl, order, np.zeros(1)), 0.1)
    assert parts == [("a", True), ("b", False), ("c", True), ("d", True), ("efg", False), ("h", True)]


def test_a_tokenizer_of_other_tokens_is_refused() -> None:
    config = ModelConfig(n_tokens=256, width=8, n_layers=1, n_heads=2, encoding="rope")
    parameters, other = Parameters.drawn(config, np.random.default_rng(0)), Tokenizer(((97, 98),), "")
    with pytest.raises(InvalidArgument, match="tokenizer: got one of 257 tokens; expected one of 256"):
        example_of(Engine(config), parameters, other, np.array([97, 98]), epsilon=0.1)
