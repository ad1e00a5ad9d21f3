"""The meter finds what is known to be needed, each of its paths what the others overlook, and is never below the truth."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from idealized_model.language import meter
from idealized_model.language.meter import PATHS, Measurement, exhaustive, measure, measure_all, sizes
from idealized_model.language.planted import GRID, SEVEN, PlantedText, Question
from idealized_model.transformer import Engine, ModelConfig, Parameters
from tests.idealized_model.language.told import Oracle, Told, nothing
from theory import BudgetExceeded, InvalidArgument

EPSILON = 0.05


def told(suffices: object, window: int) -> Measurement:
    engine = Told(suffices)  # type: ignore[arg-type]
    return measure(engine, nothing(engine), np.zeros(window, dtype=int))


# ── What is known ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("questions", [SEVEN, GRID])
def test_planted_tokens_are_found_by_a_model_that_knows(questions: tuple[Question, ...]) -> None:
    text = PlantedText(questions, body=18)
    engine, rng = Oracle(text), np.random.default_rng(1)
    for number, question in enumerate(questions):
        batch, places = text.examples(number, 6, rng)
        for found, own in zip(measure_all(engine, nothing(engine), batch.tokens), places[number], strict=True):
            assert found.k(EPSILON) == question.k
            kept, needed = set(found.kept(EPSILON)), {text.body, *own.tolist()}
            assert kept == needed if question.answer != "either" else kept < needed
            assert found.entropy < 1e-6


def test_forward_overlooks_what_tells_nothing_apart_and_removal_what_has_a_substitute() -> None:
    text = PlantedText(body=18)
    engine, rng = Oracle(text), np.random.default_rng(2)
    parity, either = (next(i for i, one in enumerate(SEVEN) if one.answer == name) for name in ("parity", "either"))
    found = list(measure_all(engine, nothing(engine), text.examples(parity, 20, rng)[0].tokens))
    assert all(one.k_of("removal", EPSILON) == 3 for one in found)
    assert sum(one.k_of("forward", EPSILON) > 3 for one in found) > 10
    found = list(measure_all(engine, nothing(engine), text.examples(either, 20, rng)[0].tokens))
    assert all(one.k_of("forward", EPSILON) == 2 for one in found)
    assert sum(one.k_of("removal", EPSILON) > 2 for one in found) > 10


def test_recency_finds_two_last_tokens_that_tell_nothing_apart_and_have_substitutes() -> None:
    def rule(kept: frozenset[int]) -> float:
        return 0.9 * (bool(kept & {0, 18}) and bool(kept & {3, 17})) + 0.02 * len(kept & {5, 6, 7, 8, 9})

    found = told(rule, 20)
    assert found.k(EPSILON) == found.k_of("recency", EPSILON) == 3
    assert found.kept(EPSILON) == (17, 18, 19)
    assert min(found.k_of(path, EPSILON) for path in ("forward", "removal")) > 3


def test_far_tokens_that_are_needed_together_are_found() -> None:
    """Neither helps alone, and neither is among the last: the run in which they stand is missed as a whole."""
    for far in ({40, 45}, {9, 95}):
        found = told(lambda kept, far=far: far <= kept, 190)
        assert set(found.kept(EPSILON)) == {*far, 189}
        assert found.k_of("removal", EPSILON) == 3
    alone = told(lambda kept: 7 in kept, 190)
    assert alone.kept(EPSILON) == (7, 189)


def test_far_tokens_of_seven_runs_that_are_needed_together_are_overlooked() -> None:
    """What the bound costs in a long window: six of the runs are ranked. In a short one all tokens are."""
    far = {9, 20, 40, 50, 95, 120, 140}
    assert told(lambda kept: far <= kept, 190).k(EPSILON) > 100
    assert told(lambda kept: far - {9} <= kept, 190).k(EPSILON) == 7
    assert told(lambda kept: {5, 15, 25, 35, 45, 55, 65} <= kept, 81).k(EPSILON) == 8


@pytest.mark.parametrize("questions", [SEVEN, GRID])
def test_planted_tokens_are_found_in_a_whole_window(questions: tuple[Question, ...]) -> None:
    """As in the meter's window for text, where the search cannot rank all tokens."""
    text = PlantedText(questions, body=255)
    engine, rng = Oracle(text), np.random.default_rng(5)
    for number, question in enumerate(questions):
        contexts = text.examples(number, 4, rng)[0].tokens
        assert {found.k(EPSILON) for found in measure_all(engine, nothing(engine), contexts)} == {question.k}


