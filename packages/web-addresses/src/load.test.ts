import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AddressTable } from './address-table';
import type { FeedSettings } from './feed-reader';
import { type AddressList, type AddressSources, type LoadedAddresses, loadAddresses } from './load';
import { WebAddress } from './web-address';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'web-addresses-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function list(
  name: string,
  text: string | Uint8Array,
  settings: FeedSettings & { category?: string },
): AddressList {
  const path = join(directory, `${name}.txt`);
  writeFileSync(path, text);
  return { name, path, category: 'bad', ...settings };
}

function sources(lists: readonly AddressList[], more: Partial<AddressSources> = {}): AddressSources {
  return { lists, allowed: [], allowedFiles: [], keepDirectory: null, ...more };
}

/** `category list entry` of what is found; null: nothing. */
function find({ table }: LoadedAddresses, url: string): string | null {
  const finder = new AddressTable(table, new Uint8Array(256).fill(1));
  const address = new WebAddress();
  const bytes = Buffer.from(url);
  if (!address.readUrl(bytes, 0, bytes.length)) throw new Error(`${url} is no address`);
  return finder.find(address, true) ? `${finder.categoryName} ${finder.listName} ${finder.entry}` : null;
}

test('a hosts file', () => {
  const text = [
    '\ufeff# hosts',
    '127.0.0.1 localhost',
    '0.0.0.0 Evil.Example  tracker.example # both',
    '::1\tv6.example\r',
    'fe80::1%lo0 zone.example',
    'no-address.example',
    '0.0.0.0',
    '',
    '0.0.0.0 bad..name good.example',
  ].join('\n');
  const loaded = loadAddresses(sources([list('hosts', text, { form: 'hosts' })]));
  expect(loaded.lists).toMatchObject([
    {
      entries: 5,
      badLines: 3,
      firstBadLines: [
        { line: 6, reason: expect.stringContaining('IP address') },
        { line: 7, reason: expect.stringContaining('no name') },
        { line: 9, reason: expect.stringContaining('neither') },
      ],
    },
  ]);
  for (const name of ['evil.example', 'tracker.example', 'v6.example', 'zone.example', 'good.example'])
    expect(find(loaded, name)).toBe(`bad hosts ${name}`);
  expect(find(loaded, 'www.evil.example')).toBeNull();
  expect(find(loaded, 'localhost')).toBeNull();
});

test('domains, with and without wildcards', () => {
  const text =
    'evil.example\n*.only-below.example\n.both.example # why\n! comment\n2001:db8::1\n192.0.2.7\ncom\n';
  const loaded = loadAddresses(sources([list('domains', text, { form: 'domains' })]));
  expect(find(loaded, 'a.b.evil.example')).toBe('bad domains evil.example');
  expect(find(loaded, 'notevil.example')).toBeNull();
  expect(find(loaded, 'only-below.example')).toBeNull();
  expect(find(loaded, 'x.only-below.example')).toBe('bad domains *.only-below.example');
  expect(find(loaded, 'both.example')).not.toBeNull();
  expect(find(loaded, 'http://[2001:db8:0::1]/')).toBe('bad domains [2001:db8::1]');
  expect(find(loaded, '192.0.2.7')).not.toBeNull();
  expect(find(loaded, 'anything.com')).toBeNull();
  expect(loaded.lists[0]).toMatchObject({ entries: 5, badLines: 1 });
  const exact = loadAddresses(sources([list('exact', text, { form: 'domains', subdomains: false })]));
  expect(find(exact, 'www.evil.example')).toBeNull();
});

test('URLs cover what lies below them', () => {
  const text =
    'http://evil.example/mal/\nhttps://h.example:8443/x?y=1\nhttp://192.0.2.1:4444/bin.sh\nwhole.example\nhttp://*.wild.example/z\n';
  const loaded = loadAddresses(sources([list('urls', text, { form: 'urls' })]));
  expect(find(loaded, 'http://evil.example/mal')).toBe('bad urls evil.example/mal');
  expect(find(loaded, 'http://evil.example/x/../mal/a%2Fb?c')).not.toBeNull();
  expect(find(loaded, 'http://evil.example/mal2')).toBeNull();
  expect(find(loaded, 'http://evil.example/')).toBeNull();
  expect(find(loaded, 'https://h.example:8443/x?y=1')).not.toBeNull();
  expect(find(loaded, 'https://h.example:8443/x?y=2')).toBeNull();
  expect(find(loaded, 'https://h.example/x?y=1')).toBeNull();
  expect(find(loaded, 'http://192.0.2.1:4444/bin.sh')).not.toBeNull();
  expect(find(loaded, 'http://whole.example/any')).not.toBeNull();
  expect(find(loaded, 'http://a.wild.example/z/1')).toBe('bad urls *.wild.example/z');
  expect(find(loaded, 'http://wild.example/z')).toBeNull();
});

