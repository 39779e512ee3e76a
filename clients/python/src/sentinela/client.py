"""A running server, as Python sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from sentinela.answers import FeatureSet, OnlineFeatures, feature_set_of, online_features_of
from sentinela.connection import Connection
from sentinela.errors import SentinelaError, error_of_part
from sentinela.libraries import pyarrow

if TYPE_CHECKING:
    import pyarrow as pa

Answer = TypeVar("Answer")

#: A payment as /v1/score takes it, or the names of a row's entities.
Json = Mapping[str, Any]

#: What the server takes in one request.
MOST_ROWS = 100
MOST_PAYMENTS = 1000
MOST_HISTORICAL = 50_000
#: The server ends a historical read after this.
HISTORICAL_TIMEOUT_SECONDS = 600.0

ARROW_STREAM = "application/vnd.apache.arrow.stream"


class Client:
    """A client of one server; threads may share it.

    >>> with Client("http://127.0.0.1:8080") as client:
    ...     client.online([{"payer": "12345678|1|123456"}], features=["payer_count_24h"]).to_dicts()

    Every method raises :class:`SentinelaError`.
    """

    def __init__(self, url: str = "http://127.0.0.1:8080", *, timeout_seconds: float = 10.0) -> None:
        self._connection = Connection(url, timeout_seconds)
        # A historical read waits for its turn and then for the whole of silver.
        self._slow_connection = Connection(url, max(timeout_seconds, HISTORICAL_TIMEOUT_SECONDS))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections of the calling thread."""
        self._connection.close()
        self._slow_connection.close()

    def feature_sets(self) -> list[FeatureSet]:
        """The sets that are served; payments are scored with the first."""
        answer = self._connection.request("GET", "/v1/features")
        return [feature_set_of(one) for one in answer["featureSets"]]

    def feature_set(self, name: str | None = None) -> FeatureSet:
        """A set by its name; the first where none is given. Raises ``feature_not_found``."""
        sets = self.feature_sets()
        for one in sets:
            if name in (None, one.name, f"{one.name}@{one.version}"):
                return one
        served = ", ".join(f"{one.name}@{one.version}" for one in sets)
        raise SentinelaError("feature_not_found", f"no feature set {name} is served: there is {served}")

    def online(
        self,
        rows: Sequence[Json],
        *,
        features: Sequence[str] | None = None,
        feature_set: str | None = None,
        at: str | None = None,
    ) -> OnlineFeatures:
        """Reads features of rows as scoring would see them; nothing is recorded.

        A row names entities (``payer_ispb``, ``payer_branch``, ``payer_number``, … or the whole keys
        ``payer``, ``payee``, ``pair``), or is ``{"payment": {…}}``. More rows than the server takes at
        once are sent in several requests, so they may see different states.

        :param features: names in the order of the answer; all of the set where none are given.
        :param at: end of the windows of rows without a payment, RFC 3339 in UTC; now where it is not given.
        """
        if not rows:
            raise SentinelaError("usage", "no rows are given")
        asked = {"featureSet": feature_set, "features": features and list(features), "at": at}
        body = {name: value for name, value in asked.items() if value is not None}

        def read(part: list[Json], _: int) -> OnlineFeatures:
            return online_features_of(self._connection.request("POST", "/v1/features/online", body | {"rows": part}))

        parts = _in_parts(rows, MOST_ROWS, read)
        return OnlineFeatures(parts[0].feature_set, parts[0].features, tuple(row for part in parts for row in part.rows))

    def historical(
        self,
        payments: Sequence[tuple[str, str]] | None = None,
        *,
        rows: Sequence[Json] | None = None,
        features: Sequence[str] | None = None,
        feature_set: str | None = None,
        statuses: bool = False,
    ) -> pa.Table:
        """Reads features as they were, from the lake. Needs the extra ``arrow``.

        Features are doubles, null where absent, a row each in the order of what was asked. More rows than the server
        takes at once are sent in several requests, so they may see different versions of the tables.

        :param payments: pairs of endToEndId and side, each read as its decision saw it, with columns end_to_end_id, side
            and event_time. Raises ``not_found`` where the lake lacks one.
        :param rows: or rows of your own, each read as it was known at its ``known_time`` (else its ``event_time``), with
            columns row (from 1), event_time and known_time. They name entities by ``payer_account``, ``payee_account`` or their
            parts, perhaps the payment that they are of by ``end_to_end_id``, and columns of payments. Instants are
            RFC 3339. Raises ``invalid_file`` that names every wrong row.
        :param statuses: a column ``<feature>__status`` behind each feature.
        """
        asked = {"featureSet": feature_set, "features": features and list(features), "statuses": statuses or None}
        body = {name: value for name, value in asked.items() if value is not None}
        if payments is not None and rows is None:
            named = [{"endToEndId": end_to_end_id, "side": side} for end_to_end_id, side in payments]
            return self._historical(body, "payments", named)
        if rows is not None and payments is None:
            return self._historical(body, "rows", rows)
        raise SentinelaError("usage", "give either payments, which are recorded, or rows of your own")

    def _historical(self, body: Json, kind: str, items: Sequence[Json]) -> pa.Table:
        if not items:
            raise SentinelaError("usage", f"no {kind} are given")

        def read(part: list[Json], start: int) -> pa.Table:
            answer = self._slow_connection.request_bytes("/v1/features/historical", {**body, kind: part}, ARROW_STREAM)
            table = pyarrow().ipc.open_stream(answer).read_all()
            return _counted_from(table, start) if kind == "rows" else table

        return pyarrow().concat_tables(_in_parts(items, MOST_HISTORICAL, read))

    def score(self, payment: Json) -> dict[str, Any]:
        """Scores a payment and gives the decision; the same payment again gets the first answer."""
        decision: dict[str, Any] = self._connection.request("POST", "/v1/score", dict(payment))
        return decision

    def score_batch(self, payments: Sequence[Json]) -> list[dict[str, Any]]:
        """Scores payments. An outcome each, in order: ``{"decision", "replayed"}`` or ``{"problem"}``."""

        def score(part: list[Json], _: int) -> list[dict[str, Any]]:
            outcomes: list[dict[str, Any]] = self._connection.request("POST", "/v1/score/batch", {"payments": part})["outcomes"]
            return outcomes

        return [outcome for outcomes in _in_parts(payments, MOST_PAYMENTS, score) for outcome in outcomes]

    def label(self, label: Json) -> None:
        """Records a state of a payment's contest; durable when it returns."""
        self._connection.request("POST", "/v1/labels", dict(label))

    def correct(self, end_to_end_id: str, corrected_at: str, payment: Json | None = None) -> bool:
        """Takes a payment back, or puts ``payment`` in its place; durable when it returns.

        Decisions that were made stay as they were. False where the state does not know the payment: then it is kept and
        changes nothing.
        """
        body = {"endToEndId": end_to_end_id, "correctedAt": corrected_at}
        more = {} if payment is None else {"payment": dict(payment)}
        return bool(self._connection.request("POST", "/v1/corrections", {**body, **more})["applied"])

    def decision(self, end_to_end_id: str, side: str) -> dict[str, Any]:
        """A decision that was made, with the features that it used. Raises ``not_found``."""
        path = f"/v1/decisions/{quote(end_to_end_id, safe='')}/{quote(side, safe='')}"
        found: dict[str, Any] = self._connection.request("GET", path)
        return found


def _in_parts(items: Sequence[Json], most: int, ask: Callable[[list[Json], int], Answer]) -> list[Answer]:
    """What the parts are answered with that the server takes at once. Errors count rows from the first of all.

    :param ask: takes a part, and how many items came before it.
    """
    answers = []
    for start in range(0, len(items), most):
        try:
            answers.append(ask([dict(item) for item in items[start : start + most]], start))
        except SentinelaError as error:
            raise error_of_part(error, start) from error
    return answers


def _counted_from(table: pa.Table, start: int) -> pa.Table:
    """Rows of a part, which the server counts from 1, by their numbers among all."""
    at = table.schema.get_field_index("row")
    return table.set_column(at, table.schema.field(at), pyarrow("pyarrow.compute").add(table.column(at), start))
