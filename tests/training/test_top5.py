"""Top-1 and top-5 errors of an evaluation, against a count by sorting."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from gengap.training.objective import evaluate, misclassified


@pytest.mark.parametrize("classes", [3, 12])
def test_errors_are_those_counted_by_sorting(classes):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(90, classes, generator=generator)
    labels = torch.randint(0, classes, (90,), generator=generator)
    parts = [(logits[k : k + 40], labels[k : k + 40]) for k in (0, 40, 80)]

    class Images(SimpleNamespace):
        def __len__(self):
            return 90

    images = Images(labels=labels, from_files=True, evaluation_batches=lambda _, part: parts)
    found = evaluate(nn.Identity(), images, torch.float32, bf16=False)
    ranks = (logits.argsort(1, descending=True) == labels[:, None]).int().argmax(1)
    assert found.error == pytest.approx(100 * (ranks > 0).float().mean().item())
    wrong = misclassified(nn.Identity(), images, bf16=False)
    assert (wrong == (ranks > 0).numpy()).all()
    assert found.top5_error == pytest.approx(100 * (ranks > 4).float().mean().item())
    images.from_files = False
    assert evaluate(nn.Identity(), images, torch.float32, bf16=False)[1:] == (found.error, None)
