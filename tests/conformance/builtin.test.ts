/**
 * The built-in rules against the traffic of tests/builtin: every signature finds its attack and variants of it, whole
 * and in small segments, over IPv4 and IPv6; nothing is found in look-alikes and in ordinary traffic.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemorySource } from '@portcullis/capture';
import { type Detection, Replay } from '@portcullis/engine';
import { loadRuleFile, RuleSet, Variables } from '@portcullis/rules';
import { builtinTraffic } from '../builtin';
import { type CaptureForm, capture, clientAddress } from '../builtin/capture';
import { CASES } from '../builtin/cases';

const folder = join(__dirname, '../../rules');
const files = readdirSync(folder).filter((name) => name.endsWith('.rules'));

const set = new RuleSet();
for (const name of files) loadRuleFile(join(folder, name), { variables: Variables.withDefaults() }, set);
const isSilent = (text: string) => text.includes('flowbits:noalert;');
const speaking = set.rules.filter((rule) => !isSilent(rule.text));

const traffic = builtinTraffic();

const load = (inline: boolean) =>
  Replay.load({
    rules: {
      files: files.map((name) => ({ path: name, text: readFileSync(join(folder, name), 'utf8') })),
      classification: null,
      addressGroups: {},
      portGroups: {},
      cacheDirectory: null,
    },
    stream: {},
    inline,
    decodePolicy: 'open',
  });

let replay: Replay;

beforeAll(async () => {
  replay = await load(false);
});

/**
 * Replays all the traffic as one capture, in which each piece has a client of its own.
 * @returns the sids found for each piece
 */
function findings(form: CaptureForm): Set<number>[] {
  const found = traffic.map(() => new Set<number>());
  const pieceOf = new Map(traffic.map((_, piece) => [clientAddress(piece, form.ipv6), piece]));
  const onDetection = ({ source, destination, rule }: Detection) => {
    const piece = pieceOf.get(source) ?? pieceOf.get(destination);
    if (piece === undefined) throw new Error(`an alert between strangers: ${source}, ${destination}`);
    found[piece].add(rule.sid);
  };
  const packets = traffic.flatMap((one, piece) => capture(one.traffic, { ...form, client: piece }));
  const result = replay.source(new MemorySource(packets), onDetection);
  expect(result.error).toBeNull();
  expect(result.packets).toBe(packets.length);
  return found;
}

describe('the rules', () => {
  test('all of them load', () => {
    expect(set.errors.map((error) => error.message)).toEqual([]);
    expect(set.notices).toEqual([]);
    expect(replay.rules.failed).toEqual([]);
    expect(replay.rules.loaded).toBe(set.size);
  });

  test('each says what it is: message, class, reference, target; and blocks or prepares a block', () => {
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

describe.each<[string, CaptureForm]>([
  ['over IPv4', {}],
  ['over IPv6', { ipv6: true }],
  ['in segments of 11 bytes', { segment: 11 }],
])('%s', (_, form) => {
  let found: Set<number>[];
  beforeAll(() => {
    found = findings(form);
  });

  test('every attack is found', () => {
    const missed = traffic.filter(({ sid }, piece) => sid !== null && !found[piece].has(sid));
    expect(missed.map(({ name }) => name)).toEqual([]);
  });

  test('nothing is found in look-alikes and ordinary traffic', () => {
    const wrong = traffic.flatMap(({ name, sid }, piece) =>
      sid === null && found[piece].size > 0 ? [`${name}: ${[...found[piece]].join(', ')}`] : [],
    );
    expect(wrong).toEqual([]);
  });
});

test('inline, every attack is blocked', async () => {
  const inline = await load(true);
  const blocked = new Set<string>();
  const packets = traffic.flatMap((one, piece) => capture(one.traffic, { client: piece }));
  inline.source(new MemorySource(packets), (detection) => {
    if (detection.blocked) blocked.add(detection.source);
  });
  const missed = traffic.filter(({ sid }, piece) => sid !== null && !blocked.has(clientAddress(piece)));
  expect(missed.map(({ name }) => name)).toEqual([]);
  const wrong = traffic.filter(({ sid }, piece) => sid === null && blocked.has(clientAddress(piece)));
  expect(wrong.map(({ name }) => name)).toEqual([]);
});
