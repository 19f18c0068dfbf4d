import type { LanguageBuffer, RuleLanguage } from '@portcullis/engine';

/** The rule language as a page of documentation (docs/keywords.md). */
export function languagePage({
  headers,
  keywords,
  refused,
  aliases,
  modifiers,
  protocols,
}: RuleLanguage): string {
  const parts = [
    '# Keywords, buffers and events',
    'Written by `portcullis rules keywords --markdown` from the code that implements them; see [rules.md](rules.md) for how rules are judged.',
    '## Rule headers',
    code(headers),
    '## Keywords',
    code(keywords),
    'Known and refused:',
    Object.entries(refused)
      .map(([name, reason]) => `- \`${name}\`: ${reason}`)
      .join('\n'),
    'Other names of buffers, written before contents:',
    code(Object.entries(aliases).map(([old, name]) => `${old} = ${name}`)),
    'The old form, written behind a content:',
    code(Object.entries(modifiers).map(([old, name]) => `${old} = ${name}`)),
    '## Protocols',
    ...protocols.flatMap(({ name, transports, buffers, events }) => [
      `### ${name}`,
      `Over ${transports.join(' and ').toUpperCase()}, told by its bytes.`,
      ...(buffers.length > 0 ? [table(buffers)] : []),
      ...(events.length > 0 ? [`Events (\`app-layer-event\`): ${code(events)}`] : []),
    ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function table(buffers: readonly LanguageBuffer[]): string {
  const rows = buffers.map(({ name, directions, kind, values, multiple, streaming }) => {
    const about = [
      kind === 'number' ? 'number' : 'bytes',
      ...(multiple ? ['several'] : []),
      ...(streaming ? ['while it grows'] : []),
    ].join(', ');
    const way = directions.length === 2 ? 'both' : (directions[0] as string).replace('_', ' ');
    const named = values.length > 0 ? `${code(values.slice(0, 40))}${values.length > 40 ? ' …' : ''}` : '';
    return `| \`${name}\` | ${way} | ${about} | ${named} |`;
  });
  return ['| buffer | direction | what | names for numbers |', '| --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}
