import type { FeaturePage, PageFeature } from './feature-page.ts';

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}
pre{background:#f4f4f4;padding:.6rem;white-space:pre-wrap}h2{margin-top:2.5rem;border-top:1px solid #ddd;padding-top:1rem}
dl{display:grid;grid-template-columns:9rem 1fr;gap:.2rem 1rem}dt{font-weight:600}dd{margin:0}`;

/** A page as one HTML file that loads nothing, an anchor a feature. */
export function pageHtml({ title, description, lines, features }: FeaturePage): string {
  const rows = features.map(
    ({ name, kind, meaning }) =>
      `<tr><td><a href="#${escaped(name)}">${escaped(name)}</a></td><td>${escaped(kind)}</td><td>${escaped(meaning)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>
<style>${STYLE}</style></head><body>
<h1>${escaped(title)}</h1>
<p>${escaped(description)}</p>
${lines.map((line) => `<p>${escaped(line)}</p>`).join('\n')}
<table><thead><tr><th>feature</th><th>kind</th><th>meaning</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table>
${features.map(section).join('\n')}
</body></html>
`;
}

function section({ name, meaning, formula, sql, lines }: PageFeature): string {
  const facts = lines.map(({ label, text }) => `<dt>${escaped(label)}</dt><dd>${escaped(text)}</dd>`);
  return `<section><h2 id="${escaped(name)}">${escaped(name)}</h2>
<p>${escaped(meaning)}</p>
<pre>${escaped(formula)}</pre>
${sql === null ? '' : `<details><summary>SQL</summary><pre>${escaped(sql)}</pre></details>\n`}<dl>${facts.join('')}</dl></section>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign);
}
