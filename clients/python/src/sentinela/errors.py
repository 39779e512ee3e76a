"""The one exception of this package."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Where the server's messages, fields and rows have the number of a row: its lines of wrong rows, the first that is missing,
#: a field (``rows.7.payer``), a row of an online read (``rows[7]``).
_ROW_NUMBER = re.compile(
    r"(^  line |, the first in row |\A(?:rows|payments)\.|\A(?:the payment of )?rows\[)(\d+)", re.MULTILINE
)

#: The codes of docs/errors.md that may succeed when asked again later; the program's errors come without saying so.
RETRYABLE_CODES = frozenset(
    {
        "commit_conflict",
        "commit_undecided",
        "disk_full",
        "journal_full",
        "locked",
        "not_durable",
        "not_ready",
        "overloaded",
        "put_undecided",
        "state_damaged",
        "state_full",
        "storage_failed",
        "store_unavailable",
    }
)


class SentinelaError(Exception):
    """Whatever goes wrong at the server, in the program or on the way there.

    ``code`` is one of the codes of Sentinela's docs/errors.md, or one of this client's own:
    ``unreachable`` (no answer came), ``unexpected_answer`` (what answered is no Sentinela),
    ``missing_library`` (an extra of this package is not installed) and ``invalid_export`` (a folder
    that is no export). ``context`` holds the other members of the problem, such as ``field``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        retryable: bool = False,
        context: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.status = status
        self.retryable = retryable
        self.context: dict[str, object] = dict(context or {})


def problem_error(problem: Mapping[str, object], status: int | None) -> SentinelaError:
    """The error that a problem (RFC 9457) of the server tells of."""
    known = {"code", "detail", "status", "retryable", "type", "title"}
    return SentinelaError(
        str(problem.get("code", "unexpected_answer")),
        str(problem.get("detail", problem.get("title", "no detail was given"))),
        status=status,
        retryable=problem.get("retryable") is True,
        context={name: value for name, value in problem.items() if name not in known},
    )


def error_of_part(error: SentinelaError, start: int) -> SentinelaError:
    """The error of a request that was a part of the rows, with the rows counted from the first of all.

    :param start: how many rows came before the part.
    """

    def counted(text: str) -> str:
        return _ROW_NUMBER.sub(lambda found: f"{found[1]}{int(found[2]) + start}", text)

    context = dict(error.context)
    if isinstance(context.get("row"), int):
        context["row"] = int(str(context["row"])) + start
    for name in ("field", "row"):
        if isinstance(context.get(name), str):
            context[name] = counted(str(context[name]))
    return SentinelaError(
        error.code, counted(error.message), status=error.status, retryable=error.retryable, context=context
    )