def test_the_last_tokens_are_candidates_even_if_none_helps_alone() -> None:
    def rule(kept: frozenset[int]) -> float:
        return 1.0 if {10, 95} <= kept else 0.3 * (10 in kept) + 0.001 * len(kept & set(range(20, 80)))

    found = told(rule, 100)
    assert found.order["forward"][:3].tolist() == [99, 10, 95]
    assert found.k_of("forward", EPSILON) == 3


def test_nothing_is_needed_where_nothing_matters() -> None:
    found = told(lambda kept: True, 12)
    assert (found.k(EPSILON), found.kept(EPSILON)) == (1, (11,))
    assert found.kl_at_one == pytest.approx(0)


def test_all_is_needed_where_all_matters() -> None:
    found = told(lambda kept: len(kept) == 12, 12)
    assert (found.k(EPSILON), found.kept(EPSILON)) == (12, tuple(range(12)))
    assert found.kl_at_one == pytest.approx(np.log(2), abs=0.01)


@pytest.mark.parametrize("window", [1, 2, 3])
def test_shortest_contexts(window: int) -> None:
    found = told(lambda kept: len(kept) == window, window)
    assert found.k(EPSILON) == window
    assert found.sizes == tuple(range(1, window + 1))


def test_a_set_suffices_up_to_the_tolerance() -> None:
    kl = {path: np.array([0.3, 0.06, 0.05, 0.0]) for path in PATHS}
    order = {path: np.array([3, 2, 1, 0]) for path in PATHS}
    found = Measurement(kl, order, np.log([0.5, 0.5]))
    assert [found.k(epsilon) for epsilon in (0.3, 0.29, 0.06, 0.05, 0.0499)] == [1, 2, 2, 3, 4]
    assert found.kept(0.06) == (2, 3)


# ── Paths ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def random_engine(window: int, encoding: str = "rope") -> tuple[Engine, Parameters]:
    config = ModelConfig(n_tokens=7, width=8, n_layers=2, n_heads=2, encoding=encoding, n_ids=window)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    parameters = Parameters.drawn(config, rng, np.float64)
    parameters.flat += rng.normal(0, 0.4, parameters.flat.shape)
    return Engine(config, dtype=np.float64, threads=1), parameters


def law(engine: Engine, parameters: Parameters, context: np.ndarray, kept: list[int]) -> np.ndarray:
    """The prediction from kept tokens, one at a time and in the plainest way."""
    from idealized_model.transformer import Batch

    at = np.array([kept])
    query, one = np.array([[len(kept) - 1]]), np.ones((1, 1), np.float32)
    logits = engine.logits(parameters, Batch(context[at], at, query, query, one))[0][0, 0]
    weights = np.exp(logits)
    return np.asarray(weights / weights.sum())


@pytest.mark.parametrize("window", [9, 90])
def test_a_path_is_an_order_of_all_tokens_and_its_divergences_are_those_of_its_sets(window: int) -> None:
    engine, parameters = random_engine(window)
    context = np.random.default_rng(3).integers(0, 7, window)
    found = measure(engine, parameters, context)
    full = law(engine, parameters, context, list(range(window)))
    assert np.exp(found.log_probabilities) == pytest.approx(full)
    assert found.entropy == pytest.approx(-(full * np.log(full)).sum())
    for path in PATHS:
        order = found.order[path].tolist()
        assert order[0] == window - 1
        assert sorted(order) == list(range(window))
        for size, kl in zip(found.sizes, found.kl[path], strict=True):
            part = law(engine, parameters, context, sorted(order[:size]))
            assert kl == pytest.approx((full * np.log(full / part)).sum(), abs=1e-9)
    assert found.order["recency"].tolist() == list(range(window))[::-1]
    rest = found.order["removal"][82:].tolist()  # with 90 tokens 33 of the last ones and six runs of 8 are ranked
    assert rest == sorted(rest, reverse=True)


def test_each_step_of_the_forward_path_takes_the_best() -> None:
    window = 12
    engine, parameters = random_engine(window)
    context = np.random.default_rng(4).integers(0, 7, window)
    found = measure(engine, parameters, context)
    full = law(engine, parameters, context, list(range(window)))

    def kl(kept: list[int]) -> float:
        return float((full * np.log(full / law(engine, parameters, context, sorted(kept)))).sum())

    order = found.order["forward"].tolist()
    for size in range(1, meter.GREEDY):
        others = [i for i in range(window) if i not in order[:size]]
        assert order[size] == min(others, key=lambda i, size=size: kl([*order[:size], i]))  # type: ignore[misc]
    seventh = [i for i in range(window) if i not in order[: meter.GREEDY]]
    assert order[meter.GREEDY :] == sorted(seventh, key=lambda i: kl([*order[: meter.GREEDY - 1], i]))
    costs = {i: kl([j for j in range(window) if j != i]) for i in range(window - 1)}
    assert found.order["removal"].tolist()[1:] == sorted(costs, key=lambda i: -costs[i])


