"""Where a trained model looks on one instance, a panel a head, beside what the predicted tokens depend on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from figures.own.places import Places, laid_out
from figures.plot import Plot, Row, Rows
from figures.style import MAP, SMALLEST, Style, entry
from idealized_model.transformer import Trainer
from idealized_model.transformer.data import batch_of, ids_of
from idealized_model.transformer.training import alone
from theory.coordinates import Ids, written
from theory.errors import InvalidArgument, check, check_type, of_the_machine
from theory.tasks import Instance, Task
from theory.tasks.faults import sampled
from theory.tasks.wrapped import Wrapped

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

WHERE = "attention"
TOKENS = 120
"""Tokens of an instance at most."""

HEADS = 16
"""Panels at most; of a model with more heads one a layer, the mean of its heads."""


def draw_attention(
    trainer: Trainer,
    instance: Instance,
    *,
    ids: Ids | None = None,
    axes: Axes | Iterable[Axes] | None = None,
    style: Style | None = None,
) -> Figure:
    """Draw the attention of every layer and head of a trained model on one instance; dots are the dependency sets.

    A row is a predicted token, from the token before it; a column is a token that it may look at.

    Parameters
    ----------
    trainer : a trained model, as `Trainer.load` gives it.
    instance : of the task that it was trained on, as a sequence.
    ids : what the model sees; default: those of a test, where IDs that training shifts are counted from 0.
    axes : an Axes a head, layer by layer (with more than 16 heads, a layer); default: a new figure.
    style : its size.

    Raises
    ------
    InvalidArgument : for more than 120 tokens, or another number of Axes.

    Examples
    --------
    >>> from idealized_model.transformer import TrainConfig
    >>> trainer = Trainer(TrainConfig("copy", "coupled", longest=3, n_ids=8, width=8, layers=1, heads=2))
    >>> figure = draw_attention(trainer, trainer.task.solve((0, 1, 2)))
    >>> [axes.get_title() for axes in figure.axes[:2]]
    ['layer 1, head 1', 'layer 1, head 2']

    Cost: one forward pass.
    """
    return draw(rows_of(trainer, instance, ids), style or Style(), axes)


def instance_of(trainer: Trainer, prompt: str | None, length: int | None, seed: int = 0) -> Instance:
    """The instance of a prompt, given as symbols with spaces between or without; or a random one of a length.

    Raises
    ------
    InvalidArgument : for a prompt that the task does not have.
    """
    task, rng = trainer.task, np.random.default_rng(seed)
    if prompt is None:
        return sampled(task, length or trainer.config.longest, rng, WHERE)
    tokens, fix = _tokens(task, prompt), "Give one as python -m figures dependencies draws it."
    try:
        check(_is_prompt(task, tokens), WHERE, "--prompt", prompt, expected=f"a prompt of {task.name}", fix=fix)
        return _solved(task, tokens)
    except InvalidArgument:
        raise
    except Exception as error:  # of a task of one's own
        if of_the_machine(error):
            raise
        got, expected = f"{prompt!r}, which it does not solve: {error}", f"a prompt of {task.name}"
        raise InvalidArgument(WHERE, "--prompt", got=got, expected=expected, fix=fix) from None


def _solved(task: Task, tokens: tuple[int, ...]) -> Instance:
    return task.changed(_solved(task.task, tokens)) if isinstance(task, Wrapped) else task.solve(tokens)


def _is_prompt(task: Task, tokens: tuple[int, ...]) -> bool:
    """Whether some length has this prompt; tasks that list their instances instead of `choices` are not asked."""
    if isinstance(task, Wrapped):
        return _is_prompt(task.task, tokens)
    if type(task).choices is Task.choices:
        return True
    every = (task.choices(n) for n in range(task.min_length, len(tokens) + 1))
    own = next((choices for choices in every if len(choices) == len(tokens)), None)
    return own is not None and all(token in allowed for token, allowed in zip(tokens, own, strict=True))


def _tokens(task: Task, prompt: str) -> tuple[int, ...]:
    """Symbols with spaces between; where there are none, the longest symbol that fits each time."""
    if " " in prompt.strip():
        return task.tokens(prompt)
    symbols, left = sorted(task.alphabet, key=len, reverse=True), prompt.strip()
    words: list[str] = []
    while left:
        word = next((one for one in symbols if one and left.startswith(one)), left)
        words.append(word)
        left = left[len(word) :]
    return task.tokens(" ".join(words))


def rows_of(trainer: Trainer, instance: Instance, ids: Ids | None = None) -> list[Row]:
    """A row a layer, head, predicted token and token that it may look at: the weight, and whether it is read.

    Raises
    ------
    InvalidArgument
    """
    where = "draw_attention"
    check_type(trainer, Trainer, where, "trainer", "a trained model", "For instance Trainer.load(path).")
    check_type(instance, Instance, where, "instance", "an Instance", "For instance trainer.task.sample(5, rng).")
    n = len(instance.tokens)
    check(n <= TOKENS, where, "instance", got=f"{n} tokens", expected=f"at most {TOKENS}", fix="Draw a shorter one.")
    config, task = trainer.config, trainer.task
    if ids is None:
        rng = np.random.default_rng(0)
        ids = ids_of(instance, config.how, config.n_ids, rng, training=False, shifted=False)
    batch = batch_of([instance], [ids], trainer.increments)
    with alone():
        layers = trainer.engine.attention(trainer.parameters, batch)
    queries, texts = batch.queries[0].tolist(), [task.text((token,)) for token in instance.tokens]
    last = len(layers) - 1  # which is asked at the queries alone
    weights = [one[0] if i == last else one[0][:, queries] for i, one in enumerate(layers)]  # (H, S, T)
    named = [(layer, str(h), own) for layer, w in enumerate(weights, 1) for h, own in enumerate(w, 1)]
    if len(named) > HEADS:
        named = [(layer, "mean", w.mean(axis=0)) for layer, w in enumerate(weights, 1)]
    read = {step.position - 1: set(step.sources) for step in instance.steps}
    return [
        {
            "layer": layer, "head": head, "predicted": query + 1, "predicted_text": texts[query + 1], "key": key,
            "key_text": texts[key], "key_id": written(ids[key]), "weight": round(float(own[row, key]), 6),
            "read": key in read[query],
        }
        for layer, head, own in named
        for row, query in enumerate(queries)
        for key in range(query + 1)
    ]  # fmt: skip


def draw(rows: Rows, style: Style, axes: Axes | Iterable[Axes] | None = None) -> Figure:
    """A panel a head."""
    kinds = list(dict.fromkeys((row["layer"], row["head"]) for row in rows))
    names = [f"layer {layer}, {f'head {head}' if head != 'mean' else 'mean of heads'}" for layer, head in kinds]
    predicted = sorted({row["predicted"] for row in rows})
    keys = {row["key"]: row["key_text"] for row in rows}
    across = min(4, len(kinds))
    side = (style.width - 0.4) / min(across, len(kinds))
    height = min(max(0.8, side * len(predicted) / len(keys)) + 0.55, 4.0)
    norm = Normalize(0, max(row["weight"] for row in rows) or 1)
    with laid_out(PLOT.title) as made:
        places = Places(axes, names, "draw_attention", style, across=across, narrow=2, height=height, extra=0.3)
        for number, (own, kind, name) in enumerate(zip(places.axes, kinds, names, strict=True)):
            mine = [row for row in rows if (row["layer"], row["head"]) == kind]
            grid = np.full((len(predicted), len(keys)), np.nan)
            for row in mine:
                grid[predicted.index(row["predicted"]), row["key"]] = row["weight"]
            own.imshow(grid, cmap=MAP, norm=norm, aspect="auto", interpolation="nearest", gid="weights")
            dots = [(row["key"], predicted.index(row["predicted"])) for row in mine if row["read"]]
            own.plot([x for x, _ in dots], [y for _, y in dots], gid="read", **_READ)
            _ticks(own, keys, predicted, {r["predicted"]: r["predicted_text"] for r in mine}, style, len(kinds))
            own.set_title(name)
            own.grid(visible=False)
            if number == 0 or (style.columns == 1 and number % 2 == 0):
                own.set_ylabel("predicted")
        mass = [entry("in the dependency set", **_READ)]
        if not places.given:
            bar = places.figure.colorbar(
                ScalarMappable(norm, colormaps[MAP]), ax=places.axes, location="right", fraction=0.04, pad=0.02,
                aspect=30,
            )  # fmt: skip
            bar.ax.set_title("weight")
            bar.ax.grid(visible=False)
            bar.outline.set_visible(False)
        places.legend(mass, columns=1)
        made.append(places.figure)
    return places.figure


_READ: dict[str, Any] = {
    "linestyle": "none", "marker": "o", "markersize": 3.6, "markerfacecolor": "none", "color": "#e42536",
    "markeredgewidth": 0.8, "clip_on": False, "zorder": 4,
}  # fmt: skip


def _ticks(
    axes: Axes, keys: dict[int, str], predicted: list[int], texts: dict[int, str], style: Style, n_panels: int
) -> None:
    """Symbols where they can be read, else every so many positions."""
    across = min(n_panels, 4 if style.columns == 2 else 2)
    room = 72 * (style.width / across - 0.45)
    for axis, names in ((axes.xaxis, [*keys.values()]), (axes.yaxis, [texts[i] for i in predicted])):
        numbers = [*keys] if axis is axes.xaxis else predicted
        widest = max(map(len, names)) * SMALLEST * 0.65 + 2
        if axis is axes.xaxis and widest * len(names) > room:
            step = -(-len(names) * 14 // int(room))
            axis.set_ticks(range(0, len(names), step), [str(n) for n in numbers[::step]])
        elif axis is axes.yaxis and (SMALLEST + 2) * len(names) > room * len(predicted) / len(keys) + 30:
            step = max(1, -(-len(names) * 10 // max(int(room * len(predicted) / len(keys)), 1)))
            axis.set_ticks(range(0, len(names), step), [str(n) for n in numbers[::step]])
        else:
            axis.set_ticks(range(len(names)), [name.replace("$", r"\$") for name in names])


def alt(rows: Rows) -> str:
    """How much of the attention of every head goes to what is read."""
    said = []
    for layer, head in dict.fromkeys((row["layer"], row["head"]) for row in rows):
        own = [row for row in rows if (row["layer"], row["head"]) == (layer, head)]
        queries = {row["predicted"] for row in own}
        mass = sum(row["weight"] for row in own if row["read"]) / len(queries)
        said.append(f"layer {layer}, {'mean of its heads' if head == 'mean' else f'head {head}'}: {mass:.2f}")
    return (
        "Where a trained model looks on one instance: for every layer and head the weight that each predicted token gives to "
        f"each token before it; circles mark what it depends on. Mean weight on that: {'; '.join(said)}."
    )


PLOT = Plot(WHERE, "Attention of a trained model, and what its predictions depend on", draw, alt)
