"""From an exception to the one line that a user reads, or to None where it is a mistake of ours and its traceback is wanted."""

import os
import re
import sys
import tarfile
from http.client import HTTPException

from imggen_lib.errors import printable

_MEMORY = "not enough memory; try a smaller --batch, --width or --size"
# Where PyTorch has no type of its own for it: its CPU allocator's words, and C++'s.
_ALLOCATION = re.compile(r"DefaultCPUAllocator|can't allocate memory: you tried to allocate|^std::bad_alloc$")
_CAUGHT = re.compile(r"^Caught \w+ in DataLoader worker process \d+\.")  # PyTorch hands a worker's traceback on as a message
_RAISED = re.compile(r"^(?:(?:imggen_lib\.errors\.\w+|ValueError|OSError): )?(\S.*)", re.DOTALL | re.MULTILINE)


def in_one_line(error: BaseException) -> str | None:
    """What to tell a user of `error`; None for what only a developer understands."""
    if isinstance(error, MemoryError) or (kind := _torch_error(error)) == "memory" or _from_allocator(error):
        return _MEMORY
    if kind == "compiler":
        why = next(iter(str(error).strip().splitlines()), type(error).__name__)
        return _flat(f"--compile made no kernels; it needs a working C++ compiler, such as g++ or the one that CXX names ({why})")
    text = str(error)
    if _CAUGHT.match(text):
        return _flat(_from_worker(text))
    if isinstance(error, RuntimeError) and text.startswith("DataLoader worker (pid"):
        return "a process that reads images was ended from outside, perhaps for lack of memory; try fewer --workers"
    if isinstance(error, ValueError | OSError | OverflowError | HTTPException | tarfile.TarError | EOFError):
        return _flat(text) or type(error).__name__
    return _flat(text) if type(error).__name__ == "TrainingDiverged" else None


def _flat(text: str) -> str:
    return printable(" ".join(text.split()))


def _from_allocator(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and bool(_ALLOCATION.search(str(error)))


def _torch_error(error: BaseException) -> str:
    """``memory`` or ``compiler`` for PyTorch's types of error that mean it, else nothing; asks only what is loaded already."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.cuda.OutOfMemoryError):
        return "memory"
    dynamo = sys.modules.get("torch._dynamo.exc")
    return "compiler" if dynamo is not None and isinstance(error, dynamo.TorchDynamoException) else ""


def _from_worker(text: str) -> str:
    """What a worker raised at last, without its traceback."""
    _, _, rest = text.rpartition("Traceback (most recent call last):\n")
    raised = _RAISED.search(rest)
    return raised[1] if raised is not None else text.splitlines()[0]


def whole_variable(name: str, default: int) -> int:
    """The whole number in an environment variable; ``ValueError`` with its name for anything else."""
    text = os.environ.get(name) or str(default)
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"the environment variable {name} must be a whole number, got {text!r}") from None
