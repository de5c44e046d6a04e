"""`gengap plan`: a small-batch recipe adapted to a large batch by each of the paper's methods."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gengap.cli import options
from gengap.errors import DONE
from gengap.plan.question import OPTIONAL, REQUIRED, read_question

JSON = "--json"
KEYS = (*REQUIRED, *OPTIONAL)
SPEC = options.Spec("plan", flags=(JSON,), keys=KEYS)

HELP = """\
usage: gengap plan small_batch=256 large_batch=4096 lr=0.1 epochs=90 milestones=30,60,80 dataset_size=1281167

Prints how each of the paper's methods adapts a recipe that works at small_batch to large_batch.

  small_batch, large_batch, dataset_size   in samples
  lr, epochs       of the recipe; lr may list one rate per phase: lr=0.1,0.02,0.004
  milestones       epochs at which the next phase starts (default: none)
  gamma            factor on the learning rate at each milestone, if lr is one number (default: 0.1)
  ghost_size       must divide the large batch (default: the small batch, at most the paper's 128)
  warmup_epochs    linear warm-up from the recipe's learning rate to the scaled one (default: 0)
  clip_norm        L2 norm that the loop below clips the gradient to (default: the released code's 5)
  optimizer        sgd, which takes momentum (0.9), or adam, which takes betas (0.9,0.999)
  micro_batch      samples that fit into memory at a time, a multiple of ghost_size
  method           whose training loop to print: lb_lr, lb_gbn or lb_ra (default: lb_ra)
  noise_scale      of the gradient, in samples, or the record of gengap landscape walk that measured it: up to
                   which batch size more samples per update should pay
  results_dir      folder with the report of your own runs, if any (default: results)
  --json           print JSON
"""


def main(arguments: Sequence[str]) -> int:
    """Print the plan; return the exit code.

    Raises:
        UserError: an argument is unknown, missing or invalid.
    """
    typed = options.read(SPEC, arguments)
    if typed.asks_for_help:
        print(HELP, end="")
        return DONE
    print(answer(typed.values(KEYS), as_json=JSON in typed.flags))
    return DONE


def answer(values: Mapping[str, str], *, as_json: bool = False) -> str:
    """Format the plan as text or JSON, given unparsed values by key.

    Raises:
        UserError: a value is missing or invalid.
    """
    from gengap.plan.evidence import TABLES, closed_in_paper, own_rows
    from gengap.plan.methods import plan
    from gengap.plan.reasons import reasons
    from gengap.plan.snippet import snippet
    from gengap.plan.text import expectations, loop, regimes

    question = read_question(values)
    methods, own = plan(question), own_rows(question.results_dir)
    notes, code = reasons(question, methods), snippet(question, methods)
    if as_json:
        found: dict[str, Any] = {
            "methods": [asdict(p) for p in methods],
            "notes": notes,
            "noise_scale": asdict(question.noise_scale) if question.noise_scale else None,
            "paper": [asdict(closed_in_paper(t)) for t in TABLES],
            "records": [asdict(row) for row in own],
            "code": code,
        }
        return json.dumps(found, indent=1, ensure_ascii=False)
    title = (
        f"From batch {question.small_batch:,} to {question.large_batch:,}, {question.dataset_size:,} samples "
        "per epoch.\nColumns are cumulative, as in the paper: +GBN is LB+LR+GBN, +RA is LB+LR+GBN+RA."
    )
    why = "\n".join(textwrap.fill(f"- {note}", 100, subsequent_indent="  ") for note in notes)
    parts = (
        title,
        regimes(question, methods),
        why,
        expectations(question, own),
        f"{loop(question)}:\n\n{code}",
    )
    return "\n\n".join(part.rstrip("\n") for part in parts)
