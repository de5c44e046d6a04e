"""The gradient of a batch's loss, accumulated over micro-batches and over ranks."""

import torch
from torch import Tensor, nn

from gengap.config.schema import Config
from gengap.data.device_images import DeviceImages
from gengap.training.engine import compiled
from gengap.training.flat import Flat
from gengap.training.objective import sample_losses
from gengap.training.team import Team

ADVERSARIAL = 0.5  # weight of the adversarial images' loss (Goodfellow et al. 2015, section 6)


class Backward:
    """Computes the gradient of a batch: its forward and backward passes.

    Args:
        config: configuration of the run.
        model: network in training mode.
        train: training set, which turns a batch into images.
        flat: the model's parameters and their gradient.
        team: the ranks that share each batch.
        compile: whether to compile the forward pass and, with it, the backward pass.
    """

    def __init__(
        self,
        config: Config,
        model: nn.Module,
        train: DeviceImages,
        flat: Flat,
        team: Team,
        *,
        compile: bool,
    ) -> None:
        self._method, self._model, self._train, self._flat = config.method, model, train, flat
        self._team, self._bf16 = team, config.precision == "bf16"
        self._summed = compiled(self._summed_losses) if compile else self._summed_losses
        std = torch.tensor(config.data.std, device=train.labels.device).view(-1, 1, 1)
        self._perturbation = config.method.adversarial / std  # given for pixels in 0..1; here normalized

    def __call__(self, samples: int, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Write the gradient of the mean loss over `samples` samples, including noise, to `flat.gradient`.

        The inputs are this rank's share of the samples. Returns the mean loss without noise and the error
        rate (a fraction), both on the unperturbed images. The gradient is accumulated over micro-batches of
        whole ghost batches, which is exact because only batch norm couples samples. Adversarial images are
        perturbed by method.adversarial along the sign of the loss gradient with respect to the image, and are
        not clipped to the range of pixel values.
        """
        with self._team.collecting():
            loss, errors = self._passes(samples, inputs)
        return self._team.combine(samples, loss, errors)

    def _passes(self, samples: int, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        is_adversarial = self._method.adversarial > 0
        loss, errors = self._flat.weights.new_zeros(2).unbind()
        batch, noise = (inputs[:-1], inputs[-1]) if self._method.gradient_noise else (inputs, None)
        signs = []
        if not len(batch[0]):  # fewer ghosts than ranks
            self._flat.gradient.zero_()
        for part, weight in self._team.micro_batches(samples):
            images, labels = self._train.preprocess(tuple(t[part] for t in batch))
            if is_adversarial:
                images.requires_grad_()
            weighted, summed, wrong = self._summed(images, labels, None if noise is None else noise[part])
            if is_adversarial:
                share = (1 - ADVERSARIAL) * weight
                slope = self._collect(weighted * share, images, first=part.start == 0)
                signs.append(slope.sign().to(torch.int8))
            else:
                self._collect(weighted * weight, first=part.start == 0)
            loss += summed * weight
            errors += wrong.to(errors.dtype) / samples
        self._team.end_pass()
        if not is_adversarial:
            return loss, errors
        # After all unperturbed images, so that running statistics don't depend on the micro-batch size
        for (part, weight), sign in zip(self._team.micro_batches(samples), signs, strict=True):
            images, labels = self._train.preprocess(tuple(t[part] for t in batch))
            summed, _, _ = self._summed(images + self._perturbation * sign, labels, None)
            self._collect(summed * (ADVERSARIAL * weight), first=False)
        self._team.end_pass()
        return loss, errors

    def _collect(self, loss: Tensor, *others: Tensor, first: bool) -> Tensor:
        """Collect the gradient of the parameters; return that of the last tensor in `others`."""
        parameters = self._flat.parameters
        gradients = torch.autograd.grad(loss, [*parameters, *others], allow_unused=True)
        self._flat.collect(gradients[: len(parameters)], first=first)
        return gradients[-1]

    def _summed_losses(
        self, images: Tensor, labels: Tensor, noise: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the sum of losses times their noise, the sum without noise, and the number of errors."""
        losses, wrong = sample_losses(self._model, images, labels, self._flat.weights.dtype, bf16=self._bf16)
        weighted = losses if noise is None else losses * noise
        return weighted.sum(), losses.detach().sum(), wrong.sum()