test('CSV: columns, quotes, categories of their own', () => {
  const text = [
    'id,url,threat',
    '1,"http://a.example/x,y",malware',
    '2, b.example ,"phishing"',
    '3,c.example,',
    '4,"d.example,x',
    '5',
  ].join('\n');
  const loaded = loadAddresses(
    sources([list('csv', text, { form: 'csv', column: 2, categoryColumn: 3, header: true })]),
  );
  expect(find(loaded, 'http://a.example/x,y')).toBe('malware csv a.example/x,y');
  expect(find(loaded, 'b.example')).toBe('phishing csv b.example');
  expect(find(loaded, 'c.example')).toBe('bad csv c.example');
  expect(loaded.lists[0]).toMatchObject({ entries: 3, badLines: 2 });
});

test('exceptions win, whatever lists say', () => {
  const lists = [list('domains', 'evil.example\nother.example\n', { form: 'domains' })];
  const loaded = loadAddresses(sources(lists, { allowed: ['fine.evil.example', 'other.example/open'] }));
  expect(find(loaded, 'evil.example')).not.toBeNull();
  expect(find(loaded, 'a.fine.evil.example')).toBeNull();
  expect(find(loaded, 'http://other.example/open/x')).toBeNull();
  expect(find(loaded, 'http://other.example/shut')).not.toBeNull();
  expect(() => loadAddresses(sources(lists, { allowed: ['..'] }))).toThrow(/exception '\.\.'/);
  expect(() => loadAddresses(sources(lists, { allowedFiles: [join(directory, 'none')] }))).toThrow(/none/);
});

test('duplicates are counted once; the same address in another category is kept', () => {
  const loaded = loadAddresses(
    sources([
      list('one', 'a.example\nA.example.\n', { form: 'domains' }),
      list('two', 'a.example\nb.example\n', { form: 'domains' }),
      list('three', 'a.example\n', { form: 'domains', category: 'other' }),
    ]),
  );
  expect(loaded.lists.map(({ entries, duplicates }) => [entries, duplicates])).toEqual([
    [1, 1],
    [1, 1],
    [1, 0],
  ]);
  expect(find(loaded, 'a.example')).toBe('bad one a.example');
});

test.each([
  ['is gone', (path: string) => rmSync(path), /ENOENT/],
  ['is empty', (path: string) => writeFileSync(path, ''), /no address/],
  [
    'is a page of a web server',
    (path: string) => writeFileSync(path, '<html>\n<body>\nNot found\n'),
    /no address \(line 1/,
  ],
  [
    'is in another form',
    (path: string) => writeFileSync(path, 'x.example\nhttp://a b/\n<p>\n{}\n'),
    /3 of 4 lines/,
  ],
])('a feed that %s leaves its last good version in force', (_, spoil, why) => {
  const keepDirectory = join(directory, 'kept');
  const bad = list('feed', 'old.example\n', { form: 'domains' });
  const good = list('good', 'good.example\n', { form: 'domains' });
  utimesSync(bad.path, 1_700_000_000, 1_700_000_000);
  const at = sources([bad, good], { keepDirectory });
  loadAddresses(at);
  spoil(bad.path);
  writeFileSync(good.path, 'newer.example\n');
  const loaded = loadAddresses(at);
  expect(find(loaded, 'old.example')).not.toBeNull();
  expect(find(loaded, 'newer.example')).not.toBeNull();
  expect(loaded.lists[0]).toMatchObject({
    entries: 1,
    problem: expect.stringMatching(why),
    writtenAt: 1_700_000_000_000,
  });
  expect(loaded.lists[1]?.problem).toBeNull();
  expect(existsSync(join(keepDirectory, 'feed.new'))).toBe(false);
  // Without a good version there is nothing, and the others are in force.
  rmSync(join(keepDirectory, 'feed'));
  const without = loadAddresses(at);
  expect(without.lists[0]).toMatchObject({ entries: 0, writtenAt: null });
  expect(find(without, 'newer.example')).not.toBeNull();
});

test('lines that are too long are counted, and what follows is read', () => {
  for (const length of [8193, 1_100_000, 3_000_000]) {
    const text = `a.example\n${'x'.repeat(length)}\nb.example\n${'y'.repeat(100)}.example\nc.example`;
    const loaded = loadAddresses(sources([list('long', text, { form: 'domains' })]));
    expect(loaded.lists[0]).toMatchObject({ entries: 3, badLines: 2 });
    expect(loaded.lists[0]?.firstBadLines.map(({ line }) => line)).toEqual([2, 4]);
  }
});
