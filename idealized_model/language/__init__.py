"""Natural language: how many tokens a prediction needs, and what models lose of text beyond the length of their training.

`meter` measures how many tokens a prediction needs, held against `planted` text, of which that is known.
"""

from idealized_model.language.meter import Measurement, exhaustive, measure, measure_all
from idealized_model.language.planted import FOUR_BITS, SEVEN, PlantedText, Question

__all__ = [
    "FOUR_BITS",
    "SEVEN",
    "Measurement",
    "PlantedText",
    "Question",
    "exhaustive",
    "measure",
    "measure_all",
]
