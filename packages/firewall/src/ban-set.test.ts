import { IpSetError } from '@portcullis/nfqueue-binding';
import type { KernelBan } from './backend';
import { BanSet, type BanSetCalls, type BanSetOptions } from './ban-set';
import { BanSets } from './ban-sets';
import type { FirewallError } from './errors';
import { Ipset } from './ipset';
import { Turns } from './turns';

/** The kernel's sets as far as these tests look at them. */
class StandInSets implements BanSetCalls {
  readonly held = new Map<string, { capacity: number; entries: Map<string, string> }>();
  /** So many swaps find the set listed by somebody. */
  busySwaps = 0;
  /** Destroying finds it listed. */
  busy = false;
  /** Called between the reading of a set and the end of its copying, or before entries are removed. */
  meanwhile: () => unknown = () => undefined;

  private at(set: string) {
    const held = this.held.get(set);
    if (held) return held;
    throw new IpSetError('SET_MISSING', `no set ${set}`);
  }
  add(set: string, line: string): void {
    const { capacity, entries } = this.at(set);
    const prefix = line.split(' ')[0] as string;
    if (!entries.has(prefix) && entries.size >= capacity) throw new IpSetError('SET_FULL', `${set} is full`);
    entries.set(prefix, line);
  }
  remove(set: string, line: string): void {
    this.at(set).entries.delete(line);
  }
  async addMany(set: string, lines: string): Promise<void> {
    for (const line of lines.trim().split('\n')) this.add(set, line);
  }
  async removeMany(set: string, lines: string): Promise<void> {
    await this.meanwhile();
    for (const line of lines.trim().split('\n')) this.remove(set, line);
  }
  exists(set: string): boolean {
    return this.held.has(set);
  }
  create(set: string, _family: 4 | 6, capacity: number): void {
    if (this.held.has(set)) throw new IpSetError('SET_EXISTS', `${set} is there`);
    this.held.set(set, { capacity, entries: new Map() });
  }
  swap(set: string, other: string): void {
    if (this.busySwaps-- > 0) throw new IpSetError('SET_BUSY', 'somebody is listing it');
    const [one, two] = [this.at(set), this.at(other)];
    this.held.set(set, two).set(other, one);
  }
  flush(set: string): void {
    this.at(set).entries.clear();
  }
  destroy(set: string): void {
    if (this.busy) throw new IpSetError('SET_BUSY', 'somebody is listing it');
    this.at(set);
    this.held.delete(set);
  }
  async copy(from: string, to: string): Promise<void> {
    const read = [...this.at(from).entries.values()];
    await this.meanwhile();
    for (const line of read) this.add(to, line);
  }
  async list(set: string, visit: (lines: string) => void): Promise<void> {
    visit([...this.at(set).entries.values()].join('\n'));
  }
  async count(set: string): Promise<number> {
    return this.at(set).entries.size;
  }
  has(set: string, line: string): boolean {
    return this.at(set).entries.has(line);
  }
}

let sets: StandInSets;
let failures: FirewallError[];
beforeEach(() => {
  sets = new StandInSets();
  failures = [];
});

const address = (n: number): string => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
const entry = (n: number) => ({ prefix: address(n), remaining: 60 });

function made(options: BanSetOptions): BanSet {
  const set = new BanSet(4, sets, new Turns(), {
    onGrowthFailure: (error) => failures.push(error),
    ...options,
  });
  set.create();
  return set;
}

async function entries(set: BanSet): Promise<string[]> {
  const found: KernelBan[] = [];
  await set.each((ban) => found.push(ban));
  return found.map(({ prefix }) => prefix).sort();
}

test('it grows before it is full, and what is changed while the successor is filled is changed there', async () => {
  const set = made({ capacity: 8 });
  sets.meanwhile = () => {
    void set.add(entry(100));
    void set.remove([address(1)]);
  };
  for (let n = 0; n < 8; n++) await set.add(entry(n));
  await set.settle();
  expect(set.capacity).toBe(32);
  expect(await entries(set)).toEqual([0, 2, 3, 4, 5, 6, 7, 100].map(address).sort());
  expect([...sets.held.keys()]).toEqual(['portcullis_ban4']);
});

