import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { civilZone } from '../base/civil-time.ts';
import { systemClock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import type { Config } from '../config/settings.ts';
import { type Journal, openJournal } from '../events/journal.ts';
import { lockFolder } from '../events/journal-lock.ts';
import { localJournalFiles } from '../events/local-journal-files.ts';
import type { ProcessLock } from '../events/process-lock.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../features/feature-status.ts';
import { ensureLake } from '../pipeline/lake.ts';
import { AnswerBook } from '../scoring/answer-book.ts';
import { controlGroup } from '../scoring/control-group.ts';
import { Deadline } from '../scoring/deadline.ts';
import type { DecisionMakers } from '../scoring/decide-payment.ts';
import { PaymentScoring } from '../scoring/payment-scoring.ts';
import { DEFAULT_POLICY } from '../scoring/policy.ts';
import { REASON_RULES, reasonTable } from '../scoring/reasons.ts';
import type { Scorer } from '../scoring/scorer.ts';
import { healthText } from '../server/feature-health.ts';
import { buildGrpcServer } from '../server/grpc-server.ts';
import type { Readiness } from '../server/health-routes.ts';
import type { HistoricalReads } from '../server/historical-route.ts';
import { buildHttpServer } from '../server/http-server.ts';
import { listenFault } from '../server/listen-address.ts';
import { buildMetrics, type MetricSources } from '../server/metrics.ts';
import { servedStatuses } from '../server/served-statuses.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import { type DataFolders, dataFolders } from './data-folders.ts';
import { openEmbeddedState } from './embedded-state.ts';
import { requireDriftExport } from './feature-watch.ts';
import { historicalReads } from './historical-link.ts';
import { requireNoImport } from './lake-access.ts';
import { type LakeLink, startLakeWorker } from './lake-link.ts';
import { trainingFolder } from './load-scorer.ts';
import type { OnlineState, OpenedJournal } from './online-state.ts';
import { openPseudonymKey } from './pseudonym-key.ts';
import { openRedisState } from './redis-state.ts';
import { lockState } from './state-lock.ts';
import { programVersion } from './version.ts';

/** What the server is told from outside. */
export interface ServerParts {
  readonly config: Config;
  readonly set: FeatureSet;
  readonly scorer: Scorer;
  readonly logger: Logger;
  /** Called where nothing can be promised any more: the process is to end. */
  onFatal(error: Error): void;
}

/** A server that takes payments. */
export interface ComposedServer {
  readonly httpPort: number;
  readonly grpcPort: number;
  /** Answers what is under way, puts the journal into bronze and lets go of everything. */
  stop(): Promise<void>;
}

/** Every how long the journal's backlog is looked at. */
const BACKLOG_CHECK_MS = 1000;
/** What is under way when SIGTERM comes is answered within this. */
const STOP_MS = 10_000;

/** Builds the real server: the only place that joins the adapters. */
export async function composeServer(parts: ServerParts): Promise<ComposedServer> {
  const { config, logger } = parts;
  const folders = dataFolders(config.dataDir);
  const journalFolder = folders.journal(config.instance);
  const lock = await lockOwn(parts, folders);
  try {
    const server = await composeLocked(parts, folders, journalFolder);
    return {
      ...server,
      async stop() {
        try {
          await server.stop();
        } finally {
          await lock.release();
        }
      },
    };
  } catch (error) {
    await lock.release();
    logger.debug({ err: error }, 'the server did not start');
    throw error;
  }
}

/** The journal and, where it is embedded, the state: both are of one process. */
async function lockOwn({ config, set }: ServerParts, folders: DataFolders): Promise<ProcessLock> {
  const journal = await lockFolder(folders.journal(config.instance));
  try {
    await requireNoImport(folders);
    if (config.redisUrl !== '') return journal;
    const state = await lockState(folders.snapshot(config.instance, set.version), set);
    return {
      async release() {
        await state.release();
        await journal.release();
      },
    };
  } catch (error) {
    await journal.release();
    throw error;
  }
}

async function openOwnJournal(journalFolder: string, parts: ServerParts): Promise<OpenedJournal> {
  const hooks = { onDurable: (_mark: number): void => {}, onLost: (): void => {} };
  const journal = await openJournal({
    files: localJournalFiles(),
    folder: journalFolder,
    newId: randomUUID,
    onDurable: (mark) => hooks.onDurable(mark),
    onLost: () => hooks.onLost(),
    onFatal: parts.onFatal,
  });
  return Object.assign(hooks, { journal });
}

async function composeLocked(parts: ServerParts, folders: DataFolders, journalFolder: string): Promise<ComposedServer> {
  const { config, logger } = parts;
  const opened = await openOwnJournal(journalFolder, parts);
  const { journal } = opened;
  const temporaryFolder = join(folders.root, 'tmp');
  await mkdir(temporaryFolder, { recursive: true, mode: 0o700 });
  const lake = await ensureLake(localObjectStore(folders.lake), { clock: systemClock() });
  const driftExport = trainingFolder(config.driftExport, parts.scorer.model, config.modelsDir);
  await requireDriftExport(driftExport, parts.set, { lake });
  const sources = {
    ports: { lake, clock: systemClock(), temporaryFolder },
    files: localJournalFiles(),
    journalFolder,
    logger,
  };
  const state =
    config.redisUrl === ''
      ? await openEmbeddedState(
          parts.set,
          opened,
          sources,
          folders.snapshot(config.instance, parts.set.version),
          folders.epochs,
        )
      : await openRedisState(parts.set, opened, {
          ...sources,
          redisUrl: config.redisUrl,
          lakeFolder: folders.lake,
          journals: folders.journals,
          epochs: folders.epochs,
        });
  const workerData = {
    lakeFolder: folders.lake,
    journalFolder,
    journalId: journal.id,
    jobs: config.jobs,
    definition: parts.set.definition,
    driftExport,
    skewSample: config.skewSample,
  };
  const link = startLakeWorker(workerData, logger);
  const backlog = watchBacklog(journal, link, () => state.clock.nowMicros());
  const historical = historicalReads(folders.lake);
  let ways: ReturnType<typeof openWaysIn> | undefined;
  const stopScoring = async (): Promise<void> => {
    if (ways !== undefined) {
      ways.readiness.stopping = true;
      await Promise.all([ways.http.then(closeHttp), ways.grpc.close(STOP_MS)]);
    }
    historical.stop();
    backlog.stop();
    await state.close();
    await journal.close();
    await state.save();
  };
  const stop = async (): Promise<void> => {
    try {
      await stopScoring();
    } finally {
      // A thread that is left would keep the process from ending.
      link.setDurable(journal.durablePosition());
      await link.stop();
      ways?.deadline.close();
      await parts.scorer.close();
    }
  };
  try {
    ways = openWaysIn(parts, state, { opened, journalFolder, link, backlog, historical });
    const httpPort = await listenHttp(await ways.http, config);
    const grpcPort = await ways.grpc.listen(config.host, config.grpcPort);
    ways.readiness.ready = true;
    return { httpPort, grpcPort, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What the ways in stand on, beside the state. */
interface Ground {
  readonly opened: OpenedJournal;
  readonly journalFolder: string;
  readonly link: LakeLink;
  readonly backlog: { readonly full: boolean };
  readonly historical: HistoricalReads;
}

/** Scoring over the state, and HTTP and gRPC over scoring. */
function openWaysIn(parts: ServerParts, state: OnlineState, ground: Ground) {
  const { config, set, scorer, logger } = parts;
  const { opened, journalFolder, link, backlog, historical } = ground;
  const answers = new AnswerBook({
    index: state.index,
    files: localJournalFiles(),
    folder: journalFolder,
    archive: link.archive,
  });
  const deadline = new Deadline(config.deadlineMs);
  const readiness: Readiness = { ready: false, stopping: false };
  const version = programVersion();
  const { store, durability, queue, clock } = state;
  const served = servedStatuses(set.names, LIMITS.metricFeatures, state.newestMicros);
  const metrics = buildMetrics({
    build: {
      version,
      featureSet: `${set.name}@${set.version}`,
      model: `${scorer.model.name}@${scorer.model.version}`,
      node: process.version,
    },
    gauges: { ...journalGauges(opened.journal, link, answers), ...state.gauges },
    texts: [
      () => served.text(clock.nowMicros()),
      () => healthText(link.health(), LIMITS.metricFeatures, clock.nowMicros()),
    ],
  });
  const makers: DecisionMakers = {
    model: scorer.model,
    featureSet: { name: set.name, version: set.version },
    policy: DEFAULT_POLICY,
    control: controlGroup(config.controlShare, () => openPseudonymKey(config.dataDir, config.pseudonymKey)),
    reasons: reasonTable(rulesOf(set), set.names),
    payeeFraudsIndex: set.indexOf('payee_frauds_agreed'),
    zone: civilZone('America/Sao_Paulo'),
  };
  const scoring = new PaymentScoring(
    {
      store,
      durability,
      journal: opened.journal,
      queue,
      scorer,
      makers,
      answers,
      deadline,
      clock,
      journalIsFull: () => backlog.full,
      onDecision: metrics.countDecision,
      onServed: served.see,
      onLabel: served.seeLabel,
    },
    set,
  );
  const features = { version: set.version, names: set.names, statuses: FEATURE_STATUS_NAMES };
  const reads = { served: [{ set, store }], nowMicros: () => clock.nowMicros() };
  const http = buildHttpServer({ scoring, features, reads, historical, readiness, metrics, logger, version });
  const grpc = buildGrpcServer({ scoring, readiness, metrics, logger });
  return { http, grpc, deadline, readiness };
}

function journalGauges(journal: Journal, link: LakeLink, answers: AnswerBook): MetricSources['gauges'] {
  return {
    journal_position: { help: 'Records that are durable in the journal', read: () => journal.durablePosition() },
    journal_backlog_bytes: {
      help: 'Bytes of the journal that silver does not hold',
      read: () => journal.backlogBytes(link.silverPosition()),
    },
    bronze_lag_records: {
      help: 'Durable records that bronze does not hold',
      read: () => journal.durablePosition() - link.bronzePosition(),
    },
    silver_lag_records: {
      help: 'Durable records that silver does not hold',
      read: () => journal.durablePosition() - link.silverPosition(),
    },
    requests_under_way: { help: 'Payments that are being decided', read: () => answers.underWay },
  };
}

/** Closes once everything under way is answered. A connection that goes idle after that would be kept for a minute. */
async function closeHttp(http: Awaited<ReturnType<typeof buildHttpServer>>): Promise<void> {
  const closeIdle = setInterval(() => http.server.closeIdleConnections(), 20);
  const cut = setTimeout(() => http.server.closeAllConnections(), STOP_MS);
  await http.close();
  clearInterval(closeIdle);
  clearTimeout(cut);
}

/** Tells the consumer what is durable, and watches how far the lake is behind. */
function watchBacklog(
  journal: Journal,
  link: LakeLink,
  nowMicros: () => number,
): { readonly full: boolean; stop(): void } {
  const watch = { full: false, stop: () => {} };
  let lastRemovalMicros = 0;
  const tellDurable = setInterval(() => link.setDurable(journal.durablePosition()), 50);
  const check = setInterval(() => {
    const backlogBytes = journal.backlogBytes(link.silverPosition());
    watch.full = backlogBytes > LIMITS.journalBacklogBytes;
    if (backlogBytes > LIMITS.journalBacklogBytes / 4) link.runSilver();
    // Segments that silver holds answer repeats faster than the lake; they go once a day's worth has passed.
    const now = nowMicros();
    if (
      now - lastRemovalMicros > LIMITS.retryHorizonMicros / 7 &&
      journal.backlogBytes(0) > LIMITS.journalBacklogBytes
    ) {
      lastRemovalMicros = now;
      journal.removeThrough(link.silverPosition()).catch(() => {});
    }
  }, BACKLOG_CHECK_MS);
  watch.stop = () => {
    clearInterval(tellDurable);
    clearInterval(check);
  };
  return watch;
}

async function listenHttp(
  http: Awaited<ReturnType<typeof buildHttpServer>>,
  { host, httpPort }: Config,
): Promise<number> {
  try {
    await http.listen({ host, port: httpPort });
  } catch (error) {
    throw listenFault('HTTP', host, httpPort, error);
  }
  const address = http.server.address();
  return typeof address === 'object' && address !== null ? address.port : httpPort;
}

/** A set of one's own may lack what some reasons ask for: those are then never given. */
function rulesOf(set: FeatureSet): typeof REASON_RULES {
  return REASON_RULES.filter(({ feature }) => set.indexOf(feature) !== -1);
}
