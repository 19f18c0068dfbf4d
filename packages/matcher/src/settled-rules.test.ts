/** What is remembered of rules over derived buffers, against the evaluation of every rule. */

import type { BufferView } from '@portcullis/protocols';
import { Harness, latin1, TestTransaction } from '../testing/harness';
import { Random, rounds } from '../testing/random';
import type { CompiledRule } from './compiled-rule';
import { InspectionContext } from './context';
import { Evaluation } from './evaluation';
import { HeaderCheck } from './header-check';
import { DEFAULT_LIMITS } from './matcher-limits';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));
const ALPHABET = 'abAB';
const LINE = 1;
const HEADERS = 2;
const AT = 2;

function randomRule(random: Random, sid: number): string {
  let options = random.pick(['', 'flow:to_server;', 'flow:established;', 'flow:not_established;']);
  const names = ['http.request_line', 'http.header_names', 'http.start', 'http.header.raw', 'http.uri'];
  for (const name of names.filter(() => random.chance(0.35))) {
    options += ` ${name}; content:"${random.text(ALPHABET, 1, 3)}";`;
    if (random.chance(0.3)) options += ` content:!"${random.text(ALPHABET, 1, 3)}";`;
    if (random.chance(0.2)) options += ` bsize:<${1 + random.below(12)};`;
  }
  if (!options.includes('http.')) options += ' http.start; content:"a";';
  const port = random.pick(['any', 'any', '80', '!80']);
  return `alert http any any -> any ${port} (${options} sid:${sid};)`;
}

function matches(rule: CompiledRule, transaction: TestTransaction, evaluation: Evaluation): boolean {
  const view: BufferView = { bytes: latin1(''), start: 0, end: 0, streamOffset: 0, fresh: 0, complete: true };
  return (rule.buffers ?? []).every(({ slot, steps }) => {
    if (slot.progress(AT) > transaction.progress(0) || !transaction.buffer(slot.ids[AT], 0, view))
      return false;
    return evaluation.matches(steps, view.bytes, view.start, view.end, 0, true);
  });
}

test(`heads that come again give what every rule says of them (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const evaluation = new Evaluation(new InspectionContext(), DEFAULT_LIMITS);
  let matched = 0;
  for (let round = 0; round < rounds(3, 5); round++) {
    const rules = Array.from({ length: 120 }, (_, i) => randomRule(random, i + 1));
    const harness = new Harness(rules.join('\n'), { waiting: 1024 });
    const { context, matcher } = harness;
    const header = new HeaderCheck(matcher.ruleset);
    expect(matcher.ruleset.transactionPlans[AT]?.settled.some((settled) => settled === 1)).toBe(true);
    const lines = Array.from({ length: 3 }, () => random.text(ALPHABET, 1, 12));
    const blocks = Array.from({ length: 3 }, () => random.text(ALPHABET, 1, 20));
    for (let n = 0; n < 120; n++) {
      const line = random.pick(lines);
      const block = random.pick(blocks);
      const transaction = new TestTransaction(n)
        .set('http.request_line', line)
        .set('http.header.raw', block)
        .set('http.header_names', block.toLowerCase())
        .set('http.start', line + block);
      // Not among what the others are made of.
      transaction.set('http.uri', random.text(ALPHABET, 0, 6));
      harness.setPacket({ destinationPort: random.pick([80, 443]) });
      context.flowEstablished = random.chance(0.5);
      const steps = random.chance(0.3) ? [LINE, HEADERS] : [HEADERS];
      const got: number[] = [];
      for (const progress of steps) got.push(...harness.transaction(transaction, progress));
      header.begin(context);
      evaluation.refill();
      const want = matcher.ruleset.rules
        .all()
        .filter((rule) => header.matches(rule, context) && matches(rule, transaction, evaluation));
      matched += want.length;
      const label = { seed: SEED, round, n, line, block, steps };
      const ascending = (sids: number[]) => sids.sort((a, b) => a - b);
      expect({ ...label, rules: ascending(got) }).toEqual({
        ...label,
        rules: ascending(want.map(({ sid }) => sid)),
      });
      matcher.endTransaction(context, transaction);
    }
    // Most are known by then: far fewer evaluations than candidates.
    const { evaluated, candidates } = matcher.statistics();
    expect(evaluated).toBeLessThan(candidates);
    matcher.close();
  }
  expect(matched).toBeGreaterThan(rounds(250, 500));
});