test('emptied while it grows, it holds what came after', async () => {
  const set = made({ capacity: 8 });
  sets.meanwhile = () => {
    expect(set.flush()).toBe(false);
    void set.add(entry(100));
  };
  for (let n = 0; n < 8; n++) await set.add(entry(n));
  await set.settle();
  expect(await entries(set)).toEqual([address(100)]);
});

test('a set that is full grows before the ban is made, unless the ban was lifted meanwhile', async () => {
  const set = made({ capacity: 4 });
  sets.meanwhile = () => set.remove([address(5)]);
  await Promise.all(Array.from({ length: 6 }, (_, n) => set.add(entry(n))));
  await set.settle();
  expect(await entries(set)).toEqual([0, 1, 2, 3, 4].map(address));
});

test('somebody who lists it only delays the growth', async () => {
  const set = made({ capacity: 8 });
  sets.busySwaps = 2;
  for (let n = 0; n < 8; n++) await set.add(entry(n));
  await set.settle();
  expect([set.capacity, failures]).toEqual([32, []]);
});

test('the largest is never exceeded: full, it says so', async () => {
  const set = made({ capacity: 4, largestCapacity: 8 });
  for (let n = 0; n < 8; n++) await set.add(entry(n));
  expect(set.capacity).toBe(8);
  await expect(set.add(entry(8))).rejects.toMatchObject({ code: 'SET_FULL' });
  await set.remove([address(0)]);
  await set.add(entry(8));
  expect(await entries(set)).toHaveLength(8);
});

test('a growth that fails is told once for a while, and bans go on until it is full', async () => {
  const set = made({ capacity: 8 });
  sets.copy = () => Promise.reject(new IpSetError('SYSTEM', 'no memory'));
  for (let n = 0; n < 8; n++) {
    await set.add(entry(n));
    await set.settle();
  }
  expect(failures).toMatchObject([{ code: 'IPSET_FAILED' }]);
  await expect(set.add(entry(8))).rejects.toMatchObject({ code: 'IPSET_FAILED' });
  expect([...sets.held.keys()]).toEqual(['portcullis_ban4']);
});

test('what is added while many are removed stays', async () => {
  const set = made({ capacity: 1000 });
  const all = Array.from({ length: 400 }, (_, n) => n);
  for (const n of all) await set.add(entry(n));
  sets.meanwhile = () => set.add(entry(7));
  await set.remove(all.map(address));
  expect(await entries(set)).toEqual([address(7)]);
});

describe('emptying of sets with very many', () => {
  const COUNT = 10_001;
  let both: BanSets;
  const names = () => [...sets.held.keys()].sort();
  const all = () => Array.from({ length: COUNT }, (_, n) => address(n));
  beforeEach(async () => {
    const ipset = new Ipset({ run: async () => ({ exitCode: 0, stdout: '', stderr: '' }) } as never);
    both = new BanSets(ipset, sets as never, [4, 6], { capacity: 65_536 });
    await both.ensure();
    await both.restore(
      all().map((prefix) => ({ prefix, remaining: 60 })),
      COUNT,
    );
  });

  test('is done beside an empty one, and leaves nothing', async () => {
    both.flush(all());
    expect(await both.count()).toBe(0);
    expect(names()).toEqual(['portcullis_ban4', 'portcullis_ban4_next', 'portcullis_ban6']);
    await both.settle();
    expect(names()).toEqual(['portcullis_ban4', 'portcullis_ban6']);
  });

  test('that finds the full one listed is made up for by the next', async () => {
    both.flush(all());
    sets.busy = true;
    await both.settle();
    sets.busy = false;
    expect(names()).toEqual(['portcullis_ban4', 'portcullis_ban4_next', 'portcullis_ban6']);
    await both.add({ prefix: address(1), remaining: 60 });
    both.flush([]);
    expect([names(), await both.count()]).toEqual([['portcullis_ban4', 'portcullis_ban6'], 0]);
  });
});
