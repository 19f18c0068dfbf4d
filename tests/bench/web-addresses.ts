/** Memory of millions of web addresses, and how long a look-up takes: of bytes as they stand in the traffic. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '@portcullis/testkit';
import { AddressTable, loadAddressesInThread, WebAddress } from '@portcullis/web-addresses';
import { median, percentile } from './figures';

const MEGABYTE = 1e6;
/** Of a million entries so many are addresses with a path, as phishing and malware feeds have them. */
const URL_SHARE = 0.2;
const QUERIES = 200_000;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const ENDINGS = ['com', 'net', 'org', 'info', 'co.uk', 'com.br', 'xyz', 'top', 'online', 'example'];

class Names {
  constructor(private readonly random: SeededRandom) {}

  private word(least: number, most: number): string {
    let word = '';
    const length = this.random.between(least, most);
    for (let at = 0; at < length; at++) word += LETTERS[this.random.between(0, LETTERS.length - 1)];
    return word;
  }

  host(): string {
    const below = this.random.between(0, 2) === 0 ? `${this.word(2, 8)}.` : '';
    return `${below}${this.word(6, 16)}.${ENDINGS[this.random.between(0, ENDINGS.length - 1)]}`;
  }

  url(): string {
    const path = Array.from({ length: this.random.between(1, 4) }, () => this.word(3, 10)).join('/');
    return `http://${this.host()}/${path}`;
  }
}

/** Writes a feed of `count` lines. @returns some of its lines */
function writeFeed(path: string, count: number, line: () => string): string[] {
  const file = openSync(path, 'w');
  const every = Math.max(1, Math.floor(count / QUERIES));
  const kept: string[] = [];
  let text: string[] = [];
  for (let number = 0; number < count; number++) {
    const entry = line();
    if (number % every === 0) kept.push(entry);
    text.push(entry);
    if (text.length < 10_000 && number < count - 1) continue;
    writeSync(file, `${text.join('\n')}\n`);
    text = [];
  }
  closeSync(file);
  return kept;
}

/** Texts as runs of bytes in one array, in an order that no cache knows. */
class Queries {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;

  constructor(texts: readonly string[], random: SeededRandom) {
    const order = texts.map((_, place) => place);
    for (let at = order.length - 1; at > 0; at--) {
      const other = random.between(0, at);
      [order[at], order[other]] = [order[other] as number, order[at] as number];
    }
    this.ends = new Uint32Array(texts.length);
    let end = 0;
    const parts = order.map((place, at) => {
      const part = Buffer.from(texts[place] as string, 'latin1');
      end += part.length;
      this.ends[at] = end;
      return part;
    });
    this.bytes = Buffer.concat(parts);
  }
}

/**
 * @param table null: addresses are brought into normal form, and no more
 * @returns microseconds of processor time each took, and how many found something
 */
function lookUp(
  table: AddressTable | null,
  queries: Queries,
  withPath: boolean,
): { micros: number; found: number } {
  const address = new WebAddress();
  const { bytes, ends } = queries;
  let found = 0;
  let start = 0;
  const before = process.cpuUsage();
  for (let at = 0; at < ends.length; at++) {
    const end = ends[at] as number;
    if (withPath) address.readUrl(bytes, start, end);
    else {
      address.setPort(0);
      address.readHost(bytes, start, end);
    }
    if (table?.find(address, withPath) === true) found++;
    start = end;
  }
  const { user, system } = process.cpuUsage(before);
  return { micros: (user + system) / ends.length, found };
}

/** Resident memory of this process, bytes (proc(5)). */
function resident(): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      entries: { type: 'string', default: '5000000' },
      rounds: { type: 'string', default: '9' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write('npm run bench:web-addresses -- [--entries N] [--rounds N] [--seed N]\n');
    return;
  }
  const random = new SeededRandom(Number(values.seed));
  const names = new Names(random);
  const entries = Number(values.entries);
  const urls = Math.round(entries * URL_SHARE);
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-web-addresses-'));
  try {
    process.stderr.write(`writing feeds of ${entries} addresses …\n`);
    const domains = writeFeed(join(directory, 'domains'), entries - urls, () => names.host());
    const addresses = writeFeed(join(directory, 'urls'), urls, () => names.url());
    const list = (name: string, form: 'domains' | 'urls') => ({
      name,
      form,
      path: join(directory, name),
      category: name,
    });
    globalThis.gc?.();
    const before = resident();
    process.stderr.write('reading them …\n');
    const loaded = await loadAddressesInThread({
      lists: [list('domains', 'domains'), list('urls', 'urls')],
      allowed: [],
      allowedFiles: [],
      keepDirectory: null,
    });
    globalThis.gc?.();
    const table = new AddressTable(
      loaded.table,
      Uint8Array.from(loaded.table.categories, () => 1),
    );
    const megabytes = (bytes: number) => `${(bytes / MEGABYTE).toFixed(0)} MB`;
    process.stdout.write(
      `${loaded.table.entries} entries in ${megabytes(loaded.bytes)} of shared memory ` +
        `(resident memory grew by ${megabytes(resident() - before)}), read in ${loaded.seconds.toFixed(1)} s\n\n`,
    );
    const fresh = (make: () => string) => Array.from({ length: QUERIES }, make);
    const kinds: [string, readonly string[], boolean][] = [
      ['name that is listed', domains, false],
      ['name below a listed one', domains.map((name) => `www.cdn.${name}`), false],
      ['name that is not listed', fresh(() => names.host()), false],
      ['URL that is listed', addresses, true],
      ['URL below a listed one', addresses.map((url) => `${url}/index.php?id=1`), true],
      ['URL that is not listed', fresh(() => names.url()), true],
    ];
    const queries = kinds.map(([, texts]) => new Queries(texts, random));
    const times: number[][] = kinds.map(() => []);
    const reading: number[][] = kinds.map(() => []);
    const found: number[] = [];
    // Interleaved, so that a slow moment of the machine does not count for one kind alone.
    for (let round = 0; round <= Number(values.rounds); round++) {
      for (const [at, [, , withPath]] of kinds.entries()) {
        const result = lookUp(table, queries[at] as Queries, withPath);
        found[at] = result.found;
        const read = lookUp(null, queries[at] as Queries, withPath);
        if (round === 0) continue;
        (reading[at] as number[]).push(read.micros);
        (times[at] as number[]).push(result.micros - read.micros);
      }
    }
    process.stdout.write(
      '| look-up | µs, median | µs, best | normal form before it, µs, median | found |\n| --- | --- | --- | --- | --- |\n',
    );
    for (const [at, [title, texts]] of kinds.entries()) {
      const all = times[at] as number[];
      const share = ((100 * (found[at] as number)) / texts.length).toFixed(0);
      process.stdout.write(
        `| ${title} | ${median(all).toFixed(2)} | ${percentile(all, 0).toFixed(2)} | ${median(reading[at] as number[]).toFixed(2)} | ${share} % |\n`,
      );
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
