"""Features by Spark: the way out of one machine, by the engine that serves and exports.

Spark selects, joins, partitions and sorts; every value is computed by Sentinela's own program, which runs
beside each of Spark's Python workers and is sent Arrow batches. So values equal those of
``sentinela features read`` and ``export create`` bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sentinela import spark_worker
from sentinela.errors import SentinelaError
from sentinela.libraries import pyspark
from sentinela.program import Program

TABLES = ("silver/transactions", "silver/decisions", "silver/labels", "silver/epochs")
CORRECTIONS = "silver/corrections"
"""What corrections made of payments; a lake that no later program has opened lacks it."""

# Rows of the first stage, as the program's `entity-records.ts` has them.
PAYMENT, LABEL, OTHER_EVENT = 0, 1, 2

Frame = Any
Column = Any


def features(
    spark: Any,
    data_dir: str | Path | None = None,
    feature_set: str = "pix-core",
    *,
    where: str | Column | None = None,
    versions: Mapping[str, int] | None = None,
    tables: Mapping[str, str] | None = None,
    statuses: bool = False,
    partitions: int | None = None,
    command: Sequence[str] = ("sentinela",),
    worker_command: Sequence[str] | None = None,
) -> Frame:
    """Features of recorded payments, each as it was when the payment was scored, as a DataFrame.

    Columns: ``end_to_end_id``, ``side``, ``event_time``, then a double for each feature in the set's order, null
    where there is none; with ``statuses`` a text ``<feature>__status`` behind each. Rows are in no order. Nothing is
    computed before an action asks for it, but for the openings of epochs, which are few.

    :param spark: a session that can read Delta tables.
    :param data_dir: Sentinela's data folder.
    :param feature_set: a name, a path to a ``.yaml`` file, or ``SET:name,name`` for some of a set's features.
    :param where: which payments are answered, over the columns of ``silver/transactions``: SQL or a Column.
        Every payment is history all the same.
    :param versions: versions of tables, such as ``{"silver/transactions": 3}``; of the others the newest that belong
        together.
    :param tables: paths or URIs of the four tables by their names in :data:`TABLES`, in place of ``data_dir``; and of
        :data:`CORRECTIONS`, where there is that table.
    :param partitions: of both shuffles; what ``spark.sql.shuffle.partitions`` and adaptive execution say by default.
    :param command: how the program is called where this runs, such as ``("npx", "sentinela")`` in a clone.
    :param worker_command: how it is called on workers; ``command`` by default.
    :raises SentinelaError: what the program says, such as ``feature_not_found``; ``usage`` for a name that is no
        table's. What goes wrong in a task is Spark's own exception, with the program's line in it.
    """
    if (data_dir is None) == (tables is None):
        raise SentinelaError("usage", "name either data_dir or tables")
    plan = _plan(feature_set, data_dir, command)
    source = _Source(spark, data_dir, tables, {**(plan["versions"] or {}), **_checked(versions or {})})
    run = tuple(worker_command or command)
    payments = _payments(source, where)
    histories = _split(_histories(source, payments, plan), ["kind", "entity"], ORDER, partitions)
    task = {**plan["task"], "statuses": statuses, "epochs": source.epochs()}
    blocks = histories.mapInArrow(_stage(run, plan, {**task, "stage": "history"}), BLOCK_SCHEMA)
    rows = blocks.unionByName(_vectors(payments, plan), allowMissingColumns=True)
    rows = _split(rows, ["end_to_end_id"], ["end_to_end_id", "side", "part"], partitions)
    vector_task = {**task, "stage": "vector", "epochs": []}
    return rows.mapInArrow(_stage(run, plan, vector_task), _answer_schema(plan, statuses))


ORDER = ["kind", "entity", "epoch", "seq", "known_time", "journal_id", "journal_position"]

BLOCK_SCHEMA = "end_to_end_id string, side string, part int, block_values binary, block_statuses binary"


def _plan(feature_set: str, data_dir: str | Path | None, command: Sequence[str]) -> dict[str, Any]:
    where = ["--no-lake"] if data_dir is None else ["--data-dir", str(data_dir)]
    plan: dict[str, Any] = Program(command=command).run("features", "spark-plan", feature_set, *where)[0]
    return plan


def _checked(versions: Mapping[str, int]) -> Mapping[str, int]:
    for name in versions:
        if name not in (*TABLES, CORRECTIONS):
            known = ", ".join((*TABLES, CORRECTIONS))
            raise SentinelaError("usage", f"there is no table {name}: it must be one of {known}")
    return versions


class _Source:
    """The tables, each at one version for as long as the frame lives."""

    def __init__(
        self, spark: Any, data_dir: str | Path | None, tables: Mapping[str, str] | None, versions: Mapping[str, int]
    ) -> None:
        if tables is not None and set(tables) - {CORRECTIONS} != set(TABLES):
            raise SentinelaError("usage", f"tables must name {', '.join(TABLES)}, {CORRECTIONS} too where it is there")
        self._spark = spark
        lake = Path("." if data_dir is None else data_dir).resolve() / "lake"
        here = {name: str(lake / name) for name in (*TABLES, CORRECTIONS)}
        self._paths = tables if tables is not None else here
        self._versions = versions
        # The program names a version of each table that is there.
        self.has_corrections = CORRECTIONS in (versions if tables is None else tables)

    def table(self, name: str) -> Frame:
        reader = self._spark.read.format("delta")
        version = self._versions.get(name)
        if version is None:
            history = self._spark.sql(f"DESCRIBE HISTORY delta.`{self._paths[name]}` LIMIT 1")
            version = history.collect()[0]["version"]
        return reader.option("versionAsOf", version).load(self._paths[name])

    def epochs(self) -> list[dict[str, Any]]:
        """Openings in the order in which they were known: of two of one epoch the last is meant."""
        opened = self.table("silver/epochs").select("epoch", "offsets", "known_time", "journal_position")
        rows = opened.orderBy("known_time", "journal_position").collect()
        return [{"epoch": row["epoch"], "offsets": json.loads(row["offsets"])} for row in rows]


def _payments(source: _Source, where: str | Column | None) -> Frame:
    """Payments, and beside them what corrections made of them, which nobody reads.

    ``is_event`` is a number, as the program's ``EVENT`` has it: 0 no event, 1 an event, 2 the retraction of one, 3 an
    event in its place. Corrections that are later than the payments are behind every number that those saw.
    """
    sql = _functions()
    # The condition is over the columns as they are in the table.
    presented = source.table("silver/transactions").withColumn("is_read", _is_read(where))
    presented = presented.withColumn("is_event", sql.col("is_event").cast("double"))
    if not source.has_corrections:
        return presented
    done = source.table(CORRECTIONS).where("effect <> 'IGNORED'").withColumn("is_read", sql.lit(False))
    code = sql.when(sql.col("effect") == "RETRACTED", 2.0).otherwise(3.0)
    done = done.withColumn("is_event", code).drop("effect", "corrected_at")
    return presented.unionByName(done, allowMissingColumns=True)


def _is_read(where: str | Column | None) -> Column:
    sql = _functions()
    if where is None:
        return sql.lit(True)
    return sql.coalesce(sql.expr(where) if isinstance(where, str) else where, sql.lit(False))


def _histories(source: _Source, payments: Frame, plan: Mapping[str, Any]) -> Frame:
    """Rows by entity: its events, its labels, and the payments that read it."""
    sql = _functions()
    kinds = plan["kinds"]
    saw = [sql.col(f"{kind['kind']}_{what}").alias(f"saw_{kind['kind']}_{what}") for kind in kinds for what in NUMBERS]
    decisions = source.table("silver/decisions").select("end_to_end_id", "side", sql.lit(True).alias("decided"), *saw)
    decided = payments.where("is_event > 0 OR is_read").join(decisions, ["end_to_end_id", "side"], "left")
    events = decided.select(
        *_record(PAYMENT, plan),
        "side",
        sql.col("is_read").cast("double").alias("is_read"),
        sql.explode(sql.array(*[_entity(kind) for kind in kinds])).alias("of"),
        *_cells(plan["eventColumns"]),
    ).select("*", "of.*").drop("of").where("entity IS NOT NULL")
    rows = events.unionByName(_other_events(payments, plan), allowMissingColumns=True)
    if not plan["labels"]:
        return rows
    return rows.unionByName(_labels(source, plan), allowMissingColumns=True)


NUMBERS = ("epoch", "seq")


def _record(what: int, plan: Mapping[str, Any]) -> list[Column]:
    """What every row of an event has. Numbers are doubles: below 2^53, and read without a conversion."""
    sql = _functions()
    return [
        sql.lit(float(what)).alias("record"),
        sql.col("end_to_end_id"),
        _micros("event_time"),
        _micros("known_time"),
        sql.col("journal_id"),
        sql.col("journal_position").cast("double").alias("journal_position"),
        "is_event",
        _event_epoch(plan),
    ]


def _event_epoch(plan: Mapping[str, Any]) -> Column:
    """The epoch of an event's first number; 0 where it has none."""
    sql = _functions()
    epochs = [sql.nullif(sql.col(f"{kind}_epoch"), sql.lit(0)) for kind in plan["entityKinds"]]
    return sql.coalesce(*epochs, sql.lit(0)).cast("double").alias("event_epoch")


