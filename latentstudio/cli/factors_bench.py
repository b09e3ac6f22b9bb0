"""``latentstudio factors bench``: time to the same quality against the published protocol, in one run."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from latentstudio.cli.output import Output, table
from latentstudio.errors import LearningError
from latentstudio.generators.opening import open_model

SUMMARY = "time to the same effect against the published protocol"


def add_options(action: argparse.ArgumentParser) -> None:
    """The action's own options."""
    action.add_argument("model", metavar="MODEL")
    action.add_argument("--factor", required=True, metavar="NAME")


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Learn both ways and compare."""
    model = open_model(arguments.model, device=arguments.device, runtime="eager")
    try:
        from latentstudio.tasks.factors import bench_steps  # brings torch, which the options do without

        steps = bench_steps(model, arguments.factor, seed=output.drew(arguments.seed or 0))
        last = output.follow(steps, f"learning {arguments.factor} both ways")
    finally:
        model.close()
    plain = getattr(last, "plain", None)
    if last is None or plain is None or not last.ours:
        raise LearningError("the comparison was not finished", action="let it run to its end")
    ours = last.ours[-1]
    reached = ours.effect >= plain.effect
    ratio = round(plain.seconds / ours.seconds, 2)
    output.say(table([
        ("", "starts", "seconds", "effect", "r2"),
        ("published protocol", f"{plain.starts}", f"{plain.seconds:.1f}", f"{plain.effect:.3g}", f"{plain.r2:.2f}"),
        *((f"ours, {row.starts} starts", f"{row.starts}", f"{row.seconds:.1f}", f"{row.effect:.3g}", f"{row.r2:.2f}")
          for row in last.ours),
    ]))
    output.say(f"{ratio:g} times as fast to the same effect" if reached else "the same effect was not reached")
    output.result({
        "model": model.card.name, "factor": arguments.factor, "ours": asdict(ours), "plain_protocol": asdict(plain),
        "ratio": ratio if reached else None, "tried": [asdict(row) for row in last.ours],
    })
