"""The small transformer: a trained counterpart of the idealised head, in NumPy.

`config` holds the sizes and the parameters, `engine` the forward and backward passes, `encodings` how IDs enter, `data`
how tasks become batches, `training` the optimizer, checkpoints and evaluation.
"""

from idealized_model.transformer.config import ModelConfig, Parameters
from idealized_model.transformer.data import POSITIONS, Positions
from idealized_model.transformer.engine import Batch, Engine
from idealized_model.transformer.evaluation import Score, attention_mass, evaluate, rollout
from idealized_model.transformer.training import Diverged, TrainConfig, Trainer

__all__ = [
    "POSITIONS",
    "Batch",
    "Diverged",
    "Engine",
    "ModelConfig",
    "Parameters",
    "Positions",
    "Score",
    "TrainConfig",
    "Trainer",
    "attention_mass",
    "evaluate",
    "rollout",
]
