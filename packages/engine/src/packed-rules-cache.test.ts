import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProtocols } from '@portcullis/protocols';
import { ruleSource } from '../testing/inspection';
import { keepPackedRules, readPackedRules, ruleSourceKey } from './packed-rules-cache';
import { RuleHost } from './rule-host';
import { keptRules, keptRulesAndLists, prepareRulesNow } from './rule-preparation';
import { listsOfRulesAreCurrent, type PreparedRules, type RuleSource } from './rule-source';

const protocols = createProtocols();
const RULES = 'alert tcp any any -> any any (msg:"m"; content:"abc"; sid:1;)\n';
const bytes = (length: number) => new Uint8Array(length).map((_, i) => i * 7);

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rules-cache-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file = (key: string) => join(directory, `${key}.rules`);

describe('a file of the cache', () => {
  test('gives back what was kept, in memory that threads can share, and is its owner’s alone', () => {
    const kept = bytes(5000);
    keepPackedRules(directory, 'key', kept);
    const read = readPackedRules(directory, 'key');
    expect(Buffer.compare(read as Uint8Array, kept)).toBe(0);
    expect(read?.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(statSync(file('key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['key.rules']);
    expect(readPackedRules(directory, 'other')).toBeNull();
  });

  test('is not used where a byte was changed, cut off or added', () => {
    keepPackedRules(directory, 'key', bytes(100));
    const whole = readFileSync(file('key'));
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ 1;
      writeFileSync(file('key'), changed);
      expect([at, readPackedRules(directory, 'key')]).toEqual([at, null]);
      writeFileSync(file('key'), whole.subarray(0, at));
      expect([at, readPackedRules(directory, 'key')]).toEqual([at, null]);
    }
    writeFileSync(file('key'), Buffer.concat([whole, Buffer.of(0)]));
    expect(readPackedRules(directory, 'key')).toBeNull();
    writeFileSync(file('key'), whole);
    expect(readPackedRules(directory, 'key')).not.toBeNull();
  });

  test('is not used where others may write it', () => {
    keepPackedRules(directory, 'key', bytes(100));
    chmodSync(file('key'), 0o620);
    expect(readPackedRules(directory, 'key')).toBeNull();
  });

  test('goes when newer ones have come', () => {
    for (const [age, key] of ['d', 'c', 'b'].entries()) {
      keepPackedRules(directory, key, bytes(10));
      const time = Date.now() / 1000 - 1000 + age;
      utimesSync(file(key), time, time);
    }
    keepPackedRules(directory, 'a', bytes(10));
    expect(readdirSync(directory).sort()).toEqual(['a.rules', 'b.rules', 'c.rules']);
  });

  test('that cannot be written is done without', () => {
    writeFileSync(file('x'), '');
    expect(() => keepPackedRules(file('x'), 'key', bytes(10))).not.toThrow();
  });
});

test('the key tells sources apart by all that decides what comes of them', () => {
  const source = ruleSource(RULES);
  const others: Partial<RuleSource>[] = [
    { files: [{ path: 'test.rules', text: `${RULES} ` }] },
    { files: [{ path: 'other.rules', text: RULES }] },
    { files: [...source.files, { path: 'a', text: '' }] },
    { classification: 'config classification: a,b,1' },
    { addressGroups: { HOME_NET: '192.0.2.1' } },
    { portGroups: { HTTP_PORTS: '81' } },
    { switches: { disabled: [1], enabled: [] } },
    { lists: { thresholds: { path: 't', text: 'suppress gen_id 1, sig_id 1' } } },
    { lists: { reputation: { categories: '1,a,b', lists: [] } } },
    { lists: { geo: new Uint8Array(1) } },
  ];
  const keys = [source, ...others.map((other) => ({ ...source, ...other }))].map((each) =>
    ruleSourceKey(each, 'program'),
  );
  keys.push(ruleSourceKey(source, 'another program'));
  expect(new Set(keys).size).toBe(others.length + 2);
  const asBytes = { ...source, files: [{ path: 'test.rules', text: Buffer.from(RULES) }] };
  expect(ruleSourceKey(asBytes, 'program')).toBe(keys[0]);
  // What is done about matches does not change the rules.
  const policy = { kinds: [], responses: { attack: 'drop', 'network-activity': 'drop' } } as never;
  expect(ruleSourceKey({ ...source, policy }, 'program')).toBe(keys[0]);
});

describe('prepared rules', () => {
  const source = (text: string): RuleSource => ({ ...ruleSource(text), cacheDirectory: directory });

  test('are kept, and found again', () => {
    expect(keptRules(source(RULES), protocols)).toBeNull();
    const first = prepareRulesNow(source(RULES), protocols);
    const second = keptRules(source(RULES), protocols);
    expect(second).toEqual(first);
    expect(keptRules(source(`${RULES}# changed`), protocols)).toBeNull();
  });

  test('are prepared anew where what was kept is damaged, and kept again', () => {
    prepareRulesNow(source(RULES), protocols);
    const [kept] = readdirSync(directory);
    writeFileSync(join(directory, kept as string), 'torn');
    expect(keptRules(source(RULES), protocols)).toBeNull();
    const again = prepareRulesNow(source(RULES), protocols);
    expect(keptRules(source(RULES), protocols)).toEqual(again);
  });

  describe('that name files', () => {
    const list = () => join(directory, 'list');
    const text = () =>
      `${RULES}alert http any any -> any any (http.uri; dataset:isset,a,type string,load ${list()}; sid:2;)`;
    const named = (rules: PreparedRules | null) => [...(rules?.lists?.named.values() ?? [])];

    test('are not kept while one of these is missing', () => {
      prepareRulesNow(source(text()), protocols);
      expect(keptRulesAndLists(source(text()), protocols)).toBeNull();
      writeFileSync(list(), 'YQ==\n');
      prepareRulesNow(source(text()), protocols);
      expect(keptRulesAndLists(source(text()), protocols)).not.toBeNull();
      // Whoever has no time to read files does not get them.
      expect(keptRules(source(text()), protocols)).toBeNull();
    });

    test('come with what is in these now', () => {
      writeFileSync(list(), 'YQ==\n');
      const prepared = prepareRulesNow(source(text()), protocols);
      expect(keptRulesAndLists(source(text()), protocols)).toEqual(prepared);
      expect(listsOfRulesAreCurrent(prepared)).toBe(true);
      writeFileSync(list(), 'YQ==\nYg==\n');
      expect(listsOfRulesAreCurrent(prepared)).toBe(false);
      const again = keptRulesAndLists(source(text()), protocols);
      expect(named(again)).toHaveLength(1);
      expect(named(again)).not.toEqual(named(prepared));
    });

    test('say so in the thread that uses them where one has come to be wrong', async () => {
      writeFileSync(list(), 'YQ==\n');
      prepareRulesNow(source(text()), protocols);
      writeFileSync(list(), 'no base64!\n');
      const kept = keptRulesAndLists(source(text()), protocols) as PreparedRules;
      // Nobody reads the file again: what it is later makes no difference.
      writeFileSync(list(), 'YQ==\n');
      const { summary } = await new RuleHost().open(kept);
      expect(summary).toMatchObject({ loaded: 1, failed: [{ sid: 2 }] });
      expect(summary.failed[0]?.reason).toMatch(/list:1 is not a value of type string/);
    });
  });

  test('come with the reputations that they ask for, which are read apart', () => {
    const lists = { reputation: { categories: '1,bad,bad ones', lists: ['192.0.2.1,1,100'] } };
    const asking = {
      ...source('alert ip any any -> any any (iprep:src,bad,>,50; sid:1;)'),
      lists,
    };
    const prepared = prepareRulesNow(asking, protocols);
    expect(prepared.lists?.reputation?.lengths).toEqual([128]);
    expect(keptRulesAndLists(asking, protocols)).toEqual(prepared);
    expect(keptRules(asking, protocols)).toBeNull();
  });
});
