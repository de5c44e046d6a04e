"""Max pooling in Triton against torch's, bit for bit: on a GPU, or else in Triton's interpreter."""

import os
import subprocess
import sys

import pytest
import torch

pytest.importorskip("triton")

CASES = [(3, 2), (2, 2), (3, 1), (3, 3), (2, 3), (5, 2)]

# Ties are frequent: values have one decimal. Prints the cases that differ.
COMPARE = """
import sys, torch
from torch.nn import functional as F
from gengap.layers.max_pool import max_pool
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(0)
for size, stride in eval(sys.argv[1]):
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        for shape in ((2, 3, 11, 9), (2, 64, 6, 8), (1, 5, size, size + 1)):
            images = torch.randn(shape).round(decimals=1).to(device, dtype)
            images = images.to(memory_format=torch.channels_last).requires_grad_()
            found, expected = max_pool(images, size, stride)[0], F.max_pool2d(images, size, stride)
            # Whole numbers, whose sums are exact in any order
            gradient = torch.randint(-4, 5, expected.shape, device=device).to(dtype)
            gradients = [torch.autograd.grad(y, images, gradient)[0] for y in (found, expected)]
            if not (torch.equal(found, expected) and torch.equal(*gradients)):
                print("differs:", size, stride, dtype, shape)
            assert found.is_contiguous(memory_format=torch.channels_last)
print("compared on", device)
"""


def test_equals_torch_for_values_and_gradients() -> None:
    environment = os.environ | ({} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"})
    done = subprocess.run(
        [sys.executable, "-c", COMPARE, repr(CASES)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("compared on cpu", "compared on cuda")
