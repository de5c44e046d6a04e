"""A column of the plan as a training loop in plain torch, ready to paste."""

from gengap.plan.methods import Planned
from gengap.plan.question import Question
from gengap.plan.reasons import scaled_betas

ADAPTED = "lb_ra"
_LOOP = """\
from itertools import islice

import torch
from torch.nn.functional import cross_entropy
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader
{imported}
# model and train_set are yours; add the weight decay of your recipe
{converted}optimizer = {optimizer}
{schedules}
loader = DataLoader(train_set, batch_size={batch_size}, shuffle=True, drop_last=True)


def batches():
    while True:
        yield from loader


for inputs, targets in islice(batches(), {updates}):  # {otherwise}: {other_updates}
    optimizer.zero_grad()
{backward}
    torch.nn.utils.clip_grad_norm_(model.parameters(), {clip_norm:g})  # every update, as in the released code
    optimizer.step()
    for schedule in schedules:
        schedule.step()
"""

_IMPORTED = "\nfrom gengap.ghost import convert\n"
_CONVERTED = "convert(model, ghost_size={size})  # every BatchNorm1d, 2d and 3d, in place\n"
_BACKWARD = "    cross_entropy(model(inputs), targets).backward()"
_MICRO_BATCHES = """\
    for x, y in zip(inputs.split({size}), targets.split({size})):  # whole ghosts: the same update
        (cross_entropy(model(x), y) * len(x) / len(inputs)).backward()"""


def snippet(question: Question, methods: tuple[Planned, ...]) -> str:
    """Generate Python code that trains with question.method, with the other number of updates in comments."""
    is_adapted = question.method == ADAPTED
    of = {p.method: p for p in methods}
    chosen, other = of[question.method], of["lb_gbn" if is_adapted else ADAPTED]
    otherwise = f"{'without' if is_adapted else 'with'} regime adaptation"
    micro, size = question.micro_batch, chosen.ghost_size
    return _LOOP.format(
        imported=_IMPORTED if size else "",
        converted=_CONVERTED.format(size=size) if size else "",
        optimizer=_optimizer(question, chosen.lr[0]),
        schedules=_schedules(question, chosen, other, otherwise),
        batch_size=chosen.batch_size,
        updates=f"{chosen.updates:_}",
        otherwise=otherwise,
        other_updates=f"{other.updates:_}",
        backward=_MICRO_BATCHES.format(size=micro) if micro else _BACKWARD,
        clip_norm=chosen.clip_norm,
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


def _schedules(question: Question, chosen: Planned, other: Planned, otherwise: str) -> str:
    """Generate step decay in updates and, if requested, warm-up; torch multiplies their factors."""
    milestones, others = (list(p.milestones_updates) for p in (chosen, other))
    lines = ["schedules = []"]
    if milestones:
        lines.append(f"milestones = {milestones}  # updates; {otherwise}: {others}")
    if milestones and question.gamma is not None:
        step = f"lr_scheduler.MultiStepLR(optimizer, milestones, gamma={float(question.gamma):g})"
        lines.append(f"schedules.append({step})")
    elif milestones:
        factors = [round(float(rate / question.lr[0]), 9) for rate in question.lr]
        lines.append(f"factors = {factors}")
        factor = "lambda update: factors[sum(m <= update for m in milestones)]"
        lines.append(f"schedules.append(lr_scheduler.LambdaLR(optimizer, {factor}))")
    if chosen.warmup_updates:
        start = float(question.lr[0]) / chosen.lr[0]
        lines.append(f"warmup = {chosen.warmup_updates}  # updates; {otherwise}: {other.warmup_updates}")
        climb = f"start_factor={start:.6g}, total_iters=warmup"
        lines.append(f"schedules.append(lr_scheduler.LinearLR(optimizer, {climb}))")
    return "\n".join(lines)
