/**
 * Datagrams, many of which come again: what the gate, the memo of payloads and the prefilter leave, against the
 * evaluation of every rule.
 */

import { Harness, PROTOCOLS } from '../testing/harness';
import { Random, rounds } from '../testing/random';
import { InspectionContext } from './context';
import { Evaluation } from './evaluation';
import { HeaderCheck } from './header-check';
import { DEFAULT_LIMITS } from './matcher-limits';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));
const ALPHABET = 'abAB';
const UDP = 17;

function randomRule(random: Random, sid: number): string {
  const ports = () => random.pick(['any', 'any', '53', '!53', '[53,443]', '[50:60,1000:]', '1024:']);
  const options: string[] = [random.pick(['', '', 'flow:to_server;', 'flow:to_client;'])];
  if (random.chance(0.2)) options.push(`dsize:${random.pick(['<', '>'])}${1 + random.below(20)};`);
  for (let count = random.below(3); count > 0; count--) {
    options.push(`content:"${random.text(ALPHABET, 1, 5)}";`);
    if (random.chance(0.3)) options.push('nocase;');
    if (random.chance(0.5)) options.push(`offset:${random.below(4)}; depth:${6 + random.below(20)};`);
  }
  const protocol = random.pick(['udp', 'udp', 'udp', 'ip', 'dns']);
  const withPorts = protocol === 'ip' ? () => 'any' : ports;
  const way = random.pick(['->', '->', '<>']);
  return `alert ${protocol} any ${withPorts()} ${way} any ${withPorts()} (${options.join(' ')} sid:${sid};)`;
}

test(`datagrams give what every rule says of them (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const evaluation = new Evaluation(new InspectionContext(), DEFAULT_LIMITS);
  let fired = 0;
  for (let round = 0; round < rounds(3, 6); round++) {
    const rules = Array.from({ length: 150 }, (_, i) => randomRule(random, i + 1));
    const harness = new Harness(rules.join('\n'));
    const { context, matcher } = harness;
    const header = new HeaderCheck(matcher.ruleset);
    const payloads = Array.from({ length: 12 }, () =>
      random.text(ALPHABET, random.below(2), random.chance(0.1) ? 1500 : 30),
    );
    for (let n = 0; n < 120; n++) {
      const payload = random.pick(payloads);
      harness.setPacket({
        protocol: UDP,
        sourcePort: random.pick([53, 55, 700, 40_000]),
        destinationPort: random.pick([53, 443, 65_535]),
        payload,
      });
      context.direction = random.pick([0, 1]);
      context.payloadInStream = false;
      // Rules about addresses look at the first packet only.
      context.firstOfDirection = true;
      context.appProtocol = random.below(PROTOCOLS.length + 1);
      matcher.begin(context);
      matcher.inspectPacket(context);
      matcher.end(context);
      const got = Array.from(matcher.matches.subarray(0, matcher.matchCount), (of) => matcher.rule(of).sid);

      header.begin(context);
      evaluation.refill();
      const want = matcher.ruleset.rules.all().filter(({ buffers, payload: steps, ...rule }) => {
        if (buffers !== null || !header.matches(matcher.rule(rule.number), context)) return false;
        if (steps === null) return true;
        return payload !== '' && evaluation.matches(steps, context.packet.bytes, 0, payload.length, 0, true);
      });
      fired += want.length;
      const label = { seed: SEED, round, n, payload };
      expect({ ...label, rules: got }).toEqual({ ...label, rules: want.map(({ sid }) => sid) });
      context.flowState = null;
    }
    matcher.close();
  }
  expect(fired).toBeGreaterThan(rounds(500, 1000));
});
