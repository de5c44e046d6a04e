"""Ghost batch norm (Hoffer, Hubara & Soudry 2017, Algorithm 1) in place of torch's batch norm.

In training mode, a batch is split into ghost batches X^1 ... X^n of `ghost_size` consecutive samples, each
normalized with its own statistics, as a small batch would be. Per channel:

    mu^l = mean(X^l)        var^l = mean((X^l - mu^l)^2)
    Y^l = gamma (X^l - mu^l) / sqrt(var^l + eps) + beta        with gamma and beta shared by all l

Outputs, gradients and running statistics match those of ordinary batch norm called on X^1, X^2, ... in turn:

    mu_run <- (1 - eta)^n mu_run + sum over l of eta (1 - eta)^(n - l) mu^l        with eta = momentum

and likewise for the variance, using the unbiased var^l as torch does. Algorithm 1 as printed uses different
weights, (1 - eta)^|B_S| for mu_run and eta (1 - eta)^l for mu^l. They don't sum to one (they sum to 0.87 for
eta = 0.1, n = 32, |B_S| = 128), so every update would pull the running statistics towards zero. The authors'
released code runs the network on one ghost batch after another, which gives the average above.

In evaluation mode, ghost batch norm is ordinary batch norm. In any project, use GhostBatchNorm1d/2d/3d in
place of BatchNorm1d/2d/3d, or convert() an existing network; revert() undoes the conversion. This folder can
be copied into another project under any name and depends only on torch: 2.11 or newer to compile and export,
older versions to train. It is part of gengap, under the MIT license; keep the license text with any copy.
"""

from .conversion import convert, revert
from .layers import GhostBatchNorm1d, GhostBatchNorm2d, GhostBatchNorm3d

__all__ = ["GhostBatchNorm1d", "GhostBatchNorm2d", "GhostBatchNorm3d", "convert", "revert"]
