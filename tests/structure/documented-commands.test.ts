/** Commands and options that the documentation names are there. (The lab runs those of its `sh` blocks.) */

import { buildProgram } from '../../packages/cli/src';
import { describeCommand, everyCommand } from '../../packages/cli/src/command-tree';
import { inlineCommands, pages } from './documentation';

const commands = everyCommand(describeCommand(buildProgram()));

/** What is wrong with a command line as text; null: nothing. Abbreviations for readers (`/`, `…`) end it. */
function objection(line: string): string | null {
  const words = (line.split(/\s+[/…|]|…/)[0] as string).trim().split(/\s+/);
  let depth = 0;
  const at = (path: readonly string[]) =>
    commands.find((command) => command.path.join(' ') === path.join(' '));
  while (depth < words.length && at(words.slice(0, depth + 1))) depth++;
  if (depth === 0) return `there is no command '${words[0]}'`;
  const command = at(words.slice(0, depth));
  if (command === undefined) return null;
  const next = words[depth];
  if (command.commands.length > 0 && next !== undefined && /^[a-z]+$/.test(next))
    return `'${words.slice(0, depth).join(' ')}' has no command '${next}'`;
  const options = new Set(command.options.flatMap(({ names }) => names));
  const unknown = words
    .flatMap((word) => /^\[?(--?[a-z][a-z-]*)/.exec(word)?.[1] ?? [])
    .filter((option) => !options.has(option));
  return unknown.length > 0
    ? `'${words.slice(0, depth).join(' ')}' has no option ${unknown.join(', ')}`
    : null;
}

test('what is not there is found', () => {
  expect(objection('rules check F…')).toBeNull();
  expect(objection('bans list --json')).toBeNull();
  expect(objection('bans lisst')).toMatch(/no command 'lisst'/);
  expect(objection('nothing at all')).toMatch(/no command 'nothing'/);
  expect(objection('status --efective')).toMatch(/no option --efective/);
});

test.each(pages().map((page) => [page.path, page] as const))('%s', (_, page) => {
  expect(inlineCommands(page).flatMap((line) => objection(line) ?? [])).toEqual([]);
});

test('there are commands in the pages at all', () => {
  expect(pages().flatMap(inlineCommands).length).toBeGreaterThan(30);
});
