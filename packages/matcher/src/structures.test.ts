/** The clever structures against slow, obvious ones. */

import { parseRule, type Rule } from '@portcullis/rules';
import { bytesOfEach } from '@portcullis/testkit';
import { compileText, VARIABLES } from '../testing/harness';
import { Random, rounds } from '../testing/random';
import { intervalOf } from './address-plan';
import { AddressSet } from './address-set';
import { Candidates } from './candidates';
import { InspectionContext } from './context';
import { rarity } from './fast-pattern';
import { FlowMatchState, MAX_FLOW_BITS } from './flow-match-state';
import { MatchList } from './match-list';
import { NameTable } from './name-table';
import { classifyPorts } from './port-index';
import { PortSet } from './port-set';
import { sortByKey } from './rule-order';
import { Literal } from './search';
import { ThresholdTable } from './threshold-table';
import { packSeen, seenOf, TransactionState } from './transaction-state';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));

function finish<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

function rule(header: string): Rule {
  return parseRule(`alert ${header} (sid:1;)`, { variables: VARIABLES });
}

test(`literals are found where a plain search finds them (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  for (let i = 0; i < rounds(1000, 4000); i++) {
    const alphabet = random.pick(['ab', 'abAB', 'abcdefgh']);
    const pattern = random.text(alphabet, 1, 5);
    const text = random.text(alphabet, 0, random.pick([8, 40, 300]));
    const caseless = random.chance(0.5);
    const from = random.below(text.length + 1);
    const to = from + random.below(text.length - from + 1);
    const fold = (s: string) => (caseless ? s.toLowerCase() : s);
    const found = fold(text.slice(from, to)).indexOf(fold(pattern));
    const want = found < 0 ? -1 : found + from;
    const got = new Literal(Buffer.from(pattern), caseless).find(Buffer.from(text), from, to);
    expect({ seed: SEED, pattern, text, from, to, caseless, got }).toEqual({
      seed: SEED,
      pattern,
      text,
      from,
      to,
      caseless,
      got: want,
    });
  }
});

test('address sets hold what the expression holds', () => {
  const { source } = rule(
    'ip [10.0.0.0/8,!10.1.0.0/16,192.168.1.5,fd00::/8,!fd00:1::/32] any -> any any',
  ).header;
  const set = new AddressSet(0, source);
  const v4 = (text: string) => text.split('.').reduce((value, part) => value * 256 + Number(part), 0);
  for (const [address, want] of [
    ['10.0.0.0', true],
    ['10.255.255.255', true],
    ['10.1.0.0', false],
    ['10.1.255.255', false],
    ['10.2.0.0', true],
    ['9.255.255.255', false],
    ['192.168.1.5', true],
    ['192.168.1.6', false],
    ['255.255.255.255', false],
  ] as const) {
    expect({ address, got: set.hasV4(v4(address)) }).toEqual({ address, got: want });
  }
  expect(set.hasV6(Uint32Array.of(0xfd000000, 0, 0, 1))).toBe(true);
  expect(set.hasV6(Uint32Array.of(0xfd000001, 5, 0, 1))).toBe(false);
  expect(set.hasV6(Uint32Array.of(0xfd000002, 0xffffffff, 0, 1))).toBe(true);
  expect(set.hasV6(Uint32Array.of(0xfe000000, 0, 0, 0))).toBe(false);
});

test(`port classes agree with asking every list (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  for (let round = 0; round < rounds(6, 20); round++) {
    const entries = Array.from({ length: 1 + random.below(12) }, (_, item) => {
      const ranges: string[] = [];
      for (let i = 0; i <= random.below(3); i++) {
        const first = random.below(65_536);
        ranges.push(`${first}:${Math.min(65_535, first + random.below(random.pick([1, 50, 30_000])))}`);
      }
      const { destinationPorts } = rule(`tcp any any -> any [${ranges.join(',')}]`).header;
      return { ports: new PortSet(destinationPorts), item };
    });
    const { classOf, classes } = finish(classifyPorts(entries));
    for (let i = 0; i < 300; i++) {
      const port = random.pick([
        0,
        65_535,
        random.below(65_536),
        entries[0].ports.ranges[0],
        entries[0].ports.ranges[1],
      ]);
      const want = entries.filter(({ ports }) => ports.has(port)).map(({ item }) => item);
      expect({ seed: SEED, port, items: classes[classOf[port]] }).toEqual({ seed: SEED, port, items: want });
    }
  }
});

