import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { archive, type Entry, Publisher } from '../testing/publisher';
import { unpackRules } from './archive';
import { RuleStore, type RuleVersion } from './rule-store';
import { type RuleSetSource, type UpdateOptions, type UpdateResult, updateRules } from './update-rules';

let publisher: Publisher;
let directory: string;
let store: RuleStore;
let applied: number;
beforeAll(async () => {
  publisher = await Publisher.start();
});
afterAll(() => publisher.stop());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'updates-'));
  store = new RuleStore(join(directory, 'rule-sets'));
  applied = 0;
  publisher.asked.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const rule = (sid: number) =>
  `alert tcp any any -> any any (msg:"rule ${sid}"; content:"x${sid}"; sid:${sid};)\n`;
const rules = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => rule(first + index)).join('');
const good = (first = 1, count = 20): Entry[] => [
  { path: 'rules', type: 'Directory' },
  { path: 'rules/a.rules', text: rules(first, count) },
  { path: 'rules/b.rules', text: rule(first + 1000) },
  { path: 'rules/classification.config', text: 'config classification: x,y,1\n' },
  { path: 'rules/LICENSE', text: 'free' },
];

/** A trial that counts what looks like rules, and finds fault with those that say so. */
async function tryOut(version: RuleVersion) {
  const lines = textOf(version)
    .split('\n')
    .filter((line) => line !== '');
  const failed = lines.filter((line) => !line.startsWith('alert')).length;
  return { loaded: lines.length - failed, failed };
}
const textOf = ({ directory: folder, sets }: RuleVersion) =>
  sets.flatMap(({ files }) => files.map((file) => readFileSync(join(folder, file), 'utf8'))).join('');

const source = (path: string, more: Partial<RuleSetSource> = {}): RuleSetSource => ({
  name: 'set',
  url: publisher.url(path),
  checksum: 'auto',
  ca: publisher.ca,
  ...more,
});

function update(sources: readonly RuleSetSource[], more: Partial<UpdateOptions> = {}): Promise<UpdateResult> {
  const apply = async () => {
    applied++;
  };
  return updateRules({ sources, store, tryOut, apply, ...more });
}
const versions = () =>
  existsSync(store.directory) ? readdirSync(store.directory).filter((name) => /^\d/.test(name)) : [];

test('a set is fetched, verified, tried out and put in force; only its rules are kept', async () => {
  publisher.publish('/r.tar.gz', archive(good()));
  const told: string[] = [];
  const result = await update([source('/r.tar.gz')], { tell: (line) => told.push(line) });
  expect(result).toMatchObject({ outcome: 'updated', trial: { loaded: 21, failed: 0 }, failed: [] });
  expect(applied).toBe(1);
  expect(store.current?.sets[0]?.files).toEqual(['set/a.rules', 'set/b.rules']);
  expect(textOf(store.current as RuleVersion)).toBe(rules(1, 20) + rule(1001));
  expect(told.join()).toMatch(/2 files, md5 right/);
});

test('what has not changed is not fetched again, and the others of several are kept', async () => {
  publisher.publish('/one', archive(good(1)));
  publisher.publish('/two', gzipSync(rules(5000, 3)));
  const sources = [source('/one', { name: 'one' }), source('/two', { name: 'two' })];
  await update(sources);
  expect(await update(sources)).toMatchObject({ outcome: 'unchanged', failed: [] });
  publisher.publish('/two', gzipSync(rules(6000, 3)));
  publisher.asked.length = 0;
  expect(await update(sources)).toMatchObject({ outcome: 'updated' });
  expect(publisher.asked).toEqual(['/one', '/two', '/two.sha256', '/two.md5']);
  const text = textOf(store.current as RuleVersion);
  expect(text).toContain('sid:1;');
  expect(text).toContain('sid:6000;');
  expect(text).not.toContain('sid:5000;');
  expect(applied).toBe(2);
});

test('a server that knows times only is asked for what was modified since', async () => {
  const modified = 'Sat, 31 Oct 2026 07:28:00 GMT';
  const since: (string | undefined)[] = [];
  publisher.on('/dated', (request, response) => {
    since.push(request.headers['if-modified-since']);
    if (since.at(-1) === modified) response.writeHead(304).end();
    else response.writeHead(200, { 'last-modified': modified }).end(rules(1, 20));
  });
  expect(await update([source('/dated')])).toMatchObject({ outcome: 'updated' });
  expect(await update([source('/dated')])).toMatchObject({ outcome: 'unchanged', failed: [] });
  expect(since).toEqual([undefined, modified]);
  expect(applied).toBe(1);
});

