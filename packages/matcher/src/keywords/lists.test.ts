import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRuleText } from '@portcullis/rules';
import { BUFFERS, compileText, Harness, PROTOCOLS, TestTransaction, VARIABLES } from '../../testing/harness';
import { compileRulesNow } from '../compile-rules';
import { DataSets } from '../lists/data-set';
import { IpReputation, readReputation } from '../lists/ip-reputation';
import { NameTable } from '../name-table';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lists-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const uri = (text: string) => new TestTransaction().set('http.uri', text);

test('sets that rules ask for and add to', () => {
  const harness = new Harness(
    [
      'alert http any any -> any any (http.method; content:"GET"; http.uri; dataset:set,seen,type string; sid:1;)',
      'alert http any any -> any any (http.method; content:"HEAD"; http.uri; dataset:isset,seen; sid:2;)',
      'alert http any any -> any any (http.method; content:"HEAD"; http.uri; dataset:isnotset,seen; sid:3;)',
      'alert http any any -> any any (http.method; content:"PUT"; http.uri; dataset:unset,seen; sid:4;)',
    ].join('\n'),
  );
  const send = (method: string, path: string) => harness.transaction(uri(path).set('http.method', method), 1);
  expect(send('HEAD', '/a')).toEqual([3]);
  expect(send('GET', '/a')).toEqual([1]);
  expect(send('GET', '/a')).toEqual([]);
  expect(send('HEAD', '/a')).toEqual([2]);
  expect(send('HEAD', '/b')).toEqual([3]);
  expect(send('PUT', '/a')).toEqual([4]);
  expect(send('PUT', '/a')).toEqual([]);
  expect(send('HEAD', '/a')).toEqual([3]);
});

test('sets are loaded from files', () => {
  const names = file('names.lst', `# a comment\n${base64('.evil.com')}\n${base64('plain')}\n`);
  const hashes = file('hashes.lst', `${'0'.repeat(30)}0a\n`);
  const json = file('names.json', '{"list":[{"v":{"name":"fromjson"}}]}');
  const scores = file('scores.lst', `${base64('bad')},200\n${base64('good')},5\n`);
  const addresses = file('addresses.lst', '10.0.0.1\nfe80::1\n');
  const harness = new Harness(
    [
      `alert http any any -> any any (http.uri; dotprefix; dataset:isset,n,type string,match subdomain,load ${names}; sid:1;)`,
      `alert http any any -> any any (http.uri; dataset:isset,h,type md5,load ${hashes}; sid:2;)`,
      `alert http any any -> any any (http.uri; dataset:isset,j,type string,load ${json},format json,array_key list,value_key v.name; sid:3;)`,
      `alert http any any -> any any (http.uri; datarep:r,>,100,type string,load ${scores}; sid:4;)`,
      `alert ip any any -> any any (ip.src; dataset:isset,a,type ip,load ${addresses}; sid:5;)`,
    ].join('\n'),
  );
  const of = (text: string) => harness.transaction(uri(text), 1);
  expect(of('www.evil.com')).toEqual([1]);
  expect(of('evil.com')).toEqual([1]);
  expect(of('notevil.com')).toEqual([]);
  expect(of(`${'\0'.repeat(15)}\n`)).toEqual([2]);
  expect(of(`${'0'.repeat(30)}0A`)).toEqual([2]);
  expect(of('fromjson')).toEqual([3]);
  expect(of('bad')).toEqual([4]);
  expect(of('good')).toEqual([]);
  expect(harness.packet({ source: [0, 0, 0xffff, 0x0a000001] })).toEqual([5]);
  expect(harness.packet({ source: [0, 0, 0xffff, 0x0a000002] })).toEqual([]);
  expect(harness.packet({ version: 6, source: [0xfe800000, 0, 0, 1] })).toEqual([5]);
});

test('what sets learn outlives the rule set, and is written as it is loaded', () => {
  const rule = 'alert http any any -> any any (http.uri; dataset:set,kept,type string,save kept.lst; sid:1;)';
  const first = new DataSets();
  expect(new Harness(rule, {}, { dataSets: first }).transaction(uri('/x'), 1)).toEqual([1]);
  const second = new DataSets(first.learnt);
  expect(new Harness(rule, {}, { dataSets: second }).transaction(uri('/x'), 1)).toEqual([]);
  const [set] = second.saved();
  expect(set.savePath).toBe('kept.lst');
  expect(set.toFile()).toBe(`${base64('/x')}\n`);
});

test('a set with a state begins with what it was left with', () => {
  file('left.lst', `${base64('/x')}\n`);
  const rule =
    'alert http any any -> any any (http.uri; dataset:set,left,type string,state left.lst; sid:1;)';
  const harness = new Harness(rule, {}, { dataDirectory: directory });
  expect(harness.transaction(uri('/x'), 1)).toEqual([]);
  expect(harness.transaction(uri('/y'), 1)).toEqual([1]);
  // None is there the first time.
  const other = new Harness(rule.replace('left.lst', 'new.lst'), {}, { dataDirectory: directory });
  expect(other.transaction(uri('/x'), 1)).toEqual([1]);
});