test(`rules about addresses are found by their intervals (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const address = () => [10, 0, random.below(3), random.below(256)].join('.');
  const rules = Array.from({ length: 60 }, (_, i) => {
    const list = () => random.pick(['any', `[${address()}/28,${address()}]`, `!${address()}/30`]);
    return `alert ip ${list()} any ${random.pick(['->', '->', '<>'])} ${list()} any (sid:${i + 1};)`;
  });
  const { ruleset } = compileText(rules.join('\n'));
  const plan = ruleset.packetPlans[0].addresses;
  if (!plan) throw new Error('no rules about addresses');
  const has = (set: AddressSet | null, value: number) => set === null || set.hasV4(value);
  for (let i = 0; i < 500; i++) {
    const source = 0x0a000000 + random.below(1024);
    const destination = 0x0a000000 + random.below(1024);
    const found = new Set([
      ...plan.rules[intervalOf(plan.bounds, source)],
      ...plan.destinationRules[intervalOf(plan.destinationBounds, destination)],
    ]);
    const missing = ruleset.rules.all().filter((each) => {
      const forward = has(each.source, source) && has(each.destination, destination);
      const backward = each.bidirectional && has(each.source, destination) && has(each.destination, source);
      return (forward || backward) && !found.has(each.number);
    });
    expect({ seed: SEED, source, destination, missing }).toEqual({
      seed: SEED,
      source,
      destination,
      missing: [],
    });
  }
});

test(`sorting a little at a time is sorting (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const items = Array.from({ length: 5000 }, (_, index) => ({ key: random.below(700), index }));
  const want = items.slice().sort((a, b) => a.key - b.key || a.index - b.index);
  expect(finish(sortByKey(items))).toEqual(want);
});

