"""Uses the Python client against a running server and an export; says what it found."""

import json
import socket
import sys
import threading

import sentinela
import sentinela.client
import sentinela.errors


def error_of(action):
    try:
        action()
    except sentinela.SentinelaError as error:
        told = {"code": error.code, "message": error.message, "status": error.status, "retryable": error.retryable}
        return told | {"context": error.context}
    return None


class ClosingServer:
    """Answers one request a connection and then closes it without saying so, as a proxy or a restarted server does."""

    def __init__(self, answers):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, args=(answers,), daemon=True).start()

    def run(self, answers):
        for answer in answers:
            connection, _ = self.listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)


def answer_of(content_type, body, status="200 OK"):
    head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def connections(request):
    good = answer_of("application/json", '{"featureSets":[]}')
    client = sentinela.Client(ClosingServer([good, good, good]).url)
    sets = [client.feature_sets() for _ in range(3)]
    html = sentinela.Client(ClosingServer([answer_of("text/html", "<p>", "502 Bad Gateway")]).url)
    bare = sentinela.Client(ClosingServer([answer_of("application/json", "{}", "500 Oops")]).url)
    cut = sentinela.Client(ClosingServer([good[:-5]]).url)
    texts = ['{"featureSets":', "[" * 100_000]
    broken = [sentinela.Client(ClosingServer([answer_of("application/json", text)]).url) for text in texts]
    urls = ["127.0.0.1:8080", "", "http://h:99999", "http://h:port", "http://[::1"]
    return {
        "sets": sets,
        "errors": [error_of(one.feature_sets) for one in (html, bare, cut, *broken)],
        "urls": [error_of(lambda url=url: sentinela.Client(url)) for url in urls],
    }


def programs(request):
    """A program that prints what is asked, and ends as is asked."""

    def run(text, status):
        says = f"import sys; sys.stdout.buffer.write({text.encode()!r}); sys.exit({status})"
        return sentinela.Program(command=[sys.executable, "-c", says]).run()

    error = {"code": "commit_conflict", "message": "another writer won", "table": "silver", "version": 7}
    return {
        "values": run(request["lines"], 0),
        "errors": [
            error_of(lambda: run(json.dumps({"error": error}) + "\n", 3)),
            error_of(lambda: run(json.dumps({"error": {"code": "usage", "message": "no"}}) + "\n", 2)),
        ],
        "retryable": sorted(sentinela.errors.RETRYABLE_CODES),
    }


def far_rows(client, payer, payment):
    """What is told of the row 207, the eighth of the third request."""
    wrong = [{"payer": "none"}, {"payer": 1}, {"payment": payment, "payer": payer}, {"payment": {**payment, "amount": 1}}]
    ahead = {"payment": {**payment, "acceptedAt": "2200-01-01T00:00:00.000Z"}}
    return [
        error_of(lambda row=row: client.online([{"payer": payer}] * 207 + [row], features=["payer_count_24h"]))
        for row in (*wrong, ahead)
    ]


