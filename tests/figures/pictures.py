"""Figures as small grey pictures: `python -m tests.figures.pictures` writes those that tests compare with."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from figures import store
from figures.plot import render
from figures.registry import PLOTS
from tests.figures import made_up

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread, imsave

FOLDER = Path(__file__).parent / "pictures"
SQUARE = 16
"""Pixels of the screen, at 100 a inch, for one of the small picture."""


def greys(figure: Figure) -> NDArray[np.uint8]:
    """The mean grey of every square."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3].mean(axis=2)
    height, width = (size // SQUARE * SQUARE for size in image.shape)
    squares = image[:height, :width].reshape(height // SQUARE, SQUARE, width // SQUARE, SQUARE)
    return squares.mean(axis=(1, 3)).round().astype(np.uint8)


def stored(name: str) -> NDArray[np.uint8]:
    """The picture that is stored."""
    image = imread(FOLDER / f"{name}.png")
    return (image[..., 0] * 255).round().astype(np.uint8)


def main() -> None:
    """Write every picture."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        for path in store.DATA.glob("*.json"):
            shutil.copy(path, data)
        made_up.write(data / "sparse-parity.jsonl", made_up.sparse_parity())
        made_up.write(data / "schemes.jsonl", made_up.schemes())
        made_up.write(data / "attention-only.jsonl", made_up.majority())
        made_up.write(data / "planted.jsonl", made_up.planted())
        made_up.save_language(data)
        for plot in PLOTS.values():
            small = greys(render(plot, store.rows_of(plot, data)))
            path = FOLDER / f"{plot.name}.png"
            imsave(path, small, cmap="gray", vmin=0, vmax=255, metadata={"Software": ""})


if __name__ == "__main__":
    main()
