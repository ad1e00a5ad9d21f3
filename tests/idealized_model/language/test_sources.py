"""Sources: which tokens, IDs and targets batches have; on a text that counts, so that a token says where it stands."""

from __future__ import annotations

import zlib
from itertools import pairwise

import numpy as np
import pytest

from idealized_model.language import Alternating, Chunked, Gapped, Tokenizer, Tokens, Windows
from idealized_model.language.sources import TextSource
from idealized_model.transformer import Batch
from theory.errors import InvalidArgument

COUNTED = np.arange(3 * 300).reshape(3, 300)
TEXT = Tokens("counted", "0", "", Tokenizer((), ""), COUNTED, COUNTED)


def drawn(source: TextSource, steps: int = 50) -> list[Batch]:
    return [source.batch(step, np.random.default_rng([7, step])) for step in range(steps)]


def check_rows(batch: Batch) -> None:
    """What holds of every batch: one text, IDs that increase, and true successors."""
    on = batch.weights > 0
    assert (batch.targets == batch.tokens + 1)[on].all()
    assert (batch.tokens // 300 == batch.targets // 300).all()  # in one block
    assert (batch.queries == np.arange(batch.tokens.shape[1])).all()
    assert batch.weights.dtype == np.float32
    for ids, weights in zip(batch.ids, on, strict=True):
        assert (np.diff(ids[weights]) > 0).all()
        assert (np.diff(weights.astype(int)) <= 0).all()  # what only fills the row stands at its end
        assert weights[0]


def test_windows_are_consecutive() -> None:
    batches = drawn(Windows(TEXT, 20, 100))
    for batch in batches:
        check_rows(batch)
        assert batch.tokens.shape == (5, 20)
        assert (batch.ids == np.arange(20)).all()
        assert (np.diff(batch.tokens) == 1).all()
        assert batch.weights.all()


def test_windows_come_from_anywhere() -> None:
    starts = np.concatenate([batch.tokens[:, 0] for batch in drawn(Windows(TEXT, 290, 2900), 100)])
    assert set((starts % 300).tolist()) == set(range(10))  # the last one has its last target at the block's end
    assert set((starts // 300).tolist()) == {0, 1, 2}


def test_chunks_have_one_gap() -> None:
    batches = drawn(Chunked(TEXT, 8, 80, window=12), 200)
    ids = np.concatenate([batch.ids for batch in batches])
    for batch in batches:
        check_rows(batch)
        assert (np.diff(batch.tokens) == 1).all()
    assert (ids[:, 0] == 0).all()
    steps = np.diff(ids)
    assert ((steps > 1).sum(axis=1) <= 1).all()
    assert set(steps.max(axis=1).tolist()) == {1, 2, 3, 4, 5}
    assert set(np.argmax(steps > 1, axis=1)[steps.max(axis=1) > 1].tolist()) == set(range(7))
    gaps = np.bincount(steps.max(axis=1))[1:]
    assert gaps.max() / gaps.min() < 1.4  # uniform
    assert (Chunked(TEXT, 1, 8, window=5).batch(0, np.random.default_rng(0)).ids < 5).all()


def test_gaps_keep_the_ids_of_the_window() -> None:
    for batch in drawn(Gapped(TEXT, 32, 320, window=100)):
        check_rows(batch)
        assert batch.tokens.shape == (10, 32)
        assert batch.ids.min() >= 0
        assert batch.ids.max() < 100
        offset = batch.tokens - batch.ids
        assert (offset == offset[:, :1]).all()
        assert (batch.ids[:, 1:] == batch.ids[:, :-1])[batch.weights[:, 1:] == 0].all()


def test_gaps_reach_all_over_the_window() -> None:
    source = Gapped(TEXT, 64, 1024, window=256)
    batches = drawn(source, 100)
    kept = [ids[weights > 0] for batch in batches for ids, weights in zip(batch.ids, batch.weights, strict=True)]
    numbers = np.array([len(ids) for ids in kept])
    assert numbers.min() < 8
    assert numbers.max() == 64
    counts = np.bincount(np.concatenate(kept), minlength=256)
    assert counts.min() > 0.3 * counts.mean()


def test_of_too_many_kept_tokens_half_of_the_rows_have_the_earliest() -> None:
    (whole,), (part,) = (drawn(Gapped(TEXT, n, 1000 * n, window=256), 1) for n in (256, 16))
    found = []
    for all_ids, weights, ids in zip(whole.ids, whole.weights, part.ids, strict=True):
        kept = all_ids[weights > 0].tolist()
        if len(kept) > 60:
            first = kept.index(ids[0])
            assert kept[first : first + 16] == ids.tolist()
            found.append(first / (len(kept) - 16))
    assert np.mean(np.array(found) == 0) == pytest.approx(0.51, abs=0.05)
    assert max(found) == 1
    assert np.mean([share for share in found if share]) == pytest.approx(0.5, abs=0.05)


def test_runs_have_the_lengths_that_are_said() -> None:
    source = Gapped(TEXT, 256, 256_000, window=256)
    (batch,) = drawn(source, 1)
    kept = np.zeros((1000, 256), dtype=bool)
    np.put_along_axis(kept, batch.ids, True, axis=1)
    assert kept[:, -1].all()
    # The run that the window ends with has 1/m for the chance to be one token; log m is uniform from 0 to log 12.
    alone = np.mean(~kept[:, -2])
    assert alone == pytest.approx((1 - 1 / 12) / np.log(12), abs=0.04)
    # What is left out behind it: log m is uniform from 0 to log 40.
    end = 255 - np.argmax(~kept[:, ::-1], axis=1)
    inside = end > 0
    alone = np.mean(kept[inside, end[inside] - 1])
    assert alone == pytest.approx((1 - 1 / 40) / np.log(40), abs=0.04)


def test_a_meter_sees_whole_windows_and_gaps_by_turns() -> None:
    source = Alternating(TEXT, 16, 256, window=128)
    for step, batch in enumerate(drawn(source, 6)):
        check_rows(batch)
        assert batch.tokens.shape == ((2, 128) if step % 2 else (16, 16))
        like = Windows(TEXT, 128, 256) if step % 2 else Gapped(TEXT, 16, 256, window=128)
        assert (batch.ids == drawn(like, 6)[step].ids).all()


def test_batches_are_functions_of_the_generator() -> None:
    for source in (Windows(TEXT, 8), Chunked(TEXT, 8), Gapped(TEXT), Alternating(TEXT)):
        one, other = drawn(source, 3), drawn(source, 3)
        assert all((a.tokens == b.tokens).all() and (a.ids == b.ids).all() for a, b in zip(one, other, strict=True))
        assert all(not np.array_equal(a.tokens, b.tokens) for a, b in pairwise(one))


def test_digests_tell_sources_apart() -> None:
    other = Tokens("counted", "1", "", TEXT.tokenizer, COUNTED, COUNTED)
    sources = [
        Windows(TEXT, 64), Windows(other, 64), Windows(TEXT, 65), Windows(TEXT, 64, 512), Chunked(TEXT, 64),
        Chunked(TEXT, 64, window=200), Gapped(TEXT), Gapped(TEXT, window=200), Alternating(TEXT),
    ]  # fmt: skip
    assert len({source.digest for source in sources}) == len(sources)
    assert Windows(TEXT, 64).digest == Windows(TEXT, 64, 1024).digest
    assert {source.n_tokens for source in sources} == {256}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Windows(TEXT, 300),
            "Windows: argument length: got 300, with blocks of 300 tokens; expected less than",
        ),
        (lambda: Gapped(TEXT, window=300), "Gapped: argument window: got 300, with blocks of 300"),
        (lambda: Alternating(TEXT, window=4096), "Alternating: argument window: got 4,096"),
        (lambda: Windows(TEXT, 0), "length: got 0"),
        (lambda: Windows(TEXT, 64, 63), "tokens_per_batch: got 63"),
        (lambda: Alternating(TEXT, 64, 255), "tokens_per_batch: got 255"),
        (lambda: Gapped(TEXT, window=0), "window: got 0"),
        (lambda: Chunked(TEXT, 64, window=63), "Chunked: argument window: got 63"),
        (lambda: Windows(COUNTED, 3), "text: got the ndarray"),
        (lambda: Windows(TEXT, 2.5), "length: got 2.5"),
    ],
)
def test_windows_that_do_not_fit_are_refused(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidArgument, match=message):
        call()


def test_the_longest_windows_fit() -> None:
    for source in (Windows(TEXT, 299), Gapped(TEXT, window=299), Chunked(TEXT, 64, window=64)):
        for batch in drawn(source, 3):
            check_rows(batch)


def test_batches_are_what_they_were() -> None:
    """Runs go on from checkpoints, and rows are compared: what is drawn may change only with a digest."""
    found = {}
    for source in (
        Windows(TEXT, 8, 64),
        Chunked(TEXT, 8, 64, 32),
        Gapped(TEXT, 8, 64, 32),
        Alternating(TEXT, 8, 64, 32),
    ):
        (batch,) = drawn(source, 1)
        content = np.concatenate([batch.tokens.ravel(), batch.ids.ravel(), batch.weights.ravel().astype(np.int64)])
        found[type(source).__name__] = (source.digest, zlib.crc32(content.tobytes()))
    assert found == {
        "Windows": ("e634aeb189ae8fa2", 333500012),
        "Chunked": ("5d1b4d1a70077c37", 3771858462),
        "Gapped": ("47fa1858478343e7", 1346600937),
        "Alternating": ("3f35916b4a93b20a", 1346600937),
    }
