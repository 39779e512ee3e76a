import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { changedValues } from '../features/definition/changed-values.ts';
import { compareSets, type MemberChange, type SetChanges } from '../features/definition/set-changes.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { applySet, newestOf, type RegistryView } from '../pipeline/feature-registry.ts';
import { localObjectStore } from '../storage/store/local-object-store.ts';
import { dataFolders } from './data-folders.ts';
import { readRegistry, readSetFile, setOfEntry } from './feature-sets.ts';
import { modelsFolder } from './load-scorer.ts';
import { type Dependent, dependentsOf } from './set-dependents.ts';
import { shippedSet } from './shipped-set.ts';

/** A dependent, and what of it is not there any more. */
export interface HangingOn extends Omit<Dependent, 'definition'> {
  /**
   * Features that it reads and that are removed, or have other values than in the version that it hangs on; null where
   * nothing here holds that version's definition.
   */
  readonly touched: readonly string[] | null;
}

/** What applying a file would do. */
export interface PlanReport extends SetChanges {
  readonly name: string;
  readonly version: string;
  /** The newest version that was applied; null where there is none. */
  readonly before: string | null;
  readonly isSame: boolean;
  /** Models and exports that were made with other versions of the set, and stay with them. */
  readonly hangingOn: readonly HangingOn[];
}

/** A plan, and what it was made of. */
export interface SetPlan {
  readonly report: PlanReport;
  readonly set: FeatureSet;
  readonly view: RegistryView;
}

/** Where a plan looks. */
export interface PlanPlaces {
  readonly dataDir: string;
  readonly modelsDir: string;
  /** Folders of exports beside the data folder's own. */
  readonly exports: readonly string[];
}

/**
 * Plans the application of a file of feature definitions.
 *
 * @throws AppError `not_found` for a folder of exports; as reading the file, `feature_invalid` for the name of the set that ships, `model_invalid`.
 */
export async function planSet(file: string, { dataDir, modelsDir, exports }: PlanPlaces): Promise<SetPlan> {
  const missing = exports.find((folder) => !existsSync(folder));
  if (missing !== undefined) throw new AppError('not_found', `there is no folder ${missing}: --exports names one`);
  const set = await readSetFile(file);
  const shipped = shippedSet();
  if (set.name === shipped.name && set.hash !== shipped.hash) {
    throw new AppError('feature_invalid', `${file}: ${set.name} is the name of the set that ships: give yours another`);
  }
  const view = await readRegistry(dataDir);
  const newest = newestOf(view, set.name);
  const before = newest === undefined ? null : setOfEntry(newest);
  const changes = compareSets(before?.definition ?? null, set.definition);
  const exportsFolders = [dataFolders(dataDir).exports, ...exports.map((folder) => resolve(folder))];
  const places = { modelsFolder: modelsFolder(modelsDir), exportsFolders };
  const dependents = await dependentsOf(set.name, set.version, places);
  const report: PlanReport = {
    name: set.name,
    version: set.version,
    before: before?.version ?? null,
    isSame: before?.hash === set.hash,
    ...changes,
    hangingOn: dependents.map((one) => hangingOn(one, set, view)),
  };
  return { report, set, view };
}

function hangingOn({ definition, ...dependent }: Dependent, set: FeatureSet, view: RegistryView): HangingOn {
  const applied = view.sets.find(({ name, version }) => name === set.name && version === dependent.version);
  const was = definition ?? (applied === undefined ? null : setOfEntry(applied).definition);
  if (was === null) return { ...dependent, touched: null };
  const changed = changedValues(was, set.definition);
  return { ...dependent, touched: dependent.features.filter((name) => changed.has(name)) };
}

/**
 * Applies a plan to the registry as it was when the plan was made.
 *
 * @returns which of the name's versions it is. @throws AppError `commit_conflict` where another set was applied meanwhile.
 */
export async function applyPlan(
  { set, view }: SetPlan,
  dataDir: string,
  { by, reason }: { readonly by: string | undefined; readonly reason: string | null },
): Promise<number> {
  const clock = systemClock();
  const applied = await applySet(localObjectStore(dataFolders(dataDir).lake), { clock }, view, {
    name: set.name,
    version: set.version,
    hash: set.hash,
    definition: JSON.stringify(set.definition),
    appliedAtMicros: clock.nowMicros(),
    appliedBy: by ?? userInfo().username,
    reason,
  });
  return applied.kind === 'applied' ? applied.number : (newestOf(view, set.name)?.number ?? 0);
}

/** A plan for people. */
export function planLines(report: PlanReport): string[] {
  const { name, version, before, isSame, added, removed, changed, head, isReordered, isCompatible } = report;
  if (isSame) return [`${name}@${version} is what was applied last: nothing to do`];
  const lines = [before === null ? `${name}@${version} is new` : `${name}: ${before} → ${version}`];
  for (const change of head) lines.push(`~ ${memberText(change)}`);
  for (const feature of added) lines.push(`+ ${feature}`);
  for (const feature of removed) lines.push(`- ${feature}`);
  for (const { name: feature, members, inputs, isKeptOtherwise, changesValues } of changed) {
    const texts = members.map(memberText);
    if (inputs.length > 0) texts.push(`computed of ${inputs.join(', ')}`);
    if (isKeptOtherwise)
      texts.push('its entities keep events otherwise, so what was truncated may not be, or the other way');
    lines.push(`~ ${feature}${changesValues ? '' : ' (its values stay)'}: ${texts.join('; ')}`);
  }
  if (isReordered) lines.push('~ features stand in another order');
  if (before !== null) {
    lines.push(
      isCompatible
        ? 'compatible: every feature that was there keeps its values'
        : 'not compatible: what was made with the older version stays with it',
    );
  }
  lines.push(backfillLine(report));
  for (const { kind, name: who, version: of, touched } of report.hangingOn) {
    lines.push(`${kind} ${who} hangs on ${name}@${of}: ${touchedText(touched)}`);
  }
  return lines;
}

function touchedText(touched: HangingOn['touched']): string {
  if (touched === null) return 'what changes for it cannot be told, that version was never applied here';
  return touched.length === 0 ? 'none of its features changes' : `reads ${touched.join(', ')}`;
}

/** State is of one version of a set: whatever changed, a server of the new one has none until it has read silver. */
const NEW_STATE =
  'a server of the new version builds its state once, of all features: features backfill does it beside a running one';

function backfillLine({ backfill }: PlanReport): string {
  if (backfill === null) return `no window or label is new or changed; ${NEW_STATE}`;
  const { features, days } = backfill;
  const reach = days === null ? 'all of silver' : `${days} days of silver`;
  const count = features.length === 1 ? '1 feature is' : `${features.length} features are`;
  return `${count} new or changed and counted over ${reach}; ${NEW_STATE}`;
}

function memberText({ member, was, is }: MemberChange): string {
  const text = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value));
  return `${member} ${text(was)} → ${text(is)}`;
}
