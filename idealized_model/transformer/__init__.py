"""The small transformer: a trained counterpart of the idealised head, in NumPy.

The idealised head is what the theorems speak of: a score and an answer a view, exact, chosen freely. This is what
gradient descent finds in a real architecture, in floats; no theorem here speaks of it, and runs of it are evidence beside
the verdicts (`proofs_check.verdicts.comparison`); but for a model of attention alone, which `as_head` reads as the soft
head that it is. The two share the tasks of `theory` and no code: nothing of `head`, `risk`,
`counting`, `enumeration` and `learning` imports this package, nor does it import them.

`config` holds the sizes and the parameters, `engine` and `passes` the way through the model, forward and back, `encodings`
how IDs enter, `data` how tasks become a `batch` and `source` what else does, `optimizer` a step down, `training` the way there
and checkpoints, `evaluation` the scores, `runs`
and `sweeps` whole runs and many of them, `results` their rows, `exporting` what other frameworks train on, and `soft_head` what
a model of attention alone is.
"""

from idealized_model.transformer.batch import Batch
from idealized_model.transformer.config import ModelConfig, Parameters
from idealized_model.transformer.data import POSITIONS, Positions
from idealized_model.transformer.engine import Engine
from idealized_model.transformer.evaluation import Score, attention_mass, evaluate, rollout
from idealized_model.transformer.exporting import export
from idealized_model.transformer.optimizer import Diverged, Optimizer
from idealized_model.transformer.soft_head import ModelHead, Prediction, as_head, predicted_accuracy
from idealized_model.transformer.source import Source
from idealized_model.transformer.training import TrainConfig, Trainer

__all__ = [
    "POSITIONS",
    "Batch",
    "Diverged",
    "Engine",
    "ModelConfig",
    "ModelHead",
    "Optimizer",
    "Parameters",
    "Positions",
    "Prediction",
    "Score",
    "Source",
    "TrainConfig",
    "Trainer",
    "as_head",
    "attention_mass",
    "evaluate",
    "export",
    "predicted_accuracy",
    "rollout",
]
