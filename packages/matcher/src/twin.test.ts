/**
 * The matcher against slow twins: one that evaluates every rule over every buffer at every call, and one that tries
 * all places of all contents.
 */

import type { BufferView } from '@portcullis/protocols';
import { Harness, latin1, TestTransaction } from '../testing/harness';
import { Random, rounds } from '../testing/random';
import type { CompiledRule } from './compiled-rule';
import { InspectionContext } from './context';
import { Evaluation } from './evaluation';
import { HeaderCheck } from './header-check';
import { DEFAULT_LIMITS } from './matcher-limits';
import { PayloadMode } from './rule-builder';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));
const ALPHABET = 'abAB';

interface RandomContent {
  readonly options: string;
  /** Its place is relative to the content before it. */
  readonly relative: boolean;
}

function randomContent(random: Random, first: boolean, mayNegate: boolean): RandomContent {
  const text = random.text(ALPHABET, 1, 4);
  const negated = mayNegate && !first && random.chance(0.25);
  let options = `content:${negated ? '!' : ''}"${text}";`;
  if (random.chance(0.3)) options += ' nocase;';
  const relative = !first && random.chance(0.5);
  if (relative) {
    if (random.chance(0.6)) options += ` distance:${random.below(6) - 2};`;
    else if (random.chance(0.5))
      options += ` distance:${random.below(4)}; within:${text.length + random.below(6)};`;
    else options += ` within:${text.length + random.below(6)};`;
    if (!options.includes('distance') && !options.includes('within')) options += ' distance:0;';
  } else if (random.chance(0.3)) {
    if (random.chance(0.3)) options += ' startswith;';
    else if (random.chance(0.5)) options += ` offset:${random.below(4)};`;
    else options += ` offset:${random.below(3)}; depth:${text.length + random.below(6)};`;
  } else if (random.chance(0.1)) options += ' endswith;';
  return { options, relative };
}

function randomContents(random: Random, mayNegate: boolean): string {
  const count = 1 + random.below(3);
  const parts: string[] = [];
  for (let i = 0; i < count; i++) parts.push(randomContent(random, i === 0, mayNegate).options);
  if (mayNegate && random.chance(0.1)) parts.push(`bsize:>${random.below(12)};`);
  if (random.chance(0.1)) parts.push(`isdataat:${random.below(3)},relative;`);
  return parts.join(' ');
}

const FIXED = ['http.method', 'http.uri', 'http.host', 'http.user_agent'] as const;
const GROWING = 'http.request_body';

function randomTransactionRule(random: Random, sid: number): string {
  const names = FIXED.filter(() => random.chance(0.4));
  let options = '';
  for (const name of names) {
    const transform = random.chance(0.15)
      ? ` ${random.pick(['to_lowercase', 'dotprefix', 'to_uppercase'])};`
      : '';
    options += `${name};${transform} ${randomContents(random, true)} `;
  }
  if (names.length === 0 || random.chance(0.3)) options += `${GROWING}; ${randomContents(random, false)} `;
  const direction = random.pick(['', 'flow:to_server;', 'flow:established;']);
  return `alert http any any -> any any (${direction} ${options} sid:${sid};)`;
}

/** Evaluates one rule over all buffers as they are now. */
function transactionTwin(rule: CompiledRule, transaction: TestTransaction, evaluation: Evaluation): boolean {
  const view: BufferView = { bytes: latin1(''), start: 0, end: 0, streamOffset: 0, fresh: 0, complete: true };
  const progress = transaction.progress(0);
  return (rule.buffers ?? []).every(({ slot, steps }) => {
    const at = 2;
    if (slot.progress(at) > progress && !slot.isStreaming(at)) return false;
    if (!transaction.buffer(slot.ids[at], 0, view)) return false;
    let bytes = view.bytes.subarray(view.start, view.end);
    for (const transform of slot.transforms) {
      const output = new Uint8Array(transform.outputBound(bytes.length));
      bytes = output.subarray(0, transform.apply(bytes, 0, bytes.length, output, 0));
    }
    return evaluation.matches(steps, bytes, 0, bytes.length, 0, view.complete);
  });
}

