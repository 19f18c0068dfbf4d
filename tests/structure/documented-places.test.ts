/** Files and headings that the documentation leads to are there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Page, pages, repository } from './documentation';

/** Paths from the root of the repository in running text: `packages/wire`, `tests/ops/service` (without its ending). */
function namedPaths({ text }: Page): string[] {
  const found = text.matchAll(
    /`((?:packages|native\/[a-z]+-binding|tests|scripts|docker|packaging|docs)\/[\w./@-]*)`/g,
  );
  return [...found].map(([, path]) => (path as string).replace(/\/$/, ''));
}

function isThere(path: string): boolean {
  const at = join(repository, path);
  if (existsSync(at)) return true;
  const folder = dirname(at);
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(`${basename(at)}.`));
}

/** Targets of links within the repository, from the root of it; the heading after `#`. */
function links({ path, text }: Page): { target: string; heading: string | undefined }[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, to]) => to as string)
    .filter((to) => !/^[a-z]+:/.test(to))
    .map((to) => {
      const [file, heading] = to.split('#') as [string, string | undefined];
      return { target: file === '' ? path : join(dirname(path), file), heading };
    });
}

/** What a heading is called in a link, as GitHub does it. */
function anchors(path: string): string[] {
  return [...readFileSync(join(repository, path), 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test.each(pages().map((page) => [page.path, page] as const))('%s leads to what is there', (_, page) => {
  const wrong = namedPaths(page).filter((path) => !isThere(path));
  for (const { target, heading } of links(page)) {
    if (!existsSync(join(repository, target))) wrong.push(target);
    else if (heading !== undefined && !anchors(target).includes(heading)) wrong.push(`${target}#${heading}`);
  }
  expect(wrong).toEqual([]);
});

test('there are places and links in the pages at all', () => {
  expect(pages().flatMap(namedPaths).length).toBeGreaterThan(50);
  expect(pages().flatMap(links).length).toBeGreaterThan(50);
});