def test_behind_the_greedy_steps_come_the_other_candidates_and_then_all_else_by_what_it_does_alone() -> None:
    window = 80
    engine, parameters = random_engine(window)
    context = np.random.default_rng(8).integers(0, 7, window)
    order = measure(engine, parameters, context).order["forward"].tolist()
    full = law(engine, parameters, context, list(range(window)))
    alone = {
        i: (full * np.log(full / law(engine, parameters, context, [i, window - 1]))).sum() for i in range(window - 1)
    }
    recent = set(range(window - 1 - meter.RECENT, window - 1))
    n = 1 + meter.RECENT + meter.SINGLES
    assert recent < set(order[1:n])
    last = np.array([alone[i] for i in order[n:]])
    assert (np.diff(last) > -1e-9).all()  # equals come in any order
    assert last.min() > max(alone[i] for i in set(order[1:n]) - recent) - 1e-9


def test_equal_tokens_are_taken_from_the_nearest_on() -> None:
    found = told(lambda kept: False, 100)
    for path in PATHS:
        assert found.order[path].tolist() == list(range(100))[::-1]


def test_candidates_come_before_all_others_even_if_they_did_worse_later() -> None:
    found = told(lambda kept: {2: 0.5, 100: 1.0}.get(len(kept), 0.0), 100)
    assert found.order["forward"].tolist() == list(range(100))[::-1]