test('a source that is asked no longer takes its rules with it', async () => {
  publisher.publish('/one', archive(good(1)));
  publisher.publish('/two', Buffer.from(rules(5000, 3)));
  await update([source('/one', { name: 'one' }), source('/two', { name: 'two' })]);
  expect(await update([source('/two', { name: 'two' })])).toMatchObject({ outcome: 'updated' });
  expect(store.current?.sets.map(({ name }) => name)).toEqual(['two']);
});

describe('of what a source sends', () => {
  test.each<[string, () => Buffer, RegExp]>([
    ['a path out of the folder', () => archive([{ path: '../evil.rules', text: rule(1) }]), /outside.*evil/],
    [
      'a path out of the folder further in',
      () => archive([...good(), { path: 'a/../../b.rules', text: rule(1) }]),
      /outside/,
    ],
    ['an absolute path', () => archive([{ path: '/etc/cron.d/evil.rules', text: rule(1) }]), /outside/],
    [
      'a symbolic link',
      () => archive([{ path: 'l.rules', type: 'SymbolicLink', linkpath: '/etc/shadow' }]),
      /neither file nor folder/,
    ],
    [
      'a hard link',
      () => archive([{ path: 'l.rules', type: 'Link', linkpath: 'x' }]),
      /neither file nor folder/,
    ],
    ['a device', () => archive([{ path: 'd.rules', type: 'CharacterDevice' }]), /neither file nor folder/],
    [
      'two files of one name',
      () => archive([...good(), { path: 'other/a.rules', text: rule(7) }]),
      /two files/,
    ],
    ['an archive without rules', () => archive([{ path: 'README', text: 'x' }]), /no rule file/],
    ['half an archive', () => archive(good()).subarray(0, 200), /uncompressed/],
    [
      'an archive cut where a file is',
      () => gzipSync(gunzipSync(archive(good())).subarray(0, 1500)),
      /not a whole tar/,
    ],
    [
      'bytes that are no text',
      () => Buffer.concat([Buffer.from(rules(1, 30)), Buffer.from([0, 1, 2])]),
      /not text/,
    ],
  ])('%s is refused, and nothing has changed', async (_, make, reason) => {
    publisher.publish('/good', archive(good()));
    await update([source('/good')]);
    const before = store.current;
    publisher.publish('/good', make());
    const result = await update([source('/good')]);
    expect(result).toMatchObject({
      outcome: 'unchanged',
      failed: [{ name: 'set', reason: expect.stringMatching(reason) }],
    });
    expect(store.current).toEqual(before);
    expect(versions()).toHaveLength(1);
    expect(applied).toBe(1);
    expect(existsSync(join(directory, 'evil.rules'))).toBe(false);
  });
});

test('what grows beyond all measure when it is uncompressed is refused', async () => {
  const body = gzipSync(Buffer.alloc(100_000, 'a'));
  expect(await unpackRules(body, 'set', 100_000)).toHaveLength(1);
  await expect(unpackRules(body, 'set', 99_999)).rejects.toThrow(/uncompressed/);
});

describe('a download', () => {
  test('with a wrong checksum is refused', async () => {
    publisher.publish('/w', archive(good()), { md5: '0'.repeat(32) });
    const { failed } = await update([source('/w')]);
    expect(failed).toEqual([
      { name: 'set', reason: expect.stringMatching(/md5 is .* but the source says 0000/) },
    ]);
    expect(store.current).toBeNull();
  });

  test('without the checksum that is asked for is refused', async () => {
    publisher.publish('/w', archive(good()));
    const { failed } = await update([source('/w', { checksum: 'sha256' })]);
    expect(failed[0]?.reason).toMatch(/w\.sha256: the server answered 404/);
  });

  test('whose checksum cannot be asked for is refused, not taken unverified', async () => {
    publisher.publish('/w', archive(good()));
    publisher.on('/w.sha256', (_, response) => response.writeHead(500).end());
    const { failed } = await update([source('/w')]);
    expect(failed[0]?.reason).toMatch(/answered 500/);
  });

  test('that breaks off is refused', async () => {
    const body = Buffer.from(rules(1, 100));
    publisher.on('/half', (_, response) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 500), () => response.destroy());
    });
    const { failed } = await update([source('/half')]);
    expect(failed[0]?.reason).toMatch(/broke off after 500 bytes/);
  });

  test('from a server whose certificate nobody vouches for is refused', async () => {
    publisher.publish('/c', archive(good()));
    const { ca: _, ...unknown } = source('/c');
    const { failed } = await update([unknown]);
    expect(failed[0]?.reason).toMatch(/certificate/);
  });

  test.each([
    ['to HTTP', 'http://127.0.0.1/x', /not to https/],
    ['to itself', '/loop', /more than 5 redirections/],
  ])('redirected %s is refused', async (_, location, reason) => {
    publisher.on('/loop', (_request, response) => response.writeHead(302, { location }).end());
    const { failed } = await update([source('/loop')]);
    expect(failed[0]?.reason).toMatch(reason);
  });

  test('redirected over HTTPS is followed', async () => {
    publisher.publish('/real', archive(good()));
    publisher.on('/moved', (_, response) => response.writeHead(301, { location: '/real' }).end());
    expect(await update([source('/moved')])).toMatchObject({ outcome: 'updated' });
  });

  test('that fails leaves the rules of its source and takes those of the others', async () => {
    publisher.publish('/one', archive(good(1)));
    publisher.publish('/two', Buffer.from(rules(5000, 3)));
    const sources = [source('/one', { name: 'one' }), source('/two', { name: 'two' })];
    await update(sources);
    publisher.on('/one', (_, response) => response.writeHead(503).end());
    publisher.publish('/two', Buffer.from(rules(6000, 3)));
    const result = await update(sources);
    expect(result).toMatchObject({ outcome: 'updated', failed: [{ name: 'one' }] });
    expect(store.current?.sets.map(({ name }) => name)).toEqual(['one', 'two']);
  });
});

