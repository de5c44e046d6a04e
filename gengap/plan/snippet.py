"""The last column of the plan as a training loop in plain torch, ready to paste."""

from gengap.plan.methods import Planned
from gengap.plan.question import Question
from gengap.plan.reasons import scaled_betas

_LOOP = """\
from itertools import islice

import torch
from torch.nn.functional import cross_entropy
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader

from gengap.ghost import convert

# model and train_set are yours; add the weight decay of your recipe
convert(model, ghost_size={ghost_size})  # every BatchNorm1d, 2d and 3d, in place
optimizer = {optimizer}
{schedules}
loader = DataLoader(train_set, batch_size={batch_size}, shuffle=True, drop_last=True)


def batches():
    while True:
        yield from loader


for inputs, targets in islice(batches(), {updates}):  # without regime adaptation: {updates_gbn}
    optimizer.zero_grad()
{backward}
    torch.nn.utils.clip_grad_norm_(model.parameters(), {clip_norm:g})
    optimizer.step()
    for schedule in schedules:
        schedule.step()
"""

_BACKWARD = "    cross_entropy(model(inputs), targets).backward()"
_MICRO_BATCHES = """\
    for x, y in zip(inputs.split({size}), targets.split({size})):  # whole ghosts: the same update
        (cross_entropy(model(x), y) * len(x) / len(inputs)).backward()"""


def snippet(question: Question, methods: tuple[Planned, ...]) -> str:
    """Generate Python code that trains with LB+LR+GBN+RA, with the numbers for LB+LR+GBN in comments."""
    gbn, adapted = (next(p for p in methods if p.method == m) for m in ("lb_gbn", "lb_ra"))
    micro = question.micro_batch
    return _LOOP.format(
        ghost_size=adapted.ghost_size,
        optimizer=_optimizer(question, adapted.lr[0]),
        schedules=_schedules(question, adapted, gbn),
        batch_size=adapted.batch_size,
        updates=f"{adapted.updates:_}",
        updates_gbn=f"{gbn.updates:_}",
        backward=_MICRO_BATCHES.format(size=micro) if micro else _BACKWARD,
        clip_norm=adapted.clip_norm,
    )


def _optimizer(question: Question, lr: float) -> str:
    if question.optimizer == "sgd":
        return f"torch.optim.SGD(model.parameters(), lr={lr:.6g}, momentum={float(question.momentum):g})"
    betas = scaled_betas(question)
    eps = ""
    if betas:
        root = (question.large_batch / question.small_batch) ** 0.5
        eps = f", eps=1e-8 / {root:.6g}"
    first, second = betas or (float(question.betas[0]), float(question.betas[1]))
    return f"torch.optim.Adam(model.parameters(), lr={lr:.6g}, betas=({first:.6g}, {second:.6g}){eps})"


def _schedules(question: Question, adapted: Planned, gbn: Planned) -> str:
    """Generate step decay in updates and, if requested, warm-up; torch multiplies their factors."""
    milestones, plain = (list(p.milestones_updates) for p in (adapted, gbn))
    lines = ["schedules = []"]
    if milestones:
        lines.append(f"milestones = {milestones}  # updates; without regime adaptation: {plain}")
    if milestones and question.gamma is not None:
        step = f"lr_scheduler.MultiStepLR(optimizer, milestones, gamma={float(question.gamma):g})"
        lines.append(f"schedules.append({step})")
    elif milestones:
        factors = [round(float(rate / question.lr[0]), 9) for rate in question.lr]
        lines.append(f"factors = {factors}")
        factor = "lambda update: factors[sum(m <= update for m in milestones)]"
        lines.append(f"schedules.append(lr_scheduler.LambdaLR(optimizer, {factor}))")
    if adapted.warmup_updates:
        start = float(question.lr[0]) / adapted.lr[0]
        lines.append(
            f"warmup = {adapted.warmup_updates}  # updates; without regime adaptation: {gbn.warmup_updates}"
        )
        climb = f"start_factor={start:.6g}, total_iters=warmup"
        lines.append(f"schedules.append(lr_scheduler.LinearLR(optimizer, {climb}))")
    return "\n".join(lines)
