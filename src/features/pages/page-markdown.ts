import type { FeaturePage, PageFeature } from './feature-page.ts';

/** A page as Markdown (GitHub's), an anchor a feature. */
export function pageMarkdown({ title, description, lines, features }: FeaturePage): string {
  const rows = features.map(({ name, kind, meaning }) => `| [${name}](#${name}) | ${kind} | ${cell(meaning)} |`);
  return [
    `# ${title}`,
    '',
    text(description),
    '',
    ...lines.flatMap((line) => [text(line), '']),
    '| feature | kind | meaning |',
    '|---|---|---|',
    ...rows,
    '',
    ...features.flatMap(section),
  ].join('\n');
}

function section({ name, meaning, formula, sql, lines }: PageFeature): string[] {
  return [
    `<a id="${name}"></a>`,
    `## ${name}`,
    '',
    text(meaning),
    '',
    '```',
    formula,
    '```',
    '',
    ...(sql === null ? [] : ['<details><summary>SQL</summary>', '', '```sql', sql, '```', '', '</details>', '']),
    ...lines.map(({ label, text: said }) => `- **${label}:** ${text(said)}`),
    '',
  ];
}

/** Text in which nothing is markup. */
function text(plain: string): string {
  return plain.replaceAll(/[\\`*_[\]<>&]/g, (sign) => (sign === '<' ? '&lt;' : sign === '&' ? '&amp;' : `\\${sign}`));
}

function cell(plain: string): string {
  return text(plain).replaceAll('|', '\\|').replaceAll('\n', ' ');
}
