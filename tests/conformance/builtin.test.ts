/**
 * The built-in rules against the cases of tests/builtin: every signature finds its attack and variants of it, whole
 * and in small segments, over IPv4 and IPv6; nothing is found in look-alikes and in ordinary traffic.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemorySource } from '@portcullis/capture';
import { Replay } from '@portcullis/engine';
import { loadRuleFile, RuleSet, Variables } from '@portcullis/rules';
import { type CaptureForm, capture } from '../builtin/capture';
import { CASES } from '../builtin/cases';
import type { Exchange } from '../builtin/exchange';
import { ORDINARY } from '../builtin/ordinary';

const folder = join(__dirname, '../../rules');
const files = readdirSync(folder).filter((name) => name.endsWith('.rules'));

const set = new RuleSet();
for (const name of files) loadRuleFile(join(folder, name), { variables: Variables.withDefaults() }, set);
const isSilent = (text: string) => text.includes('flowbits:noalert;');
const speaking = set.rules.filter((rule) => !isSilent(rule.text));

const forms: readonly (CaptureForm & { name: string })[] = [
  { name: 'IPv4' },
  { name: 'IPv6', ipv6: true },
  { name: 'IPv4 in segments of 11 bytes', segment: 11 },
];

let replay: Replay;

beforeAll(async () => {
  replay = await Replay.load({
    rules: {
      files: files.map((name) => ({ path: name, text: readFileSync(join(folder, name), 'utf8') })),
      classification: null,
      addressGroups: {},
      portGroups: {},
      cacheDirectory: null,
    },
    // A replay makes its tables anew for each of thousands of small captures.
    stream: { maxFlows: 64 },
    inline: false,
    decodePolicy: 'open',
  });
});

function sids(traffic: Exchange | readonly Exchange[], form: CaptureForm): number[] {
  const found = new Set<number>();
  const source = new MemorySource(capture(traffic, form));
  const result = replay.source(source, (detection) => found.add(detection.rule.sid));
  expect(result.error).toBeNull();
  return [...found].sort((a, b) => a - b);
}

describe('the rules', () => {
  test('all of them load', () => {
    expect(set.errors.map((error) => error.message)).toEqual([]);
    expect(set.notices).toEqual([]);
    expect(replay.rules.failed).toEqual([]);
    expect(replay.rules.loaded).toBe(set.size);
  });

  test('each says what it is: message, class, reference, target, and blocks or prepares a block', () => {
    for (const rule of set.rules) {
      expect([rule.sid, rule.msg]).toEqual([rule.sid, expect.stringMatching(/^PORTCULLIS \S.{5,}/)]);
      expect([rule.sid, rule.header.action]).toEqual([rule.sid, isSilent(rule.text) ? 'alert' : 'drop']);
      expect([rule.sid, rule.references.length > 0 && rule.classtype !== null]).toEqual([rule.sid, true]);
      expect([rule.sid, rule.metadata.get('attack_target')]).toEqual([rule.sid, ['Server']]);
    }
  });

  test('each has a case with an attack, a variant and a look-alike', () => {
    for (const [file, cases] of Object.entries(CASES)) {
      const here = speaking.filter((rule) => rule.file.endsWith(file)).map((rule) => rule.sid);
      expect(cases.map(({ sid }) => sid).sort((a, b) => a - b)).toEqual(here.sort((a, b) => a - b));
      for (const { sid, attacks, nearMisses } of cases) {
        expect([sid, attacks.length >= 2, nearMisses.length >= 1]).toEqual([sid, true, true]);
      }
    }
    expect(Object.keys(CASES).sort()).toEqual([...files].sort());
    expect(speaking.length).toBeGreaterThanOrEqual(60);
  });
});

for (const [file, cases] of Object.entries(CASES)) {
  describe(file, () => {
    test.each(cases.map((one) => [one.sid, set.get(one.sid)?.msg ?? '', one] as const))(
      '%i %s',
      (sid, _, one) => {
        for (const form of forms) {
          one.attacks.forEach((attack, index) => {
            const where = `attack ${index}, ${form.name}`;
            expect({ where, found: sids(attack, form) }).toEqual({
              where,
              found: expect.arrayContaining([sid]),
            });
          });
          one.nearMisses.forEach((nearMiss, index) => {
            const where = `look-alike ${index}, ${form.name}`;
            expect({ where, found: sids(nearMiss, form) }).toEqual({ where, found: [] });
          });
        }
      },
    );
  });
}

describe('ordinary traffic', () => {
  test.each(ORDINARY.map((one) => [one.name, one] as const))('%s', (_, { exchange }) => {
    for (const form of forms) {
      expect({ form: form.name, found: sids(exchange, form) }).toEqual({ form: form.name, found: [] });
    }
  });
});