def _entity(kind: Mapping[str, Any]) -> Column:
    """An entity of a payment: the numbers that the event took, and the last that the payment saw."""
    sql = _functions()
    name = kind["kind"]
    own = [_number(f"{name}_{what}") for what in NUMBERS]
    # An imported payment, and one whose decision was lost, saw what lay below its own number.
    unseen = [own[0], own[1] - sql.col("is_event")]
    saw = [
        sql.when(sql.col("decided"), _number(f"saw_{name}_{what}")).otherwise(unseen[at]).alias(f"saw_{what}")
        for at, what in enumerate(NUMBERS)
    ]
    return sql.struct(
        sql.lit(float(kind["place"])).alias("kind"), _key(kind), own[0].alias("epoch"), own[1].alias("seq"), *saw
    )


def _key(kind: Mapping[str, Any]) -> Column:
    sql = _functions()
    # A pair's key is null where either account is.
    return sql.concat(*_between([sql.col(key) for key in kind["keys"]], sql.lit(">"))).alias("entity")


def _between(columns: list[Column], separator: Column) -> list[Column]:
    return [part for column in columns for part in (separator, column)][1:]


def _number(column: str) -> Column:
    sql = _functions()
    return sql.coalesce(sql.col(column).cast("double"), sql.lit(0.0))


