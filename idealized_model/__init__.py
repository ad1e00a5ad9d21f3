"""The machines of the theory: evaluate heads exactly and in float64, measure their risk, enumerate all of them."""

from idealized_model.enumeration import HeadSpace
from idealized_model.head import HeadOutput, SparseAttentionHead
from idealized_model.risk import SampledLoss, abstention, loss, sampled_loss

__all__ = [
    "HeadOutput",
    "HeadSpace",
    "SampledLoss",
    "SparseAttentionHead",
    "abstention",
    "loss",
    "sampled_loss",
]