@pytest.mark.parametrize("window", [9, 68])
def test_how_the_work_is_cut_changes_nothing(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, parameters = random_engine(window)
    contexts = np.random.default_rng(5).integers(0, 7, (3, window))
    whole = list(measure_all(engine, parameters, contexts))
    monkeypatch.setattr(meter, "ROWS", 200)
    monkeypatch.setattr(meter, "CONTEXTS", 2)
    for one, other, context in zip(whole, measure_all(engine, parameters, contexts), contexts, strict=True):
        alone = measure(engine, parameters, context)
        for path in PATHS:
            same = slice(None, 40)  # among the last ones are equals, but for rounding
            assert (
                one.order[path][same].tolist() == other.order[path][same].tolist() == alone.order[path][same].tolist()
            )
            assert one.kl[path] == pytest.approx(other.kl[path], abs=1e-12)
            assert one.kl[path] == pytest.approx(alone.kl[path], abs=1e-12)


def test_no_divergence_is_negative() -> None:
    """The sum of its terms is, by rounding, where the prediction is as from the whole context."""
    config = ModelConfig(n_tokens=50, width=8, n_layers=1, n_heads=1)
    parameters = Parameters.drawn(config, np.random.default_rng(0))
    contexts = np.random.default_rng(1).integers(0, 50, (10, 12))
    found = list(measure_all(Engine(config, threads=1), parameters, contexts))
    assert min(kl.min() for one in found for kl in one.kl.values()) == 0


def test_the_cost_that_is_said() -> None:
    engine = Told(lambda kept: False)
    measure(engine, nothing(engine), np.zeros(256, dtype=int))
    assert 18_500 < engine.seen < 19_500


def test_the_whole_context_suffices_whatever_rounding_says() -> None:
    """The divergence of the whole from itself is 0, and computed in single precision a little more."""
    kl = {path: np.array([0.7, 0.3, 2e-7]) for path in PATHS}
    found = Measurement(kl, {path: np.array([2, 1, 0]) for path in PATHS}, np.log([0.5, 0.5]))
    assert (found.k(1e-9), found.kept(1e-9)) == (3, (0, 1, 2))
    assert (found.k(0.3), found.k(0.29)) == (2, 3)


def test_sizes() -> None:
    assert sizes(1) == (1,)
    assert sizes(8) == tuple(range(1, 9))
    assert sizes(10) == (*range(1, 9), 10)
    assert sizes(256)[8:] == (10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256)


# ── Never below the truth ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_meter_is_never_below_what_all_sets_say() -> None:
    """Random rules that hold for larger sets too: what suffices is what holds one of a few sets."""
    rng, exact = np.random.default_rng(6), 0
    for _ in range(30):
        cores = [
            frozenset(rng.choice(7, rng.integers(1, 5), replace=False).tolist()) for _ in range(rng.integers(1, 4))
        ]
        engine = Told(lambda kept, cores=cores: any(core <= kept for core in cores))  # type: ignore[misc]
        context = np.zeros(8, dtype=int)
        found = measure(engine, nothing(engine), context)
        least = exhaustive(engine, nothing(engine), context, epsilon=EPSILON, largest=8)
        assert least is not None
        assert len(least) == 1 + min(map(len, cores)) <= found.k(EPSILON)
        assert any(core <= set(least) for core in cores)
        assert any(core <= set(found.kept(EPSILON)) for core in cores)
        assert len(found.kept(EPSILON)) == found.k(EPSILON)
        exact += len(least) == found.k(EPSILON)
    assert exact > 10


def test_exhaustive_tries_sets_of_the_last_tokens_up_to_a_size() -> None:
    engine, context = Told(lambda kept: {2, 5} <= kept), np.zeros(9, dtype=int)

    def tried(**options: int) -> tuple[int, ...] | None:
        return exhaustive(engine, nothing(engine), context, epsilon=EPSILON, **options)

    assert tried() == (2, 5, 8)
    assert tried(largest=2) is None
    assert tried(among=6) is None
    assert tried(among=7) == (2, 5, 8)
    sure = Told(lambda kept: True)
    assert exhaustive(sure, nothing(sure), context, epsilon=EPSILON) == (8,)


def test_exhaustive_goes_through_every_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "ROWS", 3)
    asked: list[frozenset[int]] = []
    engine = Told(lambda kept: bool(asked.append(kept)))  # type: ignore[func-returns-value]
    assert exhaustive(engine, nothing(engine), np.zeros(7, dtype=int), epsilon=EPSILON, largest=4, among=5) is not None
    sets = [frozenset({6, *others}) for size in range(4) for others in combinations(range(2, 6), size)]
    assert asked[1 : 1 + len(sets)] == sets[: len(asked) - 1]


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("epsilon", [0, -0.1, float("nan")])
def test_a_tolerance_is_positive(epsilon: float) -> None:
    engine = Told(lambda kept: True)
    found = measure(engine, nothing(engine), np.zeros(3, dtype=int))
    for ask in (
        lambda: found.k(epsilon),
        lambda: found.kept(epsilon),
        lambda: found.k_of("forward", epsilon),
        lambda: exhaustive(engine, nothing(engine), np.zeros(3, dtype=int), epsilon=epsilon),
    ):
        with pytest.raises(InvalidArgument, match=r"epsilon: got .*; expected a number > 0\. For instance 0\.05"):
            ask()


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (np.zeros(0, dtype=int), "int64 of shape"),
        (np.zeros(3), "float64 of shape"),
        (np.zeros((2, 3), dtype=int), "rows of at least one token"),
        (np.array([0, 2]), r"got tokens 0\.\.2; expected tokens 0\.\.1"),
        (np.array([-1, 1]), r"got tokens -1\.\.1"),
    ],
)
def test_contexts_are_rows_of_tokens_of_the_model(context: np.ndarray, message: str) -> None:
    engine = Told(lambda kept: True)
    with pytest.raises(InvalidArgument, match=message):
        measure(engine, nothing(engine), context)
    with pytest.raises(InvalidArgument, match=message):
        exhaustive(engine, nothing(engine), context, epsilon=EPSILON)


def test_a_table_of_ids_is_long_enough() -> None:
    engine, parameters = random_engine(6, "learned")
    assert measure(engine, parameters, np.zeros(6, dtype=int)).sizes[-1] == 6
    with pytest.raises(InvalidArgument, match="got 7 tokens; expected at most 6"):
        measure(engine, parameters, np.zeros(7, dtype=int))


def test_exhaustive_says_what_is_too_much() -> None:
    engine, context = Told(lambda kept: True), np.zeros(60, dtype=int)
    with pytest.raises(BudgetExceeded, match="budget of 1,000"):
        exhaustive(engine, nothing(engine), context, epsilon=EPSILON, budget=1000)
    with pytest.raises(InvalidArgument, match="largest"):
        exhaustive(engine, nothing(engine), context, epsilon=EPSILON, largest=0)
    with pytest.raises(InvalidArgument, match="among"):
        exhaustive(engine, nothing(engine), context, epsilon=EPSILON, among=61)
