"""Exercises: run a check on an answer and say in one line how it went."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor


def numbers(answer: Any) -> Float64[Tensor, "..."]:
    """What an answer says: a number, a list, a NumPy array, or a tensor of any type; ``AssertionError`` with a hint otherwise."""
    try:
        if isinstance(answer, list | tuple):
            return torch.stack([numbers(part) for part in answer])
        return torch.as_tensor(answer).detach().cpu().double()
    except (TypeError, ValueError, RuntimeError):
        raise AssertionError(f"the check cannot read this answer as numbers: it is of the type {type(answer).__name__}") from None


def attempt(check: Callable[..., None], *answer: Any) -> None:
    """Run `check` on the answer, print ``right`` or ``not yet`` with the reason.

    A check raises ``AssertionError`` with a hint. What is not filled in yet (``...``, or a function that raises
    ``NotImplementedError``) is said to be so; any other exception is named. Nothing is raised, so that "run all" goes on.
    """
    if not __debug__:  # a check is made of assertions, and an answer that nothing looked at is not right
        print("not yet: checks are off under python -O; start Python without it, and without PYTHONOPTIMIZE")
        return
    try:
        if any(part is ... for part in answer):
            raise AssertionError("your answer goes where the dots are")
        check(*answer)
    except NotImplementedError:
        print("not yet: your code is missing")
    except AssertionError as error:
        print("not yet:", (str(error) or "the check does not hold").splitlines()[0])
    except Exception as error:
        print(f"not yet: {type(error).__name__}: {error}")
    else:
        print("right")
