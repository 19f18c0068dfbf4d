/** The table against a list of entries that is gone through one by one. */
import { AddressTable, ALLOWED, EntryFlag, RecordField } from './address-table';
import { AddressTableBuilder } from './table-builder';
import { WebAddress } from './web-address';

const { ITSELF, SUBDOMAINS } = EntryFlag;

/** A small generator (mulberry32) with a seed that a failure prints. */
function random(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface Entry {
  host: string;
  port: number;
  /** Path and query in normal form. */
  path: string;
  flags: number;
  list: number;
  category: number;
}

const address = new WebAddress();

/** @returns the same address for every text, as that of the last */
function readUrl(text: string): WebAddress {
  const bytes = Buffer.from(text);
  if (!address.readUrl(bytes, 0, bytes.length)) throw new Error(`${text} is no address`);
  return address;
}

/** What an address of a list covers, in words as plain as they get. */
function covers(entry: Entry, host: string, port: number, path: string, query: string): boolean {
  const itself = entry.host === host && (entry.flags & ITSELF) !== 0;
  const below = host.endsWith(`.${entry.host}`) && (entry.flags & SUBDOMAINS) !== 0;
  if (!itself && !below) return false;
  if (entry.port !== 0 && entry.port !== port) return false;
  if (entry.path === '') return true;
  if (entry.path.includes('?')) return path + query === entry.path;
  return path === entry.path || path.startsWith(`${entry.path}/`);
}

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

test.each([0, 1, 2, 3])(`finds what going through all entries finds (SEED=${seed}, round %d)`, (round) => {
  const below = random(seed + round);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  const labels = ['a', 'b', 'evil', 'ads', 'x-1', 'shop'];
  const host = () => {
    const parts = Array.from({ length: 1 + below(4) }, () => pick(labels));
    return below(12) === 0 ? `10.0.${below(3)}.${below(3)}` : `${parts.join('.')}.${pick(['com', 'org'])}`;
  };
  const path = () => Array.from({ length: below(4) }, () => `/${pick(['p', 'q', 'bin', 'r.html'])}`).join('');
  const ranks = Uint8Array.from([0, 3, 2, 0, 1, 1]);
  const builder = new AddressTableBuilder(() => 4 * below(16), Int32Array.of(below(2 ** 31), below(2 ** 31)));
  const lists = [0, 1, 2].map((number) => builder.addList(`list${number}`));
  for (const name of ['one', 'two', 'ignored', 'four', 'five']) builder.categoryNumber(name);
  const entries: Entry[] = [];
  for (let count = 0; count < 200 * (round + 1); count++) {
    const isIp = (name: string) => /^\d/.test(name);
    const name = host();
    const entry: Entry = {
      host: name,
      port: below(6) === 0 ? 8080 : 0,
      path: below(3) === 0 ? path() + (below(5) === 0 ? `?id=${below(3)}` : '') : '',
      flags: isIp(name) ? ITSELF : pick([ITSELF, SUBDOMAINS, ITSELF | SUBDOMAINS]),
      list: pick(lists),
      category: below(40) === 0 ? ALLOWED : 1 + below(5),
    };
    const same = entries.filter(
      (other) =>
        other.host === entry.host &&
        other.port === entry.port &&
        other.path === entry.path &&
        other.category === entry.category,
    );
    const port = entry.port === 0 ? '' : `:${entry.port}`;
    const added = builder.add(
      readUrl(`http://${entry.host}${port}${entry.path}`),
      entry.flags,
      entry.list,
      entry.category,
    );
    const said = same.some((other) => (other.flags & entry.flags) === entry.flags);
    if (added === said) expect(added).toBe(!said);
    const own = same.find((other) => other.list === entry.list);
    if (said) continue;
    if (own) own.flags |= entry.flags;
    else entries.push(entry);
  }
  const table = new AddressTable(builder.finish(), ranks);
  let found = 0;
  for (let count = 0; count < 1500; count++) {
    const name = host();
    const port = below(3) === 0 ? 8080 : 0;
    const where = path();
    const query = below(3) === 0 ? `?id=${below(3)}` : '';
    const withPath = below(4) !== 0;
    readUrl(`http://${name}${port ? `:${port}` : ''}${where}${query}`);
    const fitting = entries.filter(
      (entry) =>
        (withPath || (entry.port === 0 && entry.path === '')) &&
        covers(entry, name, port, where, query) &&
        (entry.category === ALLOWED || (ranks[entry.category] as number) > 0),
    );
    const weight = (entry: Entry) => (entry.category === ALLOWED ? 255 : (ranks[entry.category] as number));
    const best = Math.max(0, ...fitting.map(weight));
    const covered = table.find(address, withPath);
    if (covered !== (best > 0 && best < 255)) expect(covered).toBe(!covered);
    if (best === 0 || best === 255) continue;
    found++;
    const heaviest = fitting.filter((entry) => weight(entry) === best);
    const list = Math.min(...heaviest.map((entry) => entry.list));
    const category = heaviest.some((entry) => entry.category === table.category && entry.list === table.list);
    if (table.list !== list || !category)
      expect({ list: table.list, category }).toEqual({ list, category: true });
  }
  expect(found).toBeGreaterThan(50);
});

test('grows over chunks and doublings, and finds every entry', () => {
  const builder = new AddressTableBuilder();
  builder.addList('large');
  const category = builder.categoryNumber('all');
  const filler = 'x'.repeat(2000);
  const urls = Array.from({ length: 8600 }, (_, number) => `host${number}.example/${filler}${number}`);
  for (const url of urls) {
    const bytes = Buffer.from(url);
    address.readUrl(bytes, 0, bytes.length);
    builder.add(address, ITSELF, 0, category);
  }
  const data = builder.finish();
  expect(data.chunks.length).toBe(2);
  const table = new AddressTable(data, Uint8Array.of(0, 1));
  expect(data.entries).toBe(urls.length);
  for (const url of urls.filter((_, number) => number % 50 === 0 || number > 8350)) {
    expect(table.find(readUrl(url), true)).toBe(true);
    expect(table.entry).toBe(url);
    expect(table.find(readUrl(url), false)).toBe(false);
    expect(table.find(readUrl(`${url}0`), true)).toBe(false);
  }
});

test('records that fit into a line of the cache do not lie in two', () => {
  const AHEAD = 48;
  const builder = new AddressTableBuilder(() => AHEAD, Int32Array.of(1, 2));
  const list = builder.addList('list');
  const category = builder.categoryNumber('category');
  const hosts = Array.from({ length: 500 }, (_, n) => `${'x'.repeat(1 + (n % 50))}${n}.example`);
  for (const host of hosts) builder.add(readUrl(`http://${host}/`), ITSELF, list, category);
  const { chunks } = builder.finish();
  const bytes = Buffer.from(chunks[0] as SharedArrayBuffer);
  const lineOfByte = (at: number) => Math.floor((at + 64 - AHEAD) / 64);
  const split = hosts.filter((host) => {
    const key = bytes.indexOf(`${host}`, 0, 'latin1');
    expect(key).toBeGreaterThan(0);
    return (
      RecordField.KEY + host.length <= 64 &&
      lineOfByte(key - RecordField.KEY) !== lineOfByte(key + host.length - 1)
    );
  });
  expect(split).toEqual([]);
});
