"""The machines of the theory: evaluate heads exactly and in float64, count, measure risk, enumerate heads, learn them."""

from idealized_model.counting import (
    PrefixOutputs,
    chen_product,
    evaluate,
    evaluate_float,
    pattern_counts,
    prefix_outputs,
    prefix_outputs_float,
    signature,
    view_counts,
)
from idealized_model.enumeration import HeadSpace
from idealized_model.head import HeadOutput, SparseAttentionHead
from idealized_model.learning import eliminate, minimal
from idealized_model.risk import SampledLoss, abstention, exact_interval, loss, sampled_loss

__all__ = [
    "HeadOutput",
    "HeadSpace",
    "PrefixOutputs",
    "SampledLoss",
    "SparseAttentionHead",
    "abstention",
    "chen_product",
    "eliminate",
    "evaluate",
    "evaluate_float",
    "exact_interval",
    "loss",
    "minimal",
    "pattern_counts",
    "prefix_outputs",
    "prefix_outputs_float",
    "sampled_loss",
    "signature",
    "view_counts",
]
