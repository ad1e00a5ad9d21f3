"""Natural language: how many tokens a prediction needs, and what models lose of text beyond the length of their training.

`corpora` holds the text, `tokenizer` and `tokens` what models see of it, and `sources` the batches that
`transformer.Trainer` trains on. `meter` measures how many tokens a prediction needs, held against `planted` text, of which
that is known; `damage` says whether what is lost rises with it.

Examples
--------
>>> corpus = load_corpus("excerpt")
>>> tokens = split(corpus, Tokenizer.train(corpus.training, 300))
>>> tokens.training.shape, tokens.held_out.shape, tokens.tokenizer.decode(tokens.held_out[0, :20])
((29, 4096), (4, 4096), 'SCENE III. The same.\\nKn')
>>> source = Gapped(tokens)
>>> source.n_tokens, source.rows
(300, 16)
"""

from idealized_model.language.corpora import Corpus, load_corpus
from idealized_model.language.damage import Damage, Mean, Permuted, Slope
from idealized_model.language.meter import Measurement, exhaustive, measure, measure_all
from idealized_model.language.planted import GRID, SEVEN, PlantedText, Question
from idealized_model.language.sources import Alternating, Chunked, Gapped, TextSource, Windows
from idealized_model.language.tokenizer import Tokenizer
from idealized_model.language.tokens import Tokens, split

__all__ = [
    "GRID",
    "SEVEN",
    "Alternating",
    "Chunked",
    "Corpus",
    "Damage",
    "Gapped",
    "Mean",
    "Measurement",
    "Permuted",
    "PlantedText",
    "Question",
    "Slope",
    "TextSource",
    "Tokenizer",
    "Tokens",
    "Windows",
    "exhaustive",
    "load_corpus",
    "measure",
    "measure_all",
    "split",
]
