import { parseRuleText } from '@portcullis/rules';
import { BUFFERS, compileText, PROTOCOLS, VARIABLES } from '../testing/harness';
import { compileRulesNow } from './compile-rules';
import { InspectionContext } from './context';
import { prepareDatabasesNow } from './databases';
import { Matcher } from './matcher';
import { NameTable } from './name-table';

type ErrorCase = readonly [rule: string, message: RegExp, at: string];

/** `at` is the text in the rule at which the error points. */
const CASES: readonly ErrorCase[] = [
  ['tcp any any -> any any (nosuchword:1;', /^keyword nosuchword is not supported yet$/, 'nosuchword'],
  ['tcp any any -> any any (tls.sni; content:"a";', /^keyword tls\.sni is not supported yet$/, 'tls.sni'],
  ['tls any any -> any any (', /^protocol tls is not supported yet$/, 'alert'],
  ['tcp any any -> any any (nocase;', /needs a content before it/, 'nocase'],
  ['tcp any any -> any any (content:"abc"; depth:2;', /smaller than the content/, '2;'],
  ['tcp any any -> any any (content:"abc"; within:2;', /smaller than the content/, '2;'],
  ['tcp any any -> any any (content:"abc"; depth:x;', /neither a number nor extracted before/, 'x;'],
  ['tcp any any -> any any (content:"abc"; startswith; depth:9;', /cannot be combined with startswith/, '9;'],
  ['tcp any any -> any any (content:"abc"; distance:1; offset:1;', /distance or within/, '1; sid'],
  ['tcp any any -> any any (content:"abc"; fast_pattern:2,4;', /behind the end/, '2,4'],
  [
    'tcp any any -> any any (content:"a"; fast_pattern; content:"b"; fast_pattern;',
    /one fast pattern/,
    'fast_pattern; sid',
  ],
  ['tcp any any -> any any (content:"abc"; depth:9; fast_pattern:only;', /may stand anywhere/, 'only'],
  ['tcp any any -> any any (content:"abc"; fast_pattern:only; depth:9;', /fast_pattern:only/, '9; sid'],
  ['tcp any any -> any any (pcre:"/a(/";', /pcre: /, '/";'],
  ['tcp any any -> any any (pcre:"/a/q";', /unknown letter "q"/, 'q"'],
  ['tcp any any -> any any (pcre:"a";', /must be written/, '"a"'],
  ['tcp any any -> any any (content:"a"; byte_test:9,>,1,0;', /cannot read 9 bytes/, '9,>'],
  ['tcp any any -> any any (content:"a"; byte_test:1,?,1,0;', /is not an operator/, '?,1'],
  ['tcp any any -> any any (content:"a"; byte_test:1,=,1;', /needs at least/, '1,=,1'],
  ['tcp any any -> any any (content:"a"; byte_jump:1,0,sideways;', /unknown word "sideways"/, 'sideways'],
  ['tcp any any -> any any (content:"a"; byte_extract:1,0,n; byte_extract:1,0,n;', /used twice/, 'n; sid'],
  ['tcp any any -> any any (content:"a"; isdataat:1,backwards;', /unknown word/, 'backwards'],
  ['tcp any any -> any any (flow:sideways;', /unknown word "sideways"/, 'sideways'],
  ['tcp any any -> any any (flow:to_server,to_client;', /two directions/, 'to_client'],
  ['tcp any any -> any any (flowbits:isset;', /needs a name/, 'isset'],
  ['tcp any any -> any any (flowbits:unheard,a;', /unknown command/, 'unheard'],
  [
    'tcp any any -> any any (threshold:type limit, track by_src, count 0, seconds 1;',
    /between 1/,
    '0, seconds',
  ],
  ['tcp any any -> any any (threshold:type limit, count 1, seconds 1;', /needs "track"/, 'type limit'],
  [
    'http any any -> any any (flow:to_client; http.uri; content:"a";',
    /does not occur to the client/,
    'alert',
  ],
  ['http any any -> any any (http.uri; content:"a"; http.stat_code; content:"2";', /does not occur/, 'alert'],
  ['http any any -> any any (dns.query; content:"a";', /protocol http has no dns\.query/, 'alert'],
  ['tcp any any -> any any (bsize:5;', /needs a sticky buffer/, '5;'],
  ['tcp any any -> any any (to_lowercase;', /needs a sticky buffer/, 'to_lowercase'],
  ['http any any -> any any (content:"a"; http_uri; http_header;', /already has a buffer/, 'http_header'],
  ['http any any -> any any (http.uri; xor:"1"; content:"a";', /key of 1 to 255 bytes/, '"1"'],
];

test.each(CASES)('%s', (rule, message, at) => {
  const text = `alert ${rule} sid:7;)`;
  const { failed, ruleset } = compileText(text);
  expect(ruleset.rules).toHaveLength(0);
  expect(failed).toHaveLength(1);
  const { error } = failed[0];
  expect(error.code).toBe('RULE_INVALID');
  expect(error.sid).toBe(7);
  expect(error.message).toMatch(message);
  expect({ line: error.place.line, column: error.place.column }).toEqual({
    line: 1,
    column: text.indexOf(at) + 1,
  });
});

test('a rule that fails does not keep others from loading', () => {
  const { ruleset, failed } = compileText(
    'alert tcp any any -> any any (content:"a"; sid:1;)\nalert tcp any any -> any any (wrong; sid:2;)\n',
  );
  expect(ruleset.rules.all().map(({ sid }) => sid)).toEqual([1]);
  expect(failed.map(({ rule }) => rule.sid)).toEqual([2]);
});

test('what a rule says about itself', () => {
  const { ruleset } = compileText(
    'alert tcp any any -> any any (msg:"a b"; content:"a"; reference:url,example.com; classtype:trojan-activity; ' +
      'metadata:created_at 2020_01_01, tag x, tag y; sid:5; rev:3; gid:2; target:dest_ip;)',
  );
  const [rule] = ruleset.rules.all();
  expect(rule).toMatchObject({
    sid: 5,
    rev: 3,
    gid: 2,
    msg: 'a b',
    classtype: 'trojan-activity',
    target: 'dest_ip',
  });
  expect(rule.references).toEqual(['url,example.com']);
  expect([...rule.metadata]).toEqual([
    ['created_at', ['2020_01_01']],
    ['tag', ['x', 'y']],
  ]);
});

test('expressions that were checked elsewhere are compiled when they are first used', () => {
  const { rules } = parseRuleText(
    'alert tcp any any -> any any (content:"abc"; pcre:"/a(/"; sid:1;)\nalert tcp any any -> any any (content:"abc"; pcre:"/b./"; sid:2;)',
    { variables: VARIABLES },
  );
  const options = { buffers: BUFFERS, protocols: PROTOCOLS, names: new NameTable(), checkExpressions: false };
  const { ruleset, failed } = compileRulesNow(rules, options);
  expect(failed).toEqual([]);
  prepareDatabasesNow(ruleset);
  const matcher = new Matcher(ruleset);
  const context = new InspectionContext();
  context.packet.protocol = 6;
  matcher.begin(context);
  matcher.inspectStream(context, Buffer.from('abc'), 0, 3, 0, 0);
  matcher.end(context);
  expect(
    Array.from(matcher.matches.subarray(0, matcher.matchCount), (number) => matcher.rule(number).sid),
  ).toEqual([2]);
  matcher.close();
});
