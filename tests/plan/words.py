"""What the tests of `gengap plan` type: the command's own example, and changes to it."""

from collections import OrderedDict

from gengap.plan.question import EXAMPLE

ISSUE = EXAMPLE.split()[2:]


def replaced(arguments, changes):
    values = OrderedDict(a.split("=", 1) for a in arguments)
    values.update(c.split("=", 1) for c in changes if "=" in c)
    return [f"{k}={v}" for k, v in values.items()] + [c for c in changes if "=" not in c]