def _other_events(payments: Frame, plan: Mapping[str, Any]) -> Frame:
    """Where a payment has several events (a store had lost the first), each is told to the entities of the others.

    An event counts in an epoch's base only where no earlier one of its payment is in it; what replaces one counts.
    """
    sql = _functions()
    events = payments.where("is_event = 1")
    several = events.groupBy("end_to_end_id").count().where("count > 1").select("end_to_end_id")
    doubled = events.join(several, "end_to_end_id", "left_semi")
    entity = sql.explode(
        sql.array(*[sql.struct(sql.lit(float(kind["place"])).alias("kind"), _key(kind)) for kind in plan["kinds"]])
    )
    of = doubled.select("end_to_end_id", entity.alias("of")).select("end_to_end_id", "of.*").where("entity IS NOT NULL")
    told = doubled.select(*_record(OTHER_EVENT, plan)).join(of.distinct(), "end_to_end_id")
    zeros = {name: sql.lit(0.0) for name in ("is_read", "epoch", "seq", "saw_epoch", "saw_seq")}
    return told.withColumns(zeros)


def _labels(source: _Source, plan: Mapping[str, Any]) -> Frame:
    sql = _functions()
    [payee] = [kind for kind in plan["kinds"] if kind["kind"] == "payee"]
    zeros = [sql.lit(0.0).alias(name) for name in ("is_read", "is_event", "event_epoch", "saw_epoch", "saw_seq")]
    return source.table("silver/labels").where("payee_account IS NOT NULL").select(
        sql.lit(float(LABEL)).alias("record"),
        sql.lit(float(payee["place"])).alias("kind"),
        sql.col("payee_account").alias("entity"),
        "end_to_end_id",
        "state",
        _micros("event_time"),
        _micros("known_time"),
        "journal_id",
        sql.col("journal_position").cast("double").alias("journal_position"),
        _number("payee_epoch").alias("epoch"),
        _number("payee_seq").alias("seq"),
        *zeros,
    )


def _vectors(payments: Frame, plan: Mapping[str, Any]) -> Frame:
    """The payments of the second stage, each behind its blocks: how many those are, and what expressions read."""
    sql = _functions()
    entities = [_key(kind).isNotNull().cast("double") for kind in plan["kinds"]]
    count = entities[0] if entities else sql.lit(0.0)
    for entity in entities[1:]:
        count = count + entity
    return payments.where("is_read").select(
        "end_to_end_id",
        "side",
        sql.lit(len(plan["entityKinds"])).alias("part"),
        _micros("event_time"),
        count.alias("entity_count"),
        *_cells(plan["vectorColumns"]),
    )


def _cells(columns: Sequence[Mapping[str, str]]) -> list[Column]:
    """Columns of payments as they are sent: texts, and everything else as doubles."""
    sql = _functions()
    read = {"string": sql.col, "timestamp": sql.unix_micros, "date": sql.unix_date, "long": sql.col, "boolean": sql.col}
    cells = []
    for column in columns:
        name, kind = column["name"], column["type"]
        cell = read[kind](name)
        cells.append((cell if kind == "string" else cell.cast("double")).alias(name))
    return cells


def _micros(name: str) -> Column:
    return _functions().unix_micros(name).cast("double").alias(name)


def _split(rows: Frame, by: Sequence[str], order: Sequence[str], partitions: int | None) -> Frame:
    split = rows.repartition(*by) if partitions is None else rows.repartition(partitions, *by)
    return split.sortWithinPartitions(*order)


def _stage(
    command: tuple[str, ...], plan: Mapping[str, Any], task: Mapping[str, Any]
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    metadata = {str(plan["taskKey"]): json.dumps(task)}
    # Sent by value, so that workers need the program and pyarrow, but not this package.
    pyspark("pyspark.cloudpickle").register_pickle_by_value(spark_worker)
    run = spark_worker.run

    def stage(batches: Iterator[Any]) -> Iterator[Any]:
        return run([*command, "features", "spark-worker"], metadata, batches)

    return stage


def _answer_schema(plan: Mapping[str, Any], statuses: bool) -> Any:
    types = pyspark("pyspark.sql.types")
    schema = types.StructType()
    schema.add("end_to_end_id", "string").add("side", "string").add("event_time", "timestamp")
    for name in plan["task"]["features"]:
        schema.add(name, "double")
        if statuses:
            schema.add(f"{name}{plan['statusSuffix']}", "string")
    return schema


def _functions() -> Any:
    return pyspark("pyspark.sql.functions")