describe('rules that look wrong', () => {
  const bad = (count: number) => 'no rule at all\n'.repeat(count);

  test.each<[string, string, RegExp]>([
    ['when none loads', bad(5), /none of the rules/],
    ['when many do not load', rules(1, 30) + bad(5), /5 of 35 rules cannot be loaded/],
    ['when most of them are gone', rules(1, 8), /shrunk/],
  ])('are not taken %s, unless forced', async (_, text, reason) => {
    publisher.publish('/r', Buffer.from(rules(1, 30)));
    await update([source('/r')]);
    const before = store.current;
    publisher.publish('/r', Buffer.from(text));
    expect(await update([source('/r')])).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(reason),
    });
    expect(store.current).toEqual(before);
    expect(await update([source('/r')], { force: true })).toMatchObject({ outcome: 'updated' });
    expect(textOf(store.current as RuleVersion)).toBe(text);
  });

  test('that the engine will not have are taken back', async () => {
    publisher.publish('/r', Buffer.from(rules(1, 30)));
    await update([source('/r')]);
    const before = store.current;
    publisher.publish('/r', Buffer.from(rules(2, 30)));
    const apply = () => Promise.reject(new Error('no memory'));
    await expect(update([source('/r')], { apply })).rejects.toThrow('no memory');
    expect(store.current).toEqual(before);
    expect(versions()).toHaveLength(1);
  });
});

describe('going back', () => {
  test('to the rules before, which are not replaced by the same again', async () => {
    publisher.publish('/r', Buffer.from(rules(1, 30)));
    expect(store.rollBack()).toBeNull();
    await update([source('/r')]);
    expect(store.rollBack()).toBeNull();
    publisher.publish('/r', Buffer.from(rules(2, 30)));
    await update([source('/r')]);
    expect(textOf(store.rollBack() as RuleVersion)).toBe(rules(1, 30));
    expect(textOf(store.current as RuleVersion)).toBe(rules(1, 30));
    expect(await update([source('/r')])).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/rolled back/),
    });
    publisher.publish('/r', Buffer.from(rules(3, 30)));
    expect(await update([source('/r')])).toMatchObject({ outcome: 'updated' });
  });

  test('and forth again', async () => {
    publisher.publish('/r', Buffer.from(rules(1, 30)));
    await update([source('/r')]);
    publisher.publish('/r', Buffer.from(rules(2, 30)));
    await update([source('/r')]);
    store.rollBack();
    expect(textOf(store.rollBack() as RuleVersion)).toBe(rules(2, 30));
  });

  test('an update without news does not take the way back', async () => {
    const path = join(directory, 'local.rules');
    writeFileSync(path, rules(1, 30));
    const local = { name: 'local', url: pathToFileURL(path).href, checksum: 'off' as const };
    await update([local]);
    writeFileSync(path, rules(2, 30));
    await update([local]);
    expect(await update([local])).toMatchObject({ outcome: 'unchanged' });
    expect(textOf(store.rollBack() as RuleVersion)).toBe(rules(1, 30));
  });
});

test('of old versions only the last is kept', async () => {
  for (let first = 1; first <= 4; first++) {
    publisher.publish('/r', Buffer.from(rules(first, 30)));
    await update([source('/r')]);
  }
  expect(versions()).toHaveLength(2);
});