def online(request):
    with sentinela.Client(request["url"], timeout_seconds=30) as client:
        features = client.feature_set()
        payment = request["payment"]
        first = client.score(payment)
        payer = request["payer"]
        wanted = ["payer_count_24h", "payer_max_24h", "amount"]
        read = client.online([{"payer": payer}, {"payment": payment}], features=wanted)
        many = client.online([{"payer": payer}] * 250, features=wanted[:1])
        other = {**payment, "amount": "1.00"}
        client.label({"endToEndId": payment["endToEndId"], "state": "CONTESTED", "eventTime": payment["acceptedAt"]})
        corrected = [
            client.correct(payment["endToEndId"], payment["acceptedAt"], {**payment, "amount": "7.00"}),
            client.online([{"payer": payer}], features=wanted).to_dicts(),
            client.correct(payment["endToEndId"], payment["acceptedAt"]),
            client.online([{"payer": payer}], features=wanted).rows[0].statuses,
            client.correct("E9999999920261101120012345678901", payment["acceptedAt"]),
        ]
        return {
            "corrected": corrected,
            "sets": [f"{one.name}@{one.version}" for one in client.feature_sets()],
            "names": features.names,
            "meaning": features.feature("payer_count_24h").description,
            "decision": first,
            "again": client.score(payment) == first,
            "stored": client.decision(payment["endToEndId"], payment["side"])["decision"] == first,
            "batch": [list(outcome) for outcome in client.score_batch([payment, other])],
            "dicts": read.to_dicts(),
            "statuses": [row.statuses for row in read.rows],
            "frame": [read.to_pandas().shape, [str(one) for one in read.to_pandas().dtypes]],
            "far": far_rows(client, payer, payment),
            "many": [len(many.rows), sorted({row.values for row in many.rows})],
            "errors": [
                error_of(lambda: client.online([{"payer": payer}], features=["payer_cuont_24h"])),
                error_of(lambda: client.score({**payment, "amount": 1})),
                error_of(lambda: client.score(other)),
                error_of(lambda: client.decision("E" + "0" * 31, "PAYER")),
                error_of(lambda: client.feature_set("nothing")),
                error_of(lambda: sentinela.Client("http://127.0.0.1:9").feature_sets()),
            ],
        }


def same(table, other):
    """True where two tables have the same columns and values; else where they differ first."""
    if table.column_names != other.column_names:
        return "columns"
    for name in table.column_names:
        if table[name].to_pylist() != other[name].to_pylist():
            return name
    return True


def exports(request):
    program = sentinela.Program(request["dataDir"], command=request["command"])
    export = program.export(request["out"], labels_as_of=request["labelsAsOf"], options=request["options"])
    export.check()
    train = export.arrow("train")
    labelled = export.pandas("train", labelled=True)
    tables = {}
    for one in ("arrow", "arrow-stream", "csv", "delta"):
        made = program.export(
            f"{request['out']}-{one}", labels_as_of=request["labelsAsOf"], options=[*request["options"], "--format", one]
        )
        made.check()
        tables[one] = same(made.arrow("train"), train)
    early = program.export(
        f"{request['out']}-early", labels_as_of=request["labelsAsOf"], options=[*request["options"], "--to", request["cut"]]
    )
    files = len(early.paths("train"))
    extended = program.extend(early, to="2030-01-01")
    extended.check()
    algorithm = sentinela.Algorithm("none")
    texts = {"description": "x", "data_notice": "x", "recipe": "x"}
    model = sentinela.write_model(f"{request['out']}-model", b"x", extended, name="m", version="1", algorithm=algorithm, **texts)
    frame = export.polars("train", columns=export.features, labelled=True)
    return {
        "splits": export.splits,
        "featureSet": export.feature_set,
        "columns": train.column_names == list(export.dictionary()),
        "rows": train.num_rows,
        "labels": [int((labelled["label"] == 1).sum()), int((labelled["label"] == 0).sum()), len(labelled)],
        "types": sorted({str(one) for one in labelled[export.features].dtypes}),
        "polars": [frame.columns == export.features, frame.height],
        "meaning": export.dictionary()["payer_count_24h"],
        "formats": tables,
        "extended": [
            files,
            len(extended.paths("train")),
            same(extended.arrow("train"), train),
            extended.splits == export.splits,
            early.arrow("train").num_rows < train.num_rows,
            program.verify(extended)["rows"],
        ],
        "card": (model / "card.json").read_text("utf-8"),
        "told": (model / "card.md").read_text("utf-8"),
        "verified": program.verify(export)["rows"],
        "errors": [
            error_of(lambda: export.path("trian")),
            error_of(lambda: export.arrow("train", columns=["nothing"])),
            error_of(lambda: sentinela.Export(request["dataDir"])),
            error_of(lambda: program.export(request["out"], labels_as_of="soon")),
            error_of(lambda: sentinela.Program(command=["/nowhere/sentinela"]).run("features", "list")),
        ],
    }


