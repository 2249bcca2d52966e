"""Conditions over what the stepper shows, such as `f[2] < 0.1`, `c[2] changes sign`, `token == "("`, `any f < 0.05`.

A condition is read by a small grammar of its own and never by Python, so that text from anywhere is safe to read:

    condition   comparison, `not` condition, `any` or `all` condition, condition `and` or `or` condition, (condition)
    comparison  number < number, also <= > >= == !=, and chains such as 0.1 < f[2] < 0.9;
                number `changes sign`, number `changes`; token == "text", token != "text", token `changes`
    number      0.1, 1e-3, f[2], x[1], z_f[2], t, number + - * number, - number, abs(number), (number)

From tight to loose: unary -, then *, then + and -, then comparisons, then not, any and all, then and, then or. The
names are the gates and states of the cell, z_ before a gate's name for its pre-activation, x for the input, t for the
number of the timestep, and token. Units, features and timesteps count from 1, as on the screen. A name stands without a
number after `any` or `all`, where it is all units at once, and in a layer that has only one.

What is not a number compares with nothing: every comparison with it is False. `changes` looks at the timestep before,
and is False at the first. `changes sign` is True where one of the two is negative and the other is not. Numbers are
compared in the layer's own precision, so x[1] == 0.1 is True of a float32 0.1.
"""

from unrolled.conditions.completion import complete, finish
from unrolled.conditions.condition import Condition
from unrolled.conditions.grammar import parse
from unrolled.conditions.search import Search, search, within

__all__ = ["Condition", "Search", "complete", "finish", "parse", "search", "within"]
