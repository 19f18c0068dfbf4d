import { SeededRandom } from '@portcullis/testkit';
import { ruleEdits } from './rule-edits';

/** What iptables-restore makes of the commands. */
function carriedOut(rules: readonly string[], lines: readonly string[]): string[] {
  const chain = [...rules];
  for (const line of lines) {
    const [command, name, ...rest] = line.split(' ');
    expect(name).toBe('chain');
    if (command === '-A') {
      chain.push(rest.join(' '));
      continue;
    }
    const position = Number(rest.shift()) - 1;
    expect(position).toBeGreaterThanOrEqual(0);
    expect(position).toBeLessThan(chain.length);
    if (command === '-D') chain.splice(position, 1);
    else chain.splice(position, 0, rest.join(' '));
  }
  return chain;
}

test('a chain that is as it should be is not touched', () => {
  const rules = ['-p tcp -j NFQUEUE', '-j RETURN'];
  expect(ruleEdits('chain', rules, rules).lines).toEqual([]);
});

test('of a new generation only the rules that name it are written', () => {
  const rules = (mark: string) => [
    '-j MARK',
    `-m connmark --mark ${mark} -j RETURN`,
    '-p tcp -j NFQUEUE',
    '-g x',
  ];
  expect(ruleEdits('chain', rules('0x1'), rules('0x2')).lines).toEqual([
    '-D chain 2',
    '-I chain 2 -m connmark --mark 0x2 -j RETURN',
  ]);
});

test('any chain becomes any other, and what is kept stays in its order', () => {
  const seed = SeededRandom.chooseSeed();
  const random = new SeededRandom(seed);
  const chain = () => Array.from({ length: random.next() % 9 }, () => `rule ${random.next() % 5}`);
  for (let round = 0; round < 500; round++) {
    const before = chain();
    const after = chain();
    const { kept, lines } = ruleEdits('chain', before, after);
    expect({ seed, rules: carriedOut(before, lines) }).toEqual({ seed, rules: after });
    let [lastOld, lastNew] = [-1, -1];
    for (const [old, now] of kept) {
      if (before[old] !== after[now] || old <= lastOld || now <= lastNew)
        throw new Error(`seed ${seed}, round ${round}: ${old} of the chain before is kept as ${now}`);
      [lastOld, lastNew] = [old, now];
    }
    expect(lines).toHaveLength(before.length + after.length - 2 * kept.size);
  }
});

test('a chain that is too long to compare becomes the other all the same', () => {
  const rules = (from: number) => [
    'first',
    ...Array.from({ length: 600 }, (_, index) => `rule ${from - index}`),
    'last',
  ];
  const { kept, lines } = ruleEdits('chain', rules(0), rules(700));
  expect(carriedOut(rules(0), lines)).toEqual(rules(700));
  expect(kept.size).toBe(2);
});
