import { createReadStream } from 'node:fs';
import type { BansAddedAnswer } from '@portcullis/control';
import { CommandError, Exit } from '../exit';
import { ask, type ConfigOptions } from '../options';
import { formatCount, printJson, printLine, printProblem } from '../print';

export interface BanFileOptions extends ConfigOptions {
  file: string;
  for?: string;
  reason?: string;
  json?: boolean;
}

/** Addresses that go with one request: the engine does not stand still for long while it reads them. */
const TOGETHER = 16_384;
/** Refusals that are printed. */
const MOST_TOLD = 20;
/** Longer than any address with its length. */
const LONGEST_WORD = 64;
/** Of a line only its beginning counts. */
const LONGEST_LINE = 1024;

/** The first word of a line; what follows it, and lines that begin with `#` or `;`, are remarks. */
export function addressOfLine(line: string): string | null {
  const word = /^\s*([^\s#;,]+)/.exec(line.slice(0, LONGEST_LINE))?.[1];
  return word === undefined ? null : word.slice(0, LONGEST_WORD);
}

async function* linesOf(input: AsyncIterable<string>): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of input) {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() as string).slice(0, LONGEST_LINE);
    yield* lines;
  }
  yield rest;
}

/** @param input text in pieces */
export async function* addressGroups(input: AsyncIterable<string>): AsyncIterable<string[]> {
  let group: string[] = [];
  for await (const line of linesOf(input)) {
    const address = addressOfLine(line);
    if (address === null) continue;
    group.push(address);
    if (group.length < TOGETHER) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** Bans all addresses of a file (`-`: of the standard input), one a line. */
export async function addBansOfFile(options: BanFileOptions): Promise<void> {
  const input = options.file === '-' ? process.stdin : createReadStream(options.file);
  input.setEncoding('latin1');
  const all: BansAddedAnswer = { banned: 0, refused: 0, refusals: [] };
  try {
    for await (const addresses of addressGroups(input)) {
      const answer = await ask<BansAddedAnswer>(options, 'bans.add-many', {
        addresses,
        for: options.for,
        reason: options.reason,
      });
      all.banned += answer.banned;
      all.refused += answer.refused;
      all.refusals.push(...answer.refusals.slice(0, MOST_TOLD - Math.min(MOST_TOLD, all.refusals.length)));
    }
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new CommandError(Exit.USAGE, `cannot read ${options.file}: ${code}`);
  }
  if (options.json) printJson(all);
  else printLine(`${formatCount(all.banned)} devices are blocked`);
  for (const { address, reason } of options.json ? [] : all.refusals)
    printProblem(`${address} is not blocked: ${reason}`);
  if (all.refused > all.refusals.length && !options.json)
    printProblem(`and ${formatCount(all.refused - all.refusals.length)} more`);
  if (all.banned + all.refused === 0) throw new CommandError(Exit.NOT_SO, `no addresses in ${options.file}`);
  if (all.refused > 0) throw new CommandError(Exit.NOT_SO, '');
}
