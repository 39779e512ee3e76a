#!/usr/bin/env node
/**
 * Makes the champion from nothing: simulate → import → silver → export → train → ONNX → card.
 *
 *     npm run build && node models/recipe/make.mjs [--python PATH] [--version 1] [--work DIR]
 *
 * The same commit gives the same trees. Takes some minutes and about 2 GB of disk on two cores. Without --python a
 * virtual environment with the versions of requirements.txt is made in .cache/recipe-python.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RECIPE = dirname(fileURLToPath(import.meta.url));
const CLI = join(ROOT, 'dist/cli/main.js');

const NAME = 'pix-gbm';
const SEED = 1;
const OTHER_SEED = 2;
const PAYMENTS = 400_000;
const OTHER_PAYMENTS = 250_000;
const DAYS = 150;
/** The default of 91 days would leave no training rows of 150: what is contested later counts as honest here. */
const HORIZON_DAYS = 30;
/** Days 110 and 130 of the span. */
const SPLIT = ['2026-06-19', '2026-07-09'];
/** The last day, 2026-07-29, and the horizon. */
const LABELS_AS_OF = '2026-08-29';

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string' },
    version: { type: 'string', default: '1' },
    work: { type: 'string', default: join(ROOT, '.cache/recipe') },
  },
});

const dist = (path) => import(join(ROOT, 'dist', path));
const { compileFeatureSet } = await dist('features/feature-set.js');
const { PIX_CORE } = await dist('features/pix-core.js');
const { createExport } = await dist('training-export/create-export.js');
const { ensureLake } = await dist('pipeline/lake.js');
const { localObjectStore } = await dist('storage/store/local-object-store.js');
const { systemClock } = await dist('base/clock.js');
const set = compileFeatureSet(PIX_CORE);

rmSync(flags.work, { recursive: true, force: true });
mkdirSync(flags.work, { recursive: true });
const python = flags.python ?? process.env.SENTINELA_RECIPE_PYTHON ?? ownPython();

const own = await makeExport('own', SEED, PAYMENTS, { aMicros: midnight(SPLIT[0]), bMicros: midnight(SPLIT[1]) });
const other = await makeExport('other', OTHER_SEED, OTHER_PAYMENTS, undefined);

const out = join(flags.work, 'model');
const plan = {
  name: NAME,
  version: flags.version,
  seed: SEED,
  featureSet: { name: set.name, version: set.version },
  features: set.names,
  train: join(own, 'train.parquet'),
  validation: join(own, 'validation.parquet'),
  tests: [
    { what: 'test: the last 20 days', path: join(own, 'test.parquet') },
    { what: `another seed: ${DAYS} days of other people`, path: join(other, 'all.parquet') },
  ],
  data: `${PAYMENTS.toLocaleString('en-US')} simulated payments over ${DAYS} days (seed ${SEED})`,
  payments: PAYMENTS,
  horizonDays: HORIZON_DAYS,
  split:
    `training before day 110 with labels known by then (so to day ${110 - HORIZON_DAYS}; the rest is embargo), ` +
    `validation days 110–130, test days 130–${DAYS}`,
  tables: tablesOf(own),
  out,
};
writeFileSync(join(flags.work, 'plan.json'), JSON.stringify(plan, null, 2));
step('train');
run(python, [join(RECIPE, 'train.py'), join(flags.work, 'plan.json')]);
publish();

/** A lake of simulated payments, and the export of all of it; the export's folder. */
async function makeExport(name, seed, payments, split) {
  const folder = join(flags.work, name);
  mkdirSync(folder);
  const file = join(folder, 'payments.ndjson');
  const at = ['--data-dir', join(folder, 'data')];
  step(`${name}: simulate`);
  sentinela('simulate', '--count', payments, '--seed', seed, '--days', DAYS, '--out', file);
  step(`${name}: import, and bronze to silver`);
  sentinela('import', file, '--labels', `${file}.labels.ndjson`, ...at);
  step(`${name}: export`);
  // As `sentinela export create` does, without a process of its own.
  const target = join(folder, 'export');
  mkdirSync(target);
  const lake = await ensureLake(localObjectStore(join(folder, 'data/lake')), { clock: systemClock() });
  const options = {
    set,
    labelsAsOfMicros: midnight(LABELS_AS_OF),
    horizonMicros: HORIZON_DAYS * 86_400_000_000,
    ...(split === undefined ? {} : { split }),
  };
  await createExport(options, { tables: lake, files: localObjectStore(target) });
  rmSync(file);
  return target;
}

function midnight(date) {
  return Date.parse(`${date}T00:00:00Z`) * 1000;
}

function tablesOf(folder) {
  const { tables } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  return tables;
}

/** Copies what was made into models/ and makes it the champion. */
function publish() {
  const target = join(ROOT, 'models', NAME, flags.version);
  mkdirSync(target, { recursive: true });
  for (const file of ['model.onnx', 'card.json', 'card.md', 'vectors.json']) cpSync(join(out, file), join(target, file));
  // Its histograms are what drift is measured against.
  cpSync(join(own, 'manifest.json'), join(target, 'manifest.json'));
  const sha256 = createHash('sha256').update(readFileSync(join(target, 'model.onnx'))).digest('hex');
  const path = join(ROOT, 'models/registry.json');
  const registry = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { format: 1, aliases: {}, models: [] };
  registry.models = registry.models.filter((model) => model.name !== NAME || model.version !== flags.version);
  registry.models.push({ name: NAME, version: flags.version, sha256 });
  registry.aliases.champion = `${NAME}@${flags.version}`;
  writeFileSync(path, `${JSON.stringify(registry, null, 2)}\n`);
  step(`done: models/${NAME}/${flags.version} is the champion`);
}

function ownPython() {
  const folder = join(ROOT, '.cache/recipe-python');
  const program = join(folder, 'bin/python');
  if (!existsSync(program)) {
    step('make a Python environment');
    run('python3', ['-m', 'venv', folder]);
    run(program, ['-m', 'pip', 'install', '--quiet', '--requirement', join(RECIPE, 'requirements.txt')]);
  }
  return program;
}

function sentinela(...args) {
  run(process.execPath, [CLI, ...args.map(String)]);
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', cwd: ROOT });
  if (error !== undefined) throw error;
  if (status !== 0) {
    process.stderr.write(`${program} ${args.join(' ')} ended with ${status}\n`);
    process.exit(status ?? 1);
  }
}

function step(what) {
  process.stderr.write(`[${(performance.now() / 1000).toFixed(0).padStart(4)} s] ${what}\n`);
}
