import { AppError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest-name.ts';
import { repeatedName } from '../base/repeated-name.ts';
import { tellableColumns, toldColumns, toldTwice } from '../base/tellable.ts';
import type { ImportMapping } from './import-mapping.ts';

/**
 * The place of each column of a CSV file, by its name.
 *
 * @param names of the mapping's `csv.header`, or the fields of the file's first line: a person's data, where the file
 * has no header, so what does not look like names is not repeated.
 * @throws AppError `invalid_mapping` where a name comes twice, or one that the mapping names is missing.
 */
export function headerPlaces(
  mapping: ImportMapping,
  names: readonly string[],
  file: string,
): ReadonlyMap<string, number> {
  const trimmed = names.map((name) => name.trim());
  const places = new Map(trimmed.map((name, index) => [name, index]));
  const hint =
    tellableColumns(trimmed) === undefined ? '; where the file has no header, csv.header names its columns' : '';
  const twice = repeatedName(trimmed);
  if (twice !== undefined) {
    throw new AppError('invalid_mapping', `${file} has two columns${toldTwice(twice, trimmed)}${hint}`, { file });
  }
  for (const column of columnsNamedBy(mapping)) {
    if (places.has(column)) continue;
    const near = didYouMean(column, tellableColumns(trimmed) ?? []);
    const message = `${file} has no column ${column}${near} (${toldColumns(trimmed)}${hint})`;
    throw new AppError('invalid_mapping', message, { file, column });
  }
  return places;
}

function columnsNamedBy(mapping: ImportMapping): string[] {
  const named = mapping.fields.flatMap(({ source }) => (source.kind === 'column' ? [source.column] : []));
  if (mapping.label !== null) named.push(mapping.label.column);
  if (mapping.knownTime.kind === 'column') named.push(mapping.knownTime.column);
  return named;
}
