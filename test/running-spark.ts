import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A Spark with Delta Lake, which a test file starts once (15 s) and stops at its end. */
export interface RunningSpark {
  /** Runs a statement. */
  sql(statement: string): Promise<void>;
  /** The rows of a query, in the plain form of the other engines. */
  rows(query: string): Promise<Record<string, unknown>[]>;
  /** Sets a setting of the session. */
  set(settings: Readonly<Record<string, string>>): Promise<void>;
  /** Writes a file of lines that are all alike, which must not exist, by the LogStore that Delta takes for it. */
  putIfAbsent(path: string, line: string, lines: number): Promise<SparkPut>;
  /** What that LogStore lists in a folder, in its order. */
  list(folder: string): Promise<string[]>;
  /** Computes features by `sentinela.spark` into an Arrow file. @param call its arguments by name. */
  features(call: Readonly<Record<string, unknown>>, out: string): Promise<number>;
  stop(): void;
}

/** What came of a file. */
export interface SparkPut {
  /** The class of the LogStore. */
  readonly store: string;
  /** `created`, or what another's file held when Spark found that it exists. */
  readonly outcome: string;
}

/** For {@link startSpark}: Spark commits by the LogStore of clients/spark-log-store, and so beside other processes. */
export const LINK_LOG_STORE = { 'spark.delta.logStore.file.impl': 'sentinela.spark.LinkLogStore' } as const;

const PYTHON = fileURLToPath(new URL('../.cache/spark/venv/bin/python', import.meta.url));
const SCRIPT = fileURLToPath(new URL('conformance/spark-session.py', import.meta.url));

/** Starts one. @param settings of the session, before it starts. */
export async function startSpark(settings: Readonly<Record<string, string>> = {}): Promise<RunningSpark> {
  if (!existsSync(PYTHON)) throw new Error('no Spark: run `node scripts/setup-test-tools.mjs`');
  const warehouse = mkdtempSync(join(tmpdir(), 'sentinela-spark-'));
  const child = spawn(PYTHON, [SCRIPT], {
    cwd: warehouse,
    env: {
      ...process.env,
      TZ: 'UTC',
      SPARK_WAREHOUSE: warehouse,
      SPARK_SETTINGS: JSON.stringify(settings),
      PYSPARK_PYTHON: PYTHON,
    },
    stdio: ['pipe', 'pipe', process.env.SPARK_LOG === undefined ? 'ignore' : 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('Spark ended; set SPARK_LOG=1 to see why');
    return JSON.parse(value) as Record<string, unknown>;
  };
  await next();
  let queue: Promise<unknown> = Promise.resolve();
  const ask = (request: object): Promise<Record<string, unknown>> => {
    const answer = queue.then(async () => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const reply = await next();
      if (typeof reply.error === 'string') throw new Error(reply.error);
      return reply;
    });
    queue = answer.catch(() => undefined);
    return answer;
  };
  return {
    sql: async (sql) => void (await ask({ sql })),
    rows: async (rows) => (await ask({ rows })).rows as Record<string, unknown>[],
    set: async (set) => void (await ask({ set })),
    putIfAbsent: async (path, line, lines) => (await ask({ put: { path, line, lines } })) as unknown as SparkPut,
    list: async (folder) => (await ask({ list: folder })).names as string[],
    features: async (features, out) => Number((await ask({ features, out })).rows),
    stop: () => stop(child, warehouse),
  };
}

function stop(child: ChildProcess, folder: string): void {
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
