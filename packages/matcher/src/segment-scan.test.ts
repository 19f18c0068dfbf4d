/**
 * One scan of a TCP segment, for rules that look at packets and rules that look at streams: against the evaluation of
 * every rule.
 */

import { Harness, latin1 } from '../testing/harness';
import { Random, rounds } from '../testing/random';
import type { CompiledRule } from './compiled-rule';
import { InspectionContext } from './context';
import { Evaluation } from './evaluation';
import { HeaderCheck } from './header-check';
import { DEFAULT_LIMITS } from './matcher-limits';
import { PayloadMode } from './rule-builder';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));
const ALPHABET = 'abAB';

function randomRule(random: Random, sid: number): string {
  const ports = () => random.pick(['any', 'any', '80', '!80', '[80,443]', '1024:']);
  let options = random.pick(['', 'flow:to_server;', 'flow:established;', 'flow:established,no_stream;']);
  if (random.chance(0.2)) options += ` dsize:${random.pick(['<', '>'])}${1 + random.below(20)};`;
  for (let count = 1 + random.below(2); count > 0; count--) {
    options += ` content:"${random.text(ALPHABET, 1, 5)}";`;
    if (random.chance(0.3)) options += ' nocase;';
    if (random.chance(0.5)) options += ` offset:${random.below(4)}; depth:${6 + random.below(20)};`;
    else if (random.chance(0.2)) options += ' startswith;';
  }
  return `alert tcp any ${ports()} -> any ${ports()} (${options} sid:${sid};)`;
}

const looksAt = ({ payload, payloadMode }: CompiledRule, mode: number) =>
  payload === null ? mode === PayloadMode.PACKET : (payloadMode & mode) !== 0;

test(`a segment scanned once gives what every rule says of packet and stream (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const evaluation = new Evaluation(new InspectionContext(), DEFAULT_LIMITS);
  const fired = { packet: 0, pieces: 0 };
  for (let round = 0; round < rounds(3, 6); round++) {
    const rules = Array.from({ length: 150 }, (_, i) => randomRule(random, i + 1));
    const harness = new Harness(rules.join('\n'));
    const { context, matcher } = harness;
    const header = new HeaderCheck(matcher.ruleset);
    // Few payloads, so that most come again.
    const payloads = Array.from({ length: 12 }, () =>
      random.text(ALPHABET, 1, random.chance(0.2) ? 400 : 30),
    );
    for (let n = 0; n < 60; n++) {
      const payload = random.pick(payloads);
      const tail = random.chance(0.3) ? random.text(ALPHABET, 1, 160) : '';
      harness.setPacket({
        sourcePort: random.pick([80, 40_000]),
        destinationPort: random.pick([80, 443]),
        payload,
      });
      context.flowEstablished = random.chance(0.8);
      const window = latin1(tail + payload);
      const segment = payload.length > 10 && random.chance(0.4) ? 'pieces' : 'packet';
      const piece = segment === 'pieces' ? 1 + random.below(payload.length) : payload.length;

      matcher.begin(context);
      matcher.scanStream(context, window, 0, window.length, tail.length, 0, segment);
      const packets: [number, number][] = [];
      for (let at = 0; at < payload.length; at += piece)
        packets.push([at, Math.min(at + piece, payload.length)]);
      for (const [start, end] of packets) {
        context.payloadStart = start;
        context.payloadEnd = end;
        matcher.inspectPacket(context);
      }
      if (tail === '') matcher.inspectStream(context, window, 0, window.length, 0, 0);
      matcher.end(context);
      const got = Array.from(matcher.matches.subarray(0, matcher.matchCount), (of) => matcher.rule(of).sid);

      header.begin(context);
      evaluation.refill();
      const want = matcher.ruleset.rules.all().filter((rule) => {
        const steps = rule.payload;
        if (steps === null) return false;
        const inPacket =
          looksAt(rule, PayloadMode.PACKET) &&
          packets.some(([start, end]) => {
            context.payloadStart = start;
            context.payloadEnd = end;
            return (
              header.matches(rule, context) &&
              evaluation.matches(steps, context.packet.bytes, start, end, 0, true)
            );
          });
        const inStream =
          tail === '' &&
          looksAt(rule, PayloadMode.STREAM) &&
          header.matches(rule, context) &&
          evaluation.matches(steps, window, 0, window.length, 0, false);
        return inPacket || inStream;
      });
      fired[segment] += want.length;
      const label = { seed: SEED, round, n, segment, piece, tail, payload };
      expect({ ...label, rules: got }).toEqual({ ...label, rules: want.map(({ sid }) => sid) });
      context.flowState = null;
    }
    matcher.close();
  }
  expect(fired.packet).toBeGreaterThan(rounds(50, 100));
  expect(fired.pieces).toBeGreaterThan(rounds(50, 100));
});

test('bytes that were inspected before do not call again for a rule bound to the start of the window', () => {
  const harness = new Harness('alert tcp any any -> any any (content:"a"; depth:3; content:"b"; sid:1;)');
  expect(harness.stream('xaxxb')).toEqual([1]);
  // The new bytes hold the pattern too, but not where it counts.
  expect(harness.stream('xaxxbcca', 5, 0)).toEqual([]);
  harness.matcher.close();
});
