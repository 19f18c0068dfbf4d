/** The pages that users read, and the commands that stand in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const repository = join(__dirname, '..', '..');

export interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

export function pages(): Page[] {
  const names = readdirSync(join(repository, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...names.map((name) => `docs/${name}`)].map(
    (path) => ({
      path,
      text: readFileSync(join(repository, path), 'utf8'),
    }),
  );
}

/** Lines of the `sh` blocks, without their comments. */
export function shellLines({ text }: Page): string[] {
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)]
    .flatMap((block) => (block[1] as string).split('\n'))
    .map((line) => line.replace(/\s{2,}#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** `portcullis …` as it stands in running text and tables. */
export function inlineCommands({ text }: Page): string[] {
  const prose = text.replace(/^```.*?^```$/gms, '');
  return [...prose.matchAll(/`(?:sudo )?portcullis ([a-z][^`]*)`/g)].map((found) => found[1] as string);
}