test('a set has a bound', () => {
  const harness = new Harness(
    'alert http any any -> any any (http.uri; dataset:set,small,type string,memcap 96; sid:1;)',
  );
  const fired = ['/a', '/b', '/c', '/d', '/e'].flatMap((path) => harness.transaction(uri(path), 1));
  expect(fired).toEqual([1, 1, 1]);
});

test('reputations of addresses', () => {
  const categories = '1,Bad,Bad hosts\n2,CnC,Command and control\n';
  const lists = ['10.0.0.0/8,1,20\n10.1.0.0/16,1,90\n', '10.1.2.3,2,50\n2001:db8::/32,1,70\n'];
  const { read, problems } = readReputation(categories, lists);
  expect(problems).toEqual([]);
  const wrong = ['nonsense,1,1\n10.0.0.1,99,1\n10.0.0.1,1,200\n10.0.0.0/99,1,1'];
  expect(readReputation(categories, wrong).problems.map(({ line }) => line)).toEqual([1, 2, 3, 4]);
  const reputation = new IpReputation(read);
  const harness = new Harness(
    [
      'alert ip any any -> any any (iprep:src,Bad,>,50; sid:1;)',
      'alert ip any any -> any any (iprep:src,bad,<,50; sid:2;)',
      'alert ip any any -> any any (iprep:any,CnC,isset; sid:3;)',
      'alert ip any any -> any any (iprep:both,Bad,>,0; sid:4;)',
    ].join('\n'),
    {},
    { reputation },
  );
  const from = (source: readonly number[], version: 4 | 6 = 4) => {
    harness.context.firstOfDirection = true;
    return harness.packet({ source, destination: [0, 0, 0xffff, 0x08080808], version });
  };
  expect(from([0, 0, 0xffff, 0x0a010203])).toEqual([1, 3]);
  expect(from([0, 0, 0xffff, 0x0a020203])).toEqual([2]);
  expect(from([0x20010db8, 0, 0, 9], 6)).toEqual([1]);
  expect(from([0, 0, 0xffff, 0x0b000000])).toEqual([]);
});

test('hashes and names of files', () => {
  const list = file('md5', `${Buffer.from('0123456789abcdef').toString('hex')}  a file\n`);
  const rules = [
    `alert http any any -> any any (filemd5:${list}; sid:1;)`,
    `alert http any any -> any any (filemd5:!${list}; sid:2;)`,
    'alert http any any -> any any (filename:"Report"; sid:3;)',
    'alert http any any -> any any (fileext:"EXE"; sid:4;)',
    'alert http any any -> any any (fileext:!"exe"; sid:5;)',
    'alert http any any -> any any (filesize:>1kb; sid:6;)',
    'alert http any any -> any any (filename:"a"; filestore; sid:7;)',
  ];
  const harness = new Harness(rules.join('\n'));
  const of = (name: string, md5: string, size: string) =>
    harness.transaction(
      new TestTransaction().set('file.name', [name]).set('file.md5', [md5]).set('file.size', [size]),
      1,
    );
  expect(of('/my-report.exe', '0123456789abcdef', '\0\0\0\0\0\0\x08\0')).toEqual([1, 3, 4, 6]);
  expect(of('exe.dat', 'x'.repeat(16), '\0\0\0\0\0\0\0\x08')).toEqual([2, 5, 7]);
});

test('lists lie beside the rule file', () => {
  file('beside', `${'ab'.repeat(16)}\n`);
  const rule = (name: string) => `alert http any any -> any any (filemd5:${name}; sid:1;)`;
  const compile = (name: string) => {
    const { rules } = parseRuleText(rule(name), { variables: VARIABLES, file: join(directory, 'my.rules') });
    return compileRulesNow(rules, { buffers: BUFFERS, protocols: PROTOCOLS, names: new NameTable() }).failed;
  };
  expect(compile('beside')).toEqual([]);
  expect(compile('missing')[0].error.message).toMatch(/cannot read .*missing: ENOENT/);
  file('wrong', 'not a hash\n');
  expect(compile('wrong')[0].error.message).toMatch(/wrong:1 does not begin with 32/);
});

test.each([
  ['http.uri; dataset:isset,x', /there is no set x yet/],
  ['http.uri; dataset:have,x,type string', /unknown command/],
  ['http.uri; dataset:isset,x,type number', /there is no type/],
  ['http.uri; dataset:isset,x,type string,save /etc/passwd', /below the data directory/],
  ['http.uri; dataset:isset,x,type string,state ../x', /below the data directory/],
  ['http.uri; dataset:isset,x,type string,memcap lots', /is not a size/],
  ['http.uri; dataset:isset,x,type string,load /no/such/file', /cannot read/],
  ['dataset:isset,x,type string', /needs a sticky buffer/],
  ['http.uri; datarep:x,~,5,type string', /is not >, < or ==/],
  ['iprep:any,Bad,>,1', /no reputation files are configured/],
  ['geoip:any,DE', /no GeoIP database is configured/],
  ['filename:plain', /double quotes/],
  ['filesize:lots', /is not a number/],
])('%s is refused', (options, message) => {
  const { failed } = compileText(`alert http any any -> any any (${options}; sid:1;)`);
  expect(failed.map(({ error }) => error.message)).toEqual([expect.stringMatching(message)]);
});
