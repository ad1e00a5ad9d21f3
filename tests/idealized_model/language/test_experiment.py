"""A protocol carried out: runs that resume, and rows that say what was measured of which text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest

from idealized_model.language import Tokens, experiment, measure
from idealized_model.language.experiment import (
    damage_of,
    far_of,
    folder_of,
    is_done,
    jobs,
    judged,
    measured,
    row_of,
    tokens_of,
    train,
)  # fmt: skip
from idealized_model.language.protocol import Protocol, read_protocol
from idealized_model.transformer.results import Row
from tests.idealized_model.language.small import protocol as small
from theory.errors import InvalidArgument


@cache
def trained() -> tuple[Protocol, Path]:
    """The small protocol, with every cell trained."""
    folder = Path(mkdtemp(prefix="lengthgen-language-"))
    protocol = read_protocol(small(folder, seeds=1))
    for cell in protocol.cells:
        train(protocol, cell, folder / "runs")
    return protocol, folder / "runs"


@cache
def rows() -> dict[str, Row]:
    protocol, runs = trained()
    return {str(job).rpartition("/witches.txt/")[2]: row_of(job, runs) for job in jobs(protocol, protocol.cells, runs)}


def test_tokens_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = read_protocol(small(tmp_path))
    (corpus,) = protocol.corpora
    first = tokens_of(protocol, corpus, tmp_path / "runs")
    monkeypatch.setattr("idealized_model.language.tokenizer.Tokenizer.train", None)
    again = tokens_of(protocol, corpus, tmp_path / "runs")
    assert again.digest == first.digest
    monkeypatch.undo()
    Path(corpus).write_text(Path(corpus).read_text() + "another line\n")
    assert tokens_of(protocol, corpus, tmp_path / "runs").digest != first.digest


def test_kept_tokens_of_another_text_are_refused(tmp_path: Path) -> None:
    protocol, other = read_protocol(small(tmp_path)), tmp_path / "other.txt"
    other.write_text(Path(protocol.corpora[0]).read_text().replace("rain", "snow"))
    for corpus in (str(other), protocol.corpora[0]):
        tokens_of(protocol, corpus, tmp_path / "runs")
    names = [next((tmp_path / "runs" / "tokens").glob(f"{name}-*.npz")) for name in ("other.txt", "witches.txt")]
    names[0].replace(names[1])
    with pytest.raises(InvalidArgument, match=r"of another text; expected the corpus\. Remove it: it is made again"):
        tokens_of(protocol, protocol.corpora[0], tmp_path / "runs")


def test_a_run_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = read_protocol(small(tmp_path))
    cell = protocol.cells[1]
    runs = tmp_path / "runs"
    assert not is_done(protocol, cell, runs)
    whole = train(protocol, cell, runs)
    assert is_done(protocol, cell, runs)
    ticks: list[int] = []

    def interrupt(steps: int) -> None:
        ticks.append(steps)
        if sum(ticks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("idealized_model.transformer.runs.SAVE_EVERY", 0)
    with pytest.raises(KeyboardInterrupt):
        train(protocol, cell, tmp_path / "other", tick=interrupt)
    assert not is_done(protocol, cell, tmp_path / "other")
    resumed = train(protocol, cell, tmp_path / "other")
    assert (resumed.parameters.flat == whole.parameters.flat).all()
    assert folder_of(cell, runs) == runs / "witches.txt" / "pose-4" / "0"


def test_a_changed_text_is_another_run(tmp_path: Path) -> None:
    protocol = read_protocol(small(tmp_path))
    cell = protocol.cells[1]
    train(protocol, cell, tmp_path / "runs")
    Path(cell.corpus).write_text(Path(cell.corpus).read_text() * 2)
    experiment._tokens.cache_clear()
    for go in (train, is_done):
        with pytest.raises(InvalidArgument, match="expected that of the checkpoint"):
            go(protocol, cell, tmp_path / "runs")
    experiment._tokens.cache_clear()


def test_measured_tokens_have_a_window_before_them_and_one_behind() -> None:
    held_out = np.arange(5 * 20).reshape(5, 20)
    tokens = Tokens("counted", "", "", None, held_out, held_out)  # type: ignore[arg-type]
    for n in (1, 4, 23, 80):
        block, position = measured(tokens, n, 4)
        assert len(set(zip(block.tolist(), position.tolist(), strict=True))) == n
        assert np.ptp(np.bincount(block, minlength=5)) <= 1
        contexts, targets = experiment.contexts_of(tokens, block, position, 4)
        assert (contexts[:, -1] + 1 == targets).all()
        assert (np.diff(contexts) == 1).all()
        assert (contexts[:, 0] // 20 == targets // 20).all()
    assert (position.min(), position.max()) == (3, 18)
    with pytest.raises(InvalidArgument, match="got 81 of 'counted', whose held-out blocks have 80 tokens to measure"):
        measured(tokens, 81, 4)


def test_every_row_says_what_it_is_of() -> None:
    protocol, runs = trained()
    tokens = tokens_of(protocol, protocol.corpora[0], runs)
    found = rows()
    assert list(found) == ["meter from token 0", "meter from token 64", "pose-4/0", "alibi-4/0", "alibi-16/0"]
    for row in found.values():
        assert row["corpus_digest"] == tokens.corpus_digest
        assert row["tokenizer"] == tokens.tokenizer.digest
        assert row["tokens"] == tokens.digest
        assert row["versions"]["numpy"] == np.__version__
        assert row["steps"] == 6
    assert [row["seed"] for row in found.values()] == [1, 1, 0, 0, 0]
    assert len({(row["digest"], row["code"]) for row in found.values()}) == len(found)


def test_the_meter_is_asked_about_every_token() -> None:
    protocol, runs = trained()
    tokens = tokens_of(protocol, protocol.corpora[0], runs)
    meter = train(protocol, protocol.cells[0], runs)
    first, second = (rows()[f"meter from token {start}"] for start in (0, 64))
    block, position = measured(tokens, 70, 16)
    assert first["block"] + second["block"] == block.tolist()
    assert first["position"] + second["position"] == position.tolist()
    assert [len(first["entropy"]), len(second["entropy"]), second["start"]] == [64, 6, 64]
    contexts, targets = experiment.contexts_of(tokens, block, position, 16)
    for i in (0, 5):
        found = measure(meter.engine, meter.parameters, contexts[64 + i])  # type: ignore[arg-type]
        assert second["k"][0][i] == found.k(0.05)
        assert second["k"][1][i] == found.k(0.2)
        assert second["recency_k"][1][i] == found.k_of("recency", 0.2)
        assert second["entropy"][i] == pytest.approx(found.entropy, abs=1e-4)
        assert second["kl_at_one"][i] == pytest.approx(found.kl_at_one, abs=1e-4)
        assert second["full"][i] == pytest.approx(-found.log_probabilities[targets[64 + i]], abs=1e-4)
    assert all(0 <= few <= 3 for few in first["few"])
    assert set(first["mean_kl"]) == {"forward", "removal", "recency"}
    assert len(first["mean_kl"]["forward"]) == len(first["sizes"])


def test_a_judged_model_is_asked_at_its_length_and_at_the_window() -> None:
    protocol, runs = trained()
    tokens = tokens_of(protocol, protocol.corpora[0], runs)
    block, position = measured(tokens, 70, 16)
    for cell in protocol.cells[1:]:
        row, trainer = rows()[cell.path], train(protocol, cell, runs)
        for name, length in (("before", cell.length), ("after", 16)):
            for i in (0, 69):
                contexts, targets = experiment.contexts_of(tokens, block[[i]], position[[i]], length)
                law = measure(trainer.engine, trainer.parameters, contexts[0]).log_probabilities  # type: ignore[arg-type]
                assert row[name][i] == pytest.approx(-law[targets[0]], abs=2e-4)
        assert row["contexts"] == [4, 16]
        assert row["by_context"][1] == pytest.approx(np.mean(row["after"]), abs=1e-4)
        assert row["by_context"][row["contexts"].index(cell.length)] == pytest.approx(np.mean(row["before"]), abs=1e-4)
        counts = np.bincount(block)
        for mean, of_blocks in zip(row["by_context"], row["by_block"], strict=True):
            assert np.average(of_blocks, weights=counts) == pytest.approx(mean, abs=1e-4)
    assert rows()["alibi-16/0"]["before"] == rows()["alibi-16/0"]["after"]


def test_rows_depend_on_all_that_is_said() -> None:
    protocol, runs = trained()
    data: dict[str, Any] = small(runs.parent, seeds=1)
    keys = {job.key for job in jobs(protocol, protocol.cells, runs)}
    same = read_protocol(data)
    assert {job.key for job in jobs(same, same.cells, runs)} == keys
    for changes, kept in (
        ({"tokens": 71}, 0), ({"epsilons": [0.05]}, 3), ({"contexts": [4, 8, 16]}, 2), ({"vocabulary": 270}, 0),
        ({"window": 20}, 0), ({"models": [one | {"name": one["name"] + "2"} for one in data["models"]]}, 2),
        ({"meter": {"length": 9}}, 3), ({"defaults": data["defaults"] | {"steps": 7}}, 0),
    ):  # fmt: skip
        other = read_protocol(data | changes)
        assert len(keys & {job.key for job in jobs(other, other.cells, runs)}) == kept, changes


def test_a_model_that_is_not_trained_is_refused(tmp_path: Path) -> None:
    protocol = read_protocol(small(tmp_path))
    (job, *_) = jobs(protocol, protocol.cells[2:3], tmp_path / "runs")
    with pytest.raises(InvalidArgument, match="expected an existing checkpoint"):
        row_of(job, tmp_path / "runs")


def made_up(model: str, length: int, seed: int, **lists: Any) -> Row:
    """A row of five tokens of two blocks."""
    return {
        "corpus": "a",
        "tokens": "0",
        "window": 256,
        "steps": 9,
        "model": model,
        "length": length,
        "seed": seed,
    } | lists


def made_up_rows() -> list[Row]:
    k = {"k": [[1, 2, 3, 4, 5]], "recency_k": [[1, 2, 3, 4, 9]], "few": [0] * 5, "distance": [0, 64, 8, 9, 200]}
    k["epsilons"] = [0.05]
    numbers = {name: [1.0, 2.0, 3.0, 4.0, 5.0] for name in ("entropy", "kl_at_one", "full")}
    return [
        made_up("meter", 256, 7, start=0, block=[0, 0, 0, 1, 1], position=[1, 2, 3, 4, 5], **k, **numbers),
        made_up("short", 8, 1, before=[3.0, 4.0, 1.0, 2.0, 6.0], after=[3.5, 3.5, 1.0, 2.0, 5.0]),
        made_up("short", 8, 0, before=[1.0, 2.0, 1.0, 2.0, 4.0], after=[1.5, 2.5, 1.0, 2.0, 3.0]),
        made_up("long", 256, 0, before=[1.0] * 5, after=[1.0, 2.0, 1.0, 2.0, 1.0]),
        made_up("long", 256, 1, before=[1.0] * 5, after=[2.0, 2.0, 1.0, 2.0, 2.0]),
    ]


def test_damage_is_of_all_seeds() -> None:
    damage = damage_of(made_up_rows(), "a", "short", 8)
    assert damage.before.tolist() == [[1.0, 2.0, 1.0, 2.0, 4.0], [3.0, 4.0, 1.0, 2.0, 6.0]]
    assert damage.after[1].tolist() == [3.5, 3.5, 1.0, 2.0, 5.0]
    assert (damage.k.tolist(), damage.recency_k.tolist()) == ([1, 2, 3, 4, 5], [1, 2, 3, 4, 9])
    assert damage.block.tolist() == [0, 0, 0, 1, 1]
    assert list(judged(made_up_rows())) == [("a", "long", 256), ("a", "short", 8)]


def test_far_context_is_worth_what_copied_tokens_lose() -> None:
    found = far_of(made_up_rows(), "a", "short", 8)
    copied, other = found["far"], found["other"]
    assert copied[0].k.tolist() == [2, 4, 5]  # from 64, 9 and 200 tokens back, not from 8
    assert other[0].k.tolist() == [1, 3]
    assert copied[0].values.tolist() == [[0.0, 0.0, 2.5], [2.0, 0.0, 4.5]]
    assert copied[1].values.tolist() == [[-0.5, 0.0, 1.0], [0.5, 0.0, 1.0]]
    worse = made_up("another", 256, 0, before=[1.0] * 5, after=[3.0] * 5)
    elsewhere = made_up("better", 256, 0, before=[0.0] * 5, after=[0.0] * 5) | {"corpus": "b"}
    again = far_of([*made_up_rows(), worse, elsewhere], "a", "short", 8)["far"]
    assert again[0].values.tolist() == copied[0].values.tolist()
    assert far_of(made_up_rows(), "a", "long", 256) == {}
    meter, *short = made_up_rows()[:3]
    alone = far_of([meter, *short], "a", "short", 8)["far"]  # it has 2.5 with all, in the mean, and the meter 3
    assert alone[0].values.tolist() == [[-1.0, 0.0, 0.0], [1.0, 0.0, 2.0]]
    assert alone[1].values.tolist() == copied[1].values.tolist()
    better = far_of([meter | {"full": [1.0, 2.0, 1.0, 2.0, 1.0]}, *short], "a", "short", 8)["far"]
    assert better[0].values.tolist() == [[0.0, 0.0, 3.0], [2.0, 0.0, 5.0]]
    for window, needed in ((200, [2, 4, 5]), (199, [2, 4])):  # what stands before the window is of no use
        narrow = far_of([row | {"window": window} for row in made_up_rows()[:3]], "a", "short", 8)
        assert narrow["far"][0].k.tolist() == needed
    near = [row | ({"distance": [0, 8, 0, 1, 3]} if row["model"] == "meter" else {}) for row in made_up_rows()]
    assert list(far_of(near, "a", "short", 8)) == ["other"]
    plain = made_up_rows()
    del plain[0]["distance"]
    assert far_of(plain, "a", "short", 8) == {}


def test_rows_that_do_not_belong_together_are_refused() -> None:
    whole = made_up_rows()
    for rows, message in (
        (whole[1:], "none of the meter of 'a'"),
        ([whole[0] | {"start": 64}, *whole[1:]], "with gaps between them"),
        ([whole[0], whole[0] | {"start": 5, "seed": 8}, *whole[1:]], "some of several meters"),
        ([whole[0], whole[1] | {"tokens": "1"}], "some of a/short-8 on other tokens than the meter's"),
        ([whole[0], whole[1] | {"after": [1.0]}], "some of a/short-8 on other tokens than the meter's"),
        ([whole[0], whole[3]], "none of a/short-8"),
        ([*whole, whole[1] | {"code": "2"}], "got several of a seed, or of several trainings, of a/short-8"),
        ([*whole[:2], whole[2] | {"steps": 10}], "got several of a seed, or of several trainings, of a/short-8"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            damage_of(rows, "a", "short", 8)


def test_copies_say_how_far_they_are(tmp_path: Path) -> None:
    data = small(tmp_path, block=256, tokens=64)
    protocol = read_protocol(data | {"corpora": [f"{data['corpora'][0]}+copies"]})
    train(protocol, protocol.cells[0], tmp_path / "runs")
    (job,) = jobs(protocol, protocol.cells[:1], tmp_path / "runs")
    row = row_of(job, tmp_path / "runs")
    tokens = tokens_of(protocol, protocol.corpora[0], tmp_path / "runs")
    for block, position, distance in zip(row["block"], row["position"], row["distance"], strict=True):
        assert distance == tokens.held_out_distances[block, position + 1]  # type: ignore[index]
    assert any(row["distance"])


def test_the_measured_tokens_are_what_they_were() -> None:
    held_out = np.arange(5 * 20).reshape(5, 20)
    block, position = measured(Tokens("counted", "", "", None, held_out, held_out), 12, 4)  # type: ignore[arg-type]
    assert list(zip(block.tolist(), position.tolist(), strict=True)) == [
        (0, 3),
        (0, 4),
        (1, 13),
        (1, 15),
        (2, 10),
        (2, 12),
        (2, 18),
        (3, 11),
        (3, 18),
        (4, 6),
        (4, 13),
        (4, 15),
    ]