def own_rows(client, request):
    """Payments of the export as rows of one's own: each sees all but itself that was known at its time."""
    clear = sentinela.Export(request["clear"])
    columns = ["end_to_end_id", "event_time", "known_time", "payer_account", "payee_account"]
    table = clear.arrow("all", columns=[*columns, "payer_count_24h", "pair_count_ever"])
    rows = [
        {name: value.isoformat() if name.endswith("_time") else value for name, value in row.items()}
        for row in table.select(columns).to_pylist()
    ]
    read = client.historical(rows=rows, features=["payer_count_24h", "pair_count_ever", "amount"])
    equal = [read[name].to_pylist() == table[name].to_pylist() for name in ("payer_count_24h", "pair_count_ever")]
    return {
        "columns": read.column_names,
        "rows": read["row"].to_pylist() == list(range(1, len(rows) + 1)),
        "equal": equal,
        "amounts": read["amount"].null_count == read.num_rows,
        "reconstructed": json.loads(read.schema.metadata[b"sentinela"])["reconstructed"],
    }


def in_parts(client, rows, payments):
    """As over 50,000 rows: what the server takes at once is two."""
    most, sentinela.client.MOST_HISTORICAL = sentinela.client.MOST_HISTORICAL, 2
    wrong = [*rows[:4], {"event_time": "2026-06-01"}, {"payer_account": "1||2"}]
    try:
        read = client.historical(rows=rows[:5], features=["amount"])
        errors = [
            lambda: client.historical(rows=wrong),
            lambda: client.historical([*payments[:3], ("E" + "0" * 31, "PAYER")]),
            lambda: client.historical([*payments[:3], ("E", "PAYER")]),
        ]
        told = []
        for action in errors:
            try:
                action()
            except sentinela.SentinelaError as error:
                told.append([error.code, error.message, error.context.get("row", error.context.get("field"))])
        meant = read.schema.field("row").metadata[b"description"].decode()
        return {"rows": read["row"].to_pylist(), "type": str(read.schema.field("row").type), "meant": meant, "errors": told}
    finally:
        sentinela.client.MOST_HISTORICAL = most


def historical(request):
    """Reads every row of an export over HTTP, the other way round, and compares."""
    export = sentinela.Export(request["export"])
    exported = export.arrow("all", columns=["end_to_end_id", "side", "event_time", *export.features])
    exported = exported.take(list(reversed(range(exported.num_rows))))
    payments = list(zip(exported["end_to_end_id"].to_pylist(), exported["side"].to_pylist()))
    with sentinela.Client(request["url"], timeout_seconds=120) as client:
        read = client.historical(payments)
        few = client.historical(payments[:3], features=["payer_count_24h"], statuses=True)
        return {
            "rows": read.num_rows,
            "same": same(read, exported),
            "present": sum(read.num_rows - read[name].null_count for name in export.features),
            "few": [few.column_names, sorted(set(few["payer_count_24h__status"].to_pylist()) - {"present", "not_found"})],
            "meaning": few.schema.field("payer_count_24h").metadata[b"description"].decode(),
            "tables": sorted(json.loads(few.schema.metadata[b"sentinela"])["tables"]),
            "own": own_rows(client, request),
            "parts": in_parts(client, [{"event_time": "2026-06-01T00:00:00Z", "payer_account": "1||2"}] * 5, payments),
            "errors": [
                error_of(lambda: client.historical(rows=[{"event_time": "2026-06-01"}, {"payer_account": "1||2"}])),
                error_of(lambda: client.historical(rows=[{"payer_account": "1||2"}])),
                error_of(lambda: client.historical([*payments[:2], ("E" + "0" * 31, "PAYER")])),
                error_of(lambda: client.historical([("E", "PAYER")])),
                error_of(lambda: client.historical(payments[:1], features=["payer_cuont_24h"])),
            ],
        }


request = json.load(sys.stdin)
asked = {
    "connections": connections,
    "programs": programs,
    "online": online,
    "exports": exports,
    "historical": historical,
}
print(json.dumps(asked[request["what"]](request)))
