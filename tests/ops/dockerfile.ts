/** Dockerfiles taken apart, and what hadolint would have against them (its rule numbers). */

export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** @throws on a line that is no instruction; lines that end in a backslash go on. */
export function instructions(text: string): Instruction[] {
  const joined = text
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, ' ');
  return joined.split('\n').flatMap((line) => {
    const [, name, rest] = /^([A-Z]+)\s+(.+)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined) throw new Error(`no instruction: ${line}`);
    return [{ name, rest }];
  });
}

/**
 * hadolint's rules that an image for Debian can break. Not looked for: DL3002, the engine is root on purpose; DL3008,
 * Debian keeps only the newest version of a package, so one that is pinned cannot be installed any more next month.
 */
const rules: readonly (readonly [code: string, broken: (all: readonly Instruction[]) => boolean])[] = [
  ['DL3000', (all) => some(all, 'WORKDIR', (rest) => !/^["/$]/.test(rest))],
  [
    'DL3001',
    (all) => some(all, 'RUN', (rest) => /\b(ssh|vim|shutdown|service|ps|free|top|mount)\s/.test(rest)),
  ],
  ['DL3003', (all) => some(all, 'RUN', (rest) => /(^|&& |; )cd /.test(rest))],
  ['DL3004', (all) => some(all, 'RUN', (rest) => /\bsudo\b/.test(rest))],
  ['DL3006', (all) => some(all, 'FROM', (rest) => !/^(--\S+ )?(scratch\b|[^-\s]\S*[:@])/.test(rest))],
  ['DL3007', (all) => some(all, 'FROM', (rest) => /:latest\b/.test(rest))],
  ['DL3009', (all) => installs(all, (rest) => !rest.includes('rm -rf /var/lib/apt/lists/*'))],
  ['DL3014', (all) => installs(all, (rest) => !/ -y\b| -qq\b/.test(rest))],
  ['DL3015', (all) => installs(all, (rest) => !rest.includes('--no-install-recommends'))],
  ['DL3016', (all) => some(all, 'RUN', (rest) => /npm (install|i) (?!-)[^-@\s][^@\s]*(\s|$)/.test(rest))],
  ['DL3020', (all) => all.some(({ name }) => name === 'ADD')],
  [
    'DL3021',
    (all) =>
      some(all, 'COPY', (rest) => {
        const words = rest.split(' ').filter((word) => !word.startsWith('--'));
        const target = words.at(-1) as string;
        return words.length > 2 && !/(\/|^\.)$/.test(target);
      }),
  ],
  ['DL3022', (all) => some(all, 'COPY', (rest) => !stages(all).includes(fromStage(rest) ?? stages(all)[0]))],
  ['DL3024', (all) => new Set(stages(all)).size < stages(all).length],
  ['DL3025', (all) => ['CMD', 'ENTRYPOINT'].some((name) => some(all, name, (rest) => !rest.startsWith('[')))],
  ['DL3027', (all) => some(all, 'RUN', (rest) => /\bapt (?!-)/.test(rest))],
  ['DL3029', (all) => some(all, 'FROM', (rest) => rest.includes('--platform='))],
  ['DL3045', (all) => relativeCopies(all)],
  ['DL3057', (all) => !all.some(({ name }) => name === 'HEALTHCHECK')],
  ['DL3059', (all) => all.some(({ name }, index) => name === 'RUN' && all[index + 1]?.name === 'RUN')],
  ['DL4000', (all) => all.some(({ name }) => name === 'MAINTAINER')],
  ['DL4003', (all) => all.filter(({ name }) => name === 'CMD').length > 1],
  ['DL4004', (all) => all.filter(({ name }) => name === 'ENTRYPOINT').length > 1],
  ['DL4006', (all) => some(all, 'RUN', (rest) => / \| /.test(rest) && !rest.includes('pipefail'))],
];

/** Codes of the rules that a Dockerfile breaks. */
export function lint(text: string): string[] {
  const all = instructions(text);
  return rules.filter(([, broken]) => broken(all)).map(([code]) => code);
}

function some(all: readonly Instruction[], name: string, wrong: (rest: string) => boolean): boolean {
  return all.some((one) => one.name === name && wrong(one.rest));
}

function installs(all: readonly Instruction[], wrong: (rest: string) => boolean): boolean {
  return some(all, 'RUN', (rest) => rest.includes('apt-get install') && wrong(rest));
}

/** Names that stages give themselves; undefined: none. */
function stages(all: readonly Instruction[]): (string | undefined)[] {
  return all.filter(({ name }) => name === 'FROM').flatMap(({ rest }) => / AS (\S+)$/.exec(rest)?.[1] ?? []);
}

function fromStage(rest: string): string | undefined {
  return /^--from=(\S+)/.exec(rest)?.[1];
}

function relativeCopies(all: readonly Instruction[]): boolean {
  let placed = false;
  for (const { name, rest } of all) {
    if (name === 'FROM') placed = false;
    if (name === 'WORKDIR') placed = true;
    if (name === 'COPY' && !placed && !rest.split(' ').at(-1)?.startsWith('/')) return true;
  }
  return false;
}
