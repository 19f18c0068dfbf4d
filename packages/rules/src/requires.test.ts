import { isForOtherVersion, parseRequires } from './requires';
import { parseRuleText } from './rule-file';
import { Variables } from './variables';

const PLACE = { line: 1, column: 1 };

test.each([
  ['version >= 8', true],
  ['version >= 7 < 8', false],
  ['version >= 7.0.3 < 8 | >= 8.0.2', true],
  ['version >= 7.0.3 < 8 | >= 9.0.99', false],
  ['version > 8.0.7', false],
  ['version <= 8.0.7', true],
  ['version < 9, keyword sid', true],
])('%s', (value, met) => {
  expect(parseRequires(value, PLACE).version).toBe(met);
});

test('keywords, features and what is not known', () => {
  expect(parseRequires('keyword Foo, feature output::file-store, planet mars', PLACE)).toEqual({
    version: true,
    keywords: ['foo'],
    features: ['output::file-store'],
    unknown: ['planet'],
  });
  expect(() => parseRequires('version new', PLACE)).toThrow(/is not a comparison/);
  expect(() => parseRequires('version >= new', PLACE)).toThrow(/is not a version/);
});

test('rules for other versions are passed over, whatever they are', () => {
  const set = parseRuleText(
    [
      'alert newproto any any => any any (requires: version >= 9; sid:1;)',
      'alert tcp any any -> any any (content:"requires: version >= 9"; sid:2;)',
      'alert tcp any any -> any any (requires: version < 8; sid:2;)',
      'alert newproto any any -> any any (requires: version >= 8; sid:3;)',
    ].join('\n'),
    { variables: new Variables() },
  );
  expect(set.rules.map(({ sid }) => sid)).toEqual([2]);
  expect(set.skipped).toBe(2);
  expect(set.errors).toHaveLength(1);
  expect(isForOtherVersion('alert tcp any any -> any any (requires: version sometimes; sid:1;)')).toBe(false);
});