test(`candidates come once and in order (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const candidates = new Candidates(500, 300);
  for (let round = 0; round < 50; round++) {
    candidates.begin();
    const added = Array.from({ length: random.below(200) }, () => random.below(500));
    for (const number of added) candidates.add(number);
    candidates.sort();
    const want = [...new Set(added)].sort((a, b) => a - b);
    expect([...candidates.rules.subarray(0, candidates.count)]).toEqual(want);
  }
  candidates.begin();
  for (let i = 0; i < 500; i++) candidates.add(i);
  expect(candidates.count).toBe(300);
  expect(candidates.overflow).toBe(200);
});

test('a full threshold table gives up the entry whose period ends first', () => {
  const table = new ThresholdTable(8);
  const context = new InspectionContext();
  const settings = { type: 'limit', track: 'by_src', count: 1, seconds: 60 } as const;
  context.timeMicros = 1e9;
  for (let i = 0; i < 8; i++) {
    context.packet.source[3] = i;
    context.timeMicros++;
    expect(table.count(1, 0, settings, context)).toBe(1);
  }
  context.packet.source[3] = 100;
  expect(table.count(1, 0, settings, context)).toBe(1);
  expect(table.evictions).toBe(1);
  context.packet.source[3] = 7;
  expect(table.count(1, 0, settings, context)).toBe(2);
  context.packet.source[3] = 0;
  expect(table.count(1, 0, settings, context)).toBe(1);
  // Entries whose period is over are taken without loss.
  context.timeMicros += 61e6;
  context.packet.source[3] = 200;
  table.count(1, 0, settings, context);
  expect(table.evictions).toBe(2);
});

test('progress of both directions in one number', () => {
  for (const [toServer, toClient] of [
    [-1, -1],
    [0, -1],
    [-1, 0],
    [4, 3],
    [100, 4000],
  ]) {
    const packed = packSeen(toServer, toClient);
    expect([seenOf(packed, 0), seenOf(packed, 1)]).toEqual([toServer, toClient]);
  }
  expect(packSeen(-1, -1)).toBe(0);
});

test('a state takes what it says', () => {
  for (const waiting of [0, 60, 600]) {
    const make = () => {
      const state = new TransactionState();
      for (let i = 0; i < waiting; i++) state.wait(i, 0, 1024);
      return state;
    };
    const { bytes } = make();
    const each = bytesOfEach(500, make, 0.7 * bytes, 1.3 * bytes);
    expect(each / bytes).toBeGreaterThanOrEqual(0.7);
    expect(each / bytes).toBeLessThanOrEqual(1.3);
  }
});

test('states are bounded', () => {
  const state = new TransactionState();
  for (let i = 0; i < 64; i++) expect(state.wait(i, 0, 64)).toBe(true);
  expect(state.wait(64, 0, 64)).toBe(false);
  const flow = new FlowMatchState();
  for (let i = 0; i < MAX_FLOW_BITS; i++) expect(flow.set(i)).toBe(true);
  expect(flow.set(MAX_FLOW_BITS)).toBe(false);
  flow.unset(0);
  expect(flow.has(0)).toBe(false);
  expect(flow.set(MAX_FLOW_BITS)).toBe(true);
});

test('names keep their numbers', () => {
  const names = new NameTable();
  expect([names.intern('a'), names.intern('b'), names.intern('a')]).toEqual([0, 1, 0]);
  expect([names.name(1), names.size]).toEqual(['b', 2]);
});

test('rare bytes make a pattern rare, runs and common letters do not', () => {
  const of = (text: string) => rarity(Buffer.from(text, 'latin1'), false);
  expect(of('\x91\xa7\xf3')).toBeGreaterThan(of('the'));
  expect(of('\0\0\0\0\0\0\0\0')).toBeLessThan(of('qzx'));
});

describe('fast patterns', () => {
  const chosen = (options: string) => {
    const { ruleset } = compileText(`alert http any any -> any any (${options} sid:1;)`);
    const pattern = ruleset.rules.get(0).fastPattern;
    return pattern && Buffer.from(pattern.bytes).toString('latin1');
  };

  test('the rarest positive content is chosen', () => {
    expect(chosen('http.uri; content:"/"; content:"xyzzy42"; content:!"longer and rarer";')).toBe('xyzzy42');
    expect(chosen('http.header; content:"Accept-Encoding: gzip"; content:"qXz7";')).toBe('qXz7');
    expect(chosen('content:"a long raw content"; http.uri; content:"/xyzzy42";')).toBe('/xyzzy42');
    // A raw content where that of the buffer is in every other request.
    expect(chosen('content:"a long raw content"; http.uri; content:"/x9";')).toBe('a long raw content');
    expect(chosen('dsize:>9; content:"a long raw content"; http.uri; content:"/x9";')).toBe('/x9');
  });

  test('what the rule names is used, as far as it says', () => {
    expect(chosen('http.uri; content:"/qq7"; fast_pattern; content:"xyzzy42long";')).toBe('/qq7');
    expect(chosen('http.uri; content:"abcdqzef"; fast_pattern:2,4;')).toBe('cdqz');
  });

  test('long patterns are cut to their rarest part, runs at the ends are left away', () => {
    expect(chosen('http.uri; content:"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaqzxjkvw";')).toBe('aqzxjkvw');
  });

  test('without a positive content there is none', () => {
    expect(chosen('http.uri; content:!"abc"; urilen:5;')).toBeNull();
  });
});

test('in a full list of matches those stay whose action comes first', () => {
  const list = new MatchList(2);
  // Rules are numbered in the order of their actions.
  for (const number of [5, 7, 3, 9]) expect(list.add(number, -1)).toBe(true);
  expect(list.add(8, 0)).toBe(true);
  expect([...list.numbers.subarray(0, list.count)].sort()).toEqual([3, 5, 8]);
  expect(list.overflow).toBe(2);
});
