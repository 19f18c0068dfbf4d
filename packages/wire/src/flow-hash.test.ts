import fc from 'fast-check';
import { parseAddress } from './address';
import { flowHash } from './flow-hash';

const SEED = 0x6b8b4567;

function address(text: string): Uint32Array {
  return parseAddress(text) as Uint32Array;
}

/** Fills a table of 2^bits buckets; the largest bucket relative to the mean. */
function worstBucket(hashes: Iterable<number>, bits: number): number {
  const buckets = new Uint32Array(1 << bits);
  let count = 0;
  for (const hash of hashes) {
    buckets[hash & (buckets.length - 1)]++;
    count++;
  }
  return Math.max(...buckets) / (count / buckets.length);
}

describe('flow hash', () => {
  test('is the same in both directions and a small integer', () => {
    const words = fc.uint32Array({ minLength: 4, maxLength: 4 });
    const port = fc.nat(65_535);
    fc.assert(
      fc.property(words, words, port, port, fc.nat(255), fc.nat(0xffffffff), (a, b, p, q, protocol, seed) => {
        const hash = flowHash(a, b, p, q, protocol, seed);
        expect(flowHash(b, a, q, p, protocol, seed)).toBe(hash);
        expect(hash).toBeGreaterThanOrEqual(0);
        expect(hash).toBeLessThan(2 ** 31);
        expect(Number.isInteger(hash)).toBe(true);
      }),
    );
  });

  test('tells ports apart that are swapped against their addresses', () => {
    const a = address('10.0.0.1');
    const b = address('10.0.0.2');
    expect(flowHash(a, b, 1, 2, 6, SEED)).not.toBe(flowHash(a, b, 2, 1, 6, SEED));
    expect(flowHash(a, b, 1, 2, 6, SEED)).not.toBe(flowHash(a, b, 1, 2, 17, SEED));
    expect(flowHash(a, b, 1, 2, 6, SEED)).not.toBe(flowHash(a, b, 1, 2, 6, SEED + 1));
  });

  // 65 536 keys in 1024 buckets: 64 each on the average; with random hashes about 1.5 times that at most.
  const server = address('198.51.100.1');
  const server6 = address('2001:db8::1');
  const client = address('192.0.2.1');
  const families: [string, () => Iterable<number>][] = [
    ['ports of one client', () => range(65_536, (n) => flowHash(client, server, n, 443, 6, SEED))],
    [
      'clients in a row, one port',
      () =>
        range(65_536, (n) =>
          flowHash(Uint32Array.of(0, 0, 0xffff, 0x0a000000 + n), server, 40_000, 443, 6, SEED),
        ),
    ],
    [
      'clients that differ in the high half only',
      () =>
        range(65_536, (n) =>
          flowHash(Uint32Array.of(0, 0, 0xffff, (n << 16) >>> 0), server, 40_000, 443, 6, SEED),
        ),
    ],
    [
      'client and port together',
      () =>
        range(65_536, (n) =>
          flowHash(
            Uint32Array.of(0, 0, 0xffff, 0x0a000000 + (n >> 8)),
            server,
            1024 + (n & 255),
            443,
            6,
            SEED,
          ),
        ),
    ],
    [
      'IPv6 clients of one /64',
      () =>
        range(65_536, (n) =>
          flowHash(Uint32Array.of(0x20010db8, 1, (n << 16) >>> 0, n), server6, 40_000, 443, 6, SEED),
        ),
    ],
    [
      'equal addresses and ports on both sides',
      () =>
        range(65_536, (n) => {
          const host = Uint32Array.of(0, 0, 0xffff, 0x0a000000 + n);
          return flowHash(host, host, 53, 53, 17, SEED);
        }),
    ],
  ];

  test.each(families)('spreads: %s', (_name, hashes) => {
    expect(worstBucket(hashes(), 10)).toBeLessThan(1.8);
  });

  test('keys that collide under one seed are spread under another', () => {
    const colliding: number[] = [];
    for (let n = 0; colliding.length < 256; n++) {
      const client = Uint32Array.of(0, 0, 0xffff, 0x0a000000 + n);
      if ((flowHash(client, server, 40_000, 443, 6, SEED) & 1023) === 5) colliding.push(n);
    }
    const other = colliding.map((n) =>
      flowHash(Uint32Array.of(0, 0, 0xffff, 0x0a000000 + n), server, 40_000, 443, 6, SEED ^ 1),
    );
    expect(worstBucket(other, 6)).toBeLessThan(4);
  });

  test('no difference of one or two bits collides under many seeds', () => {
    // Attackers who do not know the seed look for pairs that collide under all of them.
    const seeds = range(16, (n) => Math.imul(n + 1, 0x9e3779b1) >>> 0);
    const bits: [number, number][] = [];
    for (let word = 0; word < 4; word++) for (let bit = 0; bit < 32; bit++) bits.push([word, bit]);
    const base = address('2001:db8:1:2:3:4:5:6');
    const flips = bits.flatMap((one, index) => bits.slice(index).map((two) => [one, two] as const));
    let worst = 0;
    for (const [one, two] of flips) {
      const changed = base.slice();
      changed[one[0]] ^= 1 << one[1];
      if (one !== two) changed[two[0]] ^= 1 << two[1];
      let collisions = 0;
      for (const seed of seeds)
        if (flowHash(base, server, 1, 2, 6, seed) === flowHash(changed, server, 1, 2, 6, seed)) collisions++;
      worst = Math.max(worst, collisions);
    }
    expect(worst).toBeLessThan(2);
  });
});

function range(count: number, value: (index: number) => number): number[] {
  return Array.from({ length: count }, (_, index) => value(index));
}