test(`transactions agree with the evaluation of every rule over every buffer (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const evaluation = new Evaluation(new InspectionContext(), DEFAULT_LIMITS);
  for (let round = 0; round < rounds(2, 6); round++) {
    const rules = Array.from({ length: 150 }, (_, i) => randomTransactionRule(random, i + 1));
    const harness = new Harness(rules.join('\n'), { waiting: 1024 });
    for (let n = 0; n < 12; n++) {
      const transaction = new TestTransaction(n);
      for (const name of FIXED) if (random.chance(0.8)) transaction.set(name, random.text(ALPHABET, 0, 14));
      const fired = new Set<number>();
      let progress = 1;
      for (;;) {
        const got = harness.transaction(transaction, progress);
        evaluation.refill();
        const want = harness.matcher.ruleset.rules
          .all()
          .filter((rule) => !fired.has(rule.sid) && transactionTwin(rule, transaction, evaluation))
          .map(({ sid }) => sid);
        for (const sid of want) fired.add(sid);
        const label = { seed: SEED, round, n, progress };
        expect({ ...label, rules: got }).toEqual({ ...label, rules: want });
        if (progress === 3) break;
        progress += random.below(2);
        if (progress >= 2 && random.chance(0.7)) {
          transaction.grow(GROWING, random.text(ALPHABET, 0, 8), progress === 3);
        } else transaction.grow(GROWING, '', progress === 3);
      }
      harness.matcher.endTransaction(harness.context, transaction);
    }
    harness.matcher.close();
  }
});

test(`streams agree with the evaluation of every rule over all bytes so far (SEED=${SEED})`, () => {
  const random = new Random(SEED + 1);
  const evaluation = new Evaluation(new InspectionContext(), DEFAULT_LIMITS);
  for (let round = 0; round < rounds(20, 40); round++) {
    // More than are listed while they wait, in half of the rounds.
    const rules = Array.from(
      { length: round % 2 === 0 ? 10 : 50 },
      (_, i) => `alert tcp any any -> any any (${randomContents(random, false)} sid:${i + 1};)`,
    );
    const harness = new Harness(rules.join('\n'));
    for (let n = 0; n < 6; n++) {
      harness.context.flowState = null;
      const first = new Map<number, number>();
      const wanted = new Map<number, number>();
      let text = '';
      for (let call = 0; call < 5; call++) {
        const fresh = text.length;
        text += random.text(ALPHABET, 1, 10);
        for (const sid of harness.stream(text, fresh)) if (!first.has(sid)) first.set(sid, call);
        evaluation.refill();
        for (const { payload, sid } of harness.matcher.ruleset.rules.all()) {
          if (wanted.has(sid) || !payload) continue;
          if (evaluation.matches(payload, latin1(text), 0, text.length, 0, false)) wanted.set(sid, call);
        }
      }
      const missing = [...wanted].filter(([sid, call]) => first.get(sid) !== call);
      expect({ seed: SEED, round, n, text, missing }).toEqual({ seed: SEED, round, n, text, missing: [] });
      const extra = [...first].filter(([sid]) => !wanted.has(sid));
      expect({ seed: SEED, round, n, text, extra }).toEqual({ seed: SEED, round, n, text, extra: [] });
    }
    harness.matcher.close();
  }
});

function randomPacketRule(random: Random, sid: number): string {
  const protocol = random.pick(['tcp-pkt', 'tcp', 'udp', 'ip', 'icmp', 'http']);
  const port = () => random.pick(['any', 'any', '80', '[80,443]', '!80', '1024:', '[1:100,!50]']);
  const portless = protocol === 'ip' || protocol === 'icmp';
  const address = () => random.pick(['any', 'any', '1.2.3.0/24', '!1.2.3.4', '[10.0.0.0/8,!10.0.0.2]']);
  const direction = random.pick(['->', '->', '->', '<>']);
  const ports = portless ? ['any', 'any'] : [port(), port()];
  let options = random.pick([
    '',
    '',
    'flow:to_server;',
    'flow:to_client;',
    'flow:established;',
    'flow:stateless;',
  ]);
  if (random.chance(0.3)) options += ` dsize:${random.pick(['<', '>', ''])}${1 + random.below(12)};`;
  if (random.chance(0.2)) options += ` ttl:${random.pick(['<', '>'])}${1 + random.below(4)};`;
  if (random.chance(0.8)) options += ` ${randomContents(random, true).replace(/bsize:[^;]*;/, '')}`;
  return `alert ${protocol} ${address()} ${ports[0]} ${direction} ${address()} ${ports[1]} (${options} sid:${sid};)`;
}

test(`packets agree with the evaluation of every rule (SEED=${SEED})`, () => {
  const random = new Random(SEED + 3);
  const evaluation = new Evaluation(new InspectionContext(), DEFAULT_LIMITS);
  for (let round = 0; round < rounds(3, 8); round++) {
    const rules = Array.from({ length: 200 }, (_, i) => randomPacketRule(random, i + 1));
    const harness = new Harness(rules.join('\n'));
    const { context, matcher } = harness;
    const header = new HeaderCheck(matcher.ruleset);
    for (let n = 0; n < 60; n++) {
      const protocol = random.pick([6, 6, 6, 17, 1, 47]);
      const ported = protocol === 6 || protocol === 17;
      context.direction = random.pick([0, 1] as const);
      context.hasFlow = random.chance(0.8);
      context.flowEstablished = context.hasFlow && random.chance(0.7);
      context.payloadInStream = random.chance(0.5);
      context.firstOfDirection = random.chance(0.5);
      context.appProtocol = random.below(3);
      context.packet.ttl = random.below(5);
      const port = () => (ported ? random.pick([80, 443, 50, 1024, 40_000]) : 0);
      const got = harness.packet({
        protocol,
        source: [0, 0, 0xffff, random.pick([0x01020304, 0x01020305, 0x0a000001])],
        destination: [0, 0, 0xffff, random.pick([0x0a000001, 0x0a000002, 0x08080808])],
        sourcePort: port(),
        destinationPort: port(),
        payload: random.chance(0.2) ? random.text(ALPHABET, 120, 300) : random.text(ALPHABET, 0, 12),
      });
      header.begin(context);
      evaluation.refill();
      const { payloadEnd } = context;
      const want = matcher.ruleset.rules.all().filter((rule) => {
        if (rule.addressesOnly && context.hasFlow && !context.firstOfDirection) return false;
        if (!header.matches(rule, context)) return false;
        if (!rule.payload) return true;
        const inStream = protocol === 6 && context.payloadInStream;
        if (inStream && (rule.payloadMode & PayloadMode.PACKET) === 0) return false;
        return (
          payloadEnd > 0 && evaluation.matches(rule.payload, context.packet.bytes, 0, payloadEnd, 0, true)
        );
      });
      const label = { seed: SEED, round, n };
      expect({ ...label, rules: got }).toEqual({ ...label, rules: want.map(({ sid }) => sid) });
    }
    matcher.close();
  }
});

/** One positive content of a chain, for the twin that tries all places. */
interface ChainLink {
  readonly text: string;
  readonly caseless: boolean;
  readonly distance: number | null;
  readonly within: number | null;
  readonly offset: number;
  readonly depth: number;
}

function chainHolds(links: readonly ChainLink[], text: string, index: number, previousEnd: number): boolean {
  if (index === links.length) return true;
  const link = links[index];
  const fold = (s: string) => (link.caseless ? s.toLowerCase() : s);
  const relative = link.distance !== null || link.within !== null;
  for (let at = 0; at + link.text.length <= text.length; at++) {
    if (fold(text.slice(at, at + link.text.length)) !== fold(link.text)) continue;
    const end = at + link.text.length;
    if (relative) {
      const distance = link.distance ?? 0;
      if (at < previousEnd + distance) continue;
      if (link.within !== null && end > previousEnd + distance + link.within) continue;
    } else {
      if (at < link.offset) continue;
      if (link.depth > 0 && end > link.offset + link.depth) continue;
    }
    if (chainHolds(links, text, index + 1, end)) return true;
  }
  return false;
}

test(`chains of contents agree with trying all places (SEED=${SEED})`, () => {
  const random = new Random(SEED + 2);
  for (let round = 0; round < rounds(40, 100); round++) {
    const links: ChainLink[] = [];
    let options = '';
    const count = 1 + random.below(4);
    for (let i = 0; i < count; i++) {
      const text = random.text('abA', 1, 3);
      const relative = i > 0 && random.chance(0.7);
      const link: ChainLink = {
        text,
        caseless: random.chance(0.3),
        distance: relative && random.chance(0.6) ? random.below(5) - 1 : null,
        within: relative && random.chance(0.6) ? text.length + random.below(4) : null,
        offset: !relative && random.chance(0.3) ? random.below(4) : 0,
        depth: !relative && random.chance(0.2) ? text.length + random.below(5) : 0,
      };
      links.push(link);
      options += ` content:"${text}";`;
      if (link.caseless) options += ' nocase;';
      if (link.distance !== null) options += ` distance:${link.distance};`;
      if (link.within !== null) options += ` within:${link.within};`;
      if (link.offset > 0) options += ` offset:${link.offset};`;
      if (link.depth > 0) options += ` depth:${link.depth};`;
    }
    const harness = new Harness(`alert tcp-stream any any -> any any (${options} sid:1;)`);
    for (let n = 0; n < 20; n++) {
      const text = random.text('abA', 1, 14);
      harness.context.flowState = null;
      const label = { seed: SEED, round, options, text };
      expect({ ...label, got: harness.stream(text) }).toEqual({
        ...label,
        got: chainHolds(links, text, 0, 0) ? [1] : [],
      });
    }
    harness.matcher.close();
  }
});
