import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRuleText } from '@portcullis/rules';
import {
  BUFFERS,
  compileText,
  Harness,
  openText,
  PROTOCOLS,
  TestTransaction,
  VARIABLES,
} from '../testing/harness';
import { compileRulesNow } from './compile-rules';
import { DataSets } from './lists/data-set';
import { NameTable } from './name-table';
import { type OpenedRuleSet, openRuleSet, packRuleSet } from './packed-rule-set';
import { PackedTreeError, packTree } from './packed-tree';

const RULES = `
# a comment
alert tcp any any -> any 80 (msg:"Größe"; content:"one"; sid:1; rev:3; reference:url,a.example;)
drop http any any -> any any (msg:"two"; http.uri; to_lowercase; xor:"0d"; content:"two"; metadata:k v; sid:2;)
alert http any any -> any any \\
   (msg:"three"; http.uri; content:"three"; flowbits:set,seen; sid:3;)
alert ip [192.0.2.0/24,!192.0.2.7] any -> any any (msg:"four"; sid:4;)
`;

function open(bytes: Uint8Array, dataSets = new DataSets(), smallSet = 0): OpenedRuleSet {
  const options = { buffers: BUFFERS, protocols: PROTOCOLS, names: new NameTable(), dataSets };
  const steps = openRuleSet(bytes, { variables: VARIABLES }, options, smallSet);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

test('rules are made when they are first asked for, and are what they were', () => {
  const opened = openText(RULES);
  expect(opened.rules).toHaveLength(4);
  expect(opened.rules.madeCount).toBe(0);
  const known = compileText(RULES).ruleset.rules.all();
  expect(
    opened.rules.all().map(({ number, sid, msg, action, place }) => [number, sid, msg, action, place]),
  ).toEqual(known.map(({ number, sid, msg, action, place }) => [number, sid, msg, action, place]));
  expect(opened.rules.madeCount).toBe(4);
  expect(opened.rules.get(0)).toBe(opened.rules.get(0));
  const shape = (set: typeof opened) =>
    set.slots.map(({ name, transforms }) => [name, transforms.map(({ key }) => key)]);
  expect(shape(opened)).toEqual(shape(compileText(RULES).ruleset));
});

test('only rules whose pattern was found are made', () => {
  const harness = new Harness(RULES);
  expect(harness.stream('nothing')).toEqual([]);
  // That which is about addresses is asked of each flow.
  const before = harness.matcher.ruleset.rules.madeCount;
  expect(harness.transaction(new TestTransaction().set('http.uri', '/three'), 1)).toEqual([3]);
  expect(harness.matcher.ruleset.rules.madeCount).toBe(before + 1);
});

describe('rules that name files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'packed-'));
  const list = join(directory, 'list');
  const text = `
alert http any any -> any any (http.uri; dataset:isset,a,type string,load ${list}; sid:1;)
alert http any any -> any any (http.uri; to_lowercase; dataset:isset,a; sid:2;)
alert http any any -> any any (http.uri; content:"x"; sid:3;)`;
  const { rules } = parseRuleText(text, { variables: VARIABLES });
  const options = { buffers: BUFFERS, protocols: PROTOCOLS, names: new NameTable() };
  const packed = () => packRuleSet(compileRulesNow(rules, options), rules, { told: [1] });

  beforeEach(() => writeFileSync(list, `${Buffer.from('/bad').toString('base64')}\n`));
  afterAll(() => rmSync(directory, { recursive: true }));

  test('are made at once, in their order', () => {
    const dataSets = new DataSets();
    const { ruleset, failed, about } = open(packed(), dataSets);
    expect(failed).toEqual([]);
    expect(about).toEqual({ told: [1] });
    expect(ruleset.rules.madeCount).toBe(2);
    expect(dataSets.get('a')).toBeDefined();
  });

  test('and those of a small set are made at once too', () => {
    expect(open(packed(), new DataSets(), 3).ruleset.rules.madeCount).toBe(3);
  });

  test('are named and never match where a file is gone since', () => {
    const bytes = packed();
    rmSync(list);
    const { ruleset, failed } = open(bytes);
    expect(failed.map(({ rule, error }) => [rule.sid, error.message])).toEqual([
      [1, expect.stringMatching(/cannot read .*list: ENOENT/)],
      [2, expect.stringMatching(/there is no set a yet/)],
    ]);
    expect(ruleset.rules.get(0).transports).toBe(0);
    expect(ruleset.rules.get(2).transports).not.toBe(0);
  });
});

test('bytes that hold no rule set are refused', () => {
  expect(() => open(packTree({ numbers: Int32Array.of(1) }))).toThrow(PackedTreeError);
});
