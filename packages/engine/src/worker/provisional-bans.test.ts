import type { Detection } from '../detection';
import { type BanPermit, PermitWord, ProvisionalBans } from './provisional-bans';

const SEEN = 1_700_000_000_000_000;

const attack = (fields: Partial<Detection> = {}): Detection =>
  ({
    time: SEEN,
    source: '203.0.113.7',
    version: 4,
    handshake: true,
    kind: 'attack',
    response: 'block',
    protectedEnd: 'destination',
    blocked: true,
    ...fields,
  }) as Detection;

class FakeSets {
  readonly entries = new Map<string, string>();
  refuse = false;
  asked = 0;
  addNew(set: string, line: string): boolean {
    if (this.refuse) throw new Error('the set is full');
    const [prefix, ...rest] = line.split(' ') as [string, ...string[]];
    if (this.entries.has(`${set} ${prefix}`)) return false;
    this.entries.set(`${set} ${prefix}`, rest.join(' '));
    return true;
  }
  has(): boolean {
    this.asked++;
    return false;
  }
  async close(): Promise<void> {}
}

const words = new Int32Array(new SharedArrayBuffer(PermitWord.COUNT * 4));
const permit = (fields: Partial<BanPermit> = {}): BanPermit => ({
  words: words.buffer,
  generation: 3,
  sets: { 4: 'ban4', 6: 'ban6' },
  seconds: 600,
  withoutHandshake: false,
  ipv6Prefix: 128,
  spared: ['203.0.113.1', '198.51.100.0/24', '2001:db8:1::1'],
  notBefore: 0,
  ...fields,
});

let sets: FakeSets;
let bans: ProvisionalBans;
beforeEach(() => {
  sets = new FakeSets();
  bans = new ProvisionalBans(
    () => 42,
    () => sets,
  );
  words[PermitWord.GENERATION] = 3;
  words[PermitWord.ROOM] = 100;
  bans.allow(permit());
});

test.each([
  ['203.0.113.7', 4, 'ban4 203.0.113.7'],
  ['2001:db8::7', 6, 'ban6 2001:db8::7'],
])('an attacker is in the set when the call returns: %s', (source, version, entry) => {
  expect(bans.consider(attack({ source, version }))).toEqual({ prefix: source, at: 42 });
  expect([...sets.entries]).toEqual([[entry, 'timeout 600']]);
  expect(words[PermitWord.ROOM]).toBe(99);
});

test('IPv6 attackers may be banned by prefix', () => {
  bans.allow(permit({ ipv6Prefix: 64 }));
  expect(bans.consider(attack({ source: '2001:db8:2::7', version: 6 }))?.prefix).toBe('2001:db8:2::7/64');
  // An address that is spared lies in it.
  expect(bans.consider(attack({ source: '2001:db8:1::7', version: 6 }))).toBeNull();
  expect(bans.consider(attack())?.prefix).toBe('203.0.113.7');
});

test.each<[string, Partial<Detection>]>([
  ['what passed', { blocked: false }],
  ['what is only dropped', { response: 'drop' }],
  ['a host to be isolated', { response: 'isolate' }],
  ['a web address', { kind: 'web-address' }],
  ['the protected side', { protectedEnd: 'source' }],
  ['no handshake', { handshake: false }],
  ['an address that is spared', { source: '203.0.113.1' }],
  ['an address of a network that is spared', { source: '198.51.100.200' }],
  ['what is no address', { source: 'x' }],
])('%s is left to the main thread', (_, fields) => {
  expect(bans.consider(attack(fields))).toBeNull();
  expect(sets.entries.size).toBe(0);
  expect(words[PermitWord.ROOM]).toBe(100);
});

test('a permit that is out of date, taken back, or for later counts for nothing', () => {
  words[PermitWord.GENERATION] = 4;
  expect(bans.consider(attack())).toBeNull();
  words[PermitWord.GENERATION] = 0;
  expect(bans.consider(attack())).toBeNull();
  words[PermitWord.GENERATION] = 3;
  bans.allow(permit({ notBefore: SEEN }));
  expect(bans.consider(attack())).toBeNull();
  expect(bans.consider(attack({ time: SEEN + 1 }))).not.toBeNull();
  bans.allow(null);
  expect(bans.consider(attack({ source: '203.0.113.8' }))).toBeNull();
  expect(new ProvisionalBans(() => 0).consider(attack())).toBeNull();
});

test('no more are banned than there is room for', () => {
  words[PermitWord.ROOM] = 2;
  const results = [7, 8, 9, 10].map((last) => bans.consider(attack({ source: `203.0.113.${last}` })));
  expect(results.map((result) => result !== null)).toEqual([true, true, false, false]);
  expect(words[PermitWord.ROOM]).toBe(0);
});

test('what is in the set stays as it is, and what the kernel refuses is left to the main thread', () => {
  sets.entries.set('ban4 203.0.113.7', 'timeout 86400');
  expect(bans.consider(attack())).toBeNull();
  expect(sets.entries.get('ban4 203.0.113.7')).toBe('timeout 86400');
  sets.refuse = true;
  expect(bans.consider(attack({ source: '203.0.113.8' }))).toBeNull();
  expect(words[PermitWord.ROOM]).toBe(100);
});

test('without handshakes where the configuration says so', () => {
  bans.allow(permit({ withoutHandshake: true }));
  expect(bans.consider(attack({ handshake: false }))).not.toBeNull();
});

test('a rehearsal bans nobody', () => {
  bans.rehearse(attack());
  expect(sets.asked).toBe(1);
  expect(sets.entries.size).toBe(0);
});
