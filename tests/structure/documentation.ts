/** The pages that users read, and the commands that stand in them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const repository = join(__dirname, '..', '..');

export interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

export function pages(): Page[] {
  const pagesIn = (folder: string) =>
    readdirSync(join(repository, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`);
  const modules = ['packages', 'native']
    .flatMap((top) => readdirSync(join(repository, top)).map((name) => `${top}/${name}/README.md`))
    .filter((path) => existsSync(join(repository, path)));
  return [
    ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docker/README.md', 'tests/fuzz/README.md'],
    ...pagesIn('docs'),
    ...pagesIn('docs/decisions'),
    ...modules,
  ].map((path) => ({ path, text: readFileSync(join(repository, path), 'utf8') }));
}

/** Lines of the `sh` blocks, without their comments. */
export function shellLines({ text }: Page): string[] {
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)]
    .flatMap((block) => (block[1] as string).split('\n'))
    .map((line) => line.replace(/\s{2,}#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** A page without all but the section under this heading, subsections included. */
export function section({ path, text }: Page, heading: string): Page {
  const [, after] = text.split(`\n## ${heading}\n`);
  if (after === undefined) throw new Error(`${path} has no section '${heading}'`);
  return { path, text: after.split('\n## ')[0] as string };
}

/** `portcullis …` as it stands in running text and tables. */
export function inlineCommands({ text }: Page): string[] {
  const prose = text.replace(/^```.*?^```$/gms, '');
  return [...prose.matchAll(/`(?:sudo )?portcullis ([a-z][^`]*)`/g)].map((found) => found[1] as string);
}
