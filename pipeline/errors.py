"""The errors raised on purpose.

Every message is a sentence (in Chinese) that says which file and place, what is wrong and what to do::

    QunyanError                 exit code
    ├── InputRefused            4   the input cannot be used (file, columns, encoding)
    ├── LabelsRefused           4   labels cannot be trained on or compared
    ├── CodebookRefused         4   the codebook does not hold together
    ├── ModelRefused            4   the model is of another format, version or codebook
    ├── OutputRefused           4   the output folder holds something else; --force is asked for
    └── EnvironmentFault        5   disk, permission, folder in use

A record that cannot be classified is not an error: it becomes a `pipeline.records.Reject`.
"""

from __future__ import annotations


class QunyanError(Exception):
    """Base of the errors that a user can act on; `exit_code` is the command's exit code."""

    exit_code = 4


class InputRefused(QunyanError):
    """The input cannot be used: no such file, no text column, nothing to read."""


class LabelsRefused(QunyanError):
    """The labels cannot be used: unknown names, one class only, a missing column."""


class CodebookRefused(QunyanError):
    """The codebook does not hold together: duplicate ids, unknown columns."""


class ModelRefused(QunyanError):
    """The model folder is damaged, or of another format, version or codebook."""


class OutputRefused(QunyanError):
    """The output folder holds something else than this run."""


class EnvironmentFault(QunyanError):
    """The machine does not allow it: no space, no permission, the folder is in use."""

    exit_code = 5
