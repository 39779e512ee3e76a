import type { Command } from 'commander';
import { hostAndPort } from '../../server/listen-address.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { addSettingOptions, settingFlags } from './config.ts';

/** `sentinela serve`. */
export function addServeCommand(program: Command, contextOf: ContextOf): void {
  const serve = program
    .command('serve')
    .description('take payments over HTTP and gRPC; the consumer and the jobs of the lake run beside it')
    .addHelpText(
      'after',
      `
Examples:
  sentinela serve
  sentinela serve --http-port 8081 --data-dir /var/lib/sentinela
  sentinela serve --feature-set shop-risk@3f2a90bb12cd --model shop-gbm --models-dir models
  sentinela serve --redis-url redis://127.0.0.1:6379 --instance a`,
    )
    .action((_flags, command: Command) => run(contextOf(command), settingFlags(command)));
  addSettingOptions(serve, [
    'dataDir',
    'host',
    'httpPort',
    'grpcPort',
    'redisUrl',
    'instance',
    'deadlineMs',
    'model',
    'modelsDir',
    'featureSet',
    'driftExport',
    'skewSample',
    'controlShare',
    'jobs',
    'logLevel',
  ]);
}

async function run({ terminal, config }: CommandContext, flags: Readonly<Record<string, unknown>>): Promise<void> {
  const started = performance.now();
  const settings = await config(flags);
  const [{ buildLogger }, { composeServer }, { loadScorer }, { findFeatureSet }] = await Promise.all([
    import('../logger.ts'),
    import('../compose.ts'),
    import('../load-scorer.ts'),
    import('../feature-sets.ts'),
  ]);
  const logger = buildLogger(settings.logLevel);
  // From the start: a signal that comes while state is built stops the server once it stands.
  const stopSignal = new Promise<void>((resolve) => {
    const stop = (signal: string): void => {
      logger.info({ signal }, 'stopping: what is under way is answered, the journal goes to bronze');
      resolve();
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
  });
  const set = await findFeatureSet(settings.featureSet, settings.dataDir);
  const scorer = await loadScorer(settings.model, set, settings.modelsDir);
  const server = await composeServer({
    config: settings,
    set,
    scorer,
    logger,
    onFatal(error) {
      logger.fatal(
        { err: error },
        'the disk failed under the journal: the process ends, restart it once the disk is sound',
      );
      process.exit(1);
    },
  });
  const readyMs = Math.round(performance.now() - started);
  terminal.value({ ready: { http: server.httpPort, grpc: server.grpcPort, ms: readyMs } });
  const url = `http://${hostAndPort(settings.host, server.httpPort)}`;
  terminal.line(
    `sentinela takes payments on ${url} and gRPC ${hostAndPort(settings.host, server.grpcPort)} (ready in ${readyMs} ms)`,
  );
  terminal.line(`docs: ${url}/docs   stop: Ctrl-C`);
  await stopSignal;
  await server.stop();
}
