import { parseThresholdConfig } from './threshold-config';
import { Variables } from './variables';

const variables = new Variables({ addressGroups: { HOME_NET: '[10.0.0.0/8,!10.1.0.0/16]' } });
const parse = (text: string) => parseThresholdConfig(text, variables);

test('event filters', () => {
  const { entries, problems } = parse(
    [
      '# a comment',
      'event_filter gen_id 1, sig_id 1000, type limit, track by_src, count 1, seconds 60',
      'threshold gen_id 1, sig_id 0, type both, track by_flow, \\',
      '   count 5, seconds 10',
      '',
    ].join('\n'),
  );
  expect(problems).toEqual([]);
  expect(entries).toEqual([
    {
      kind: 'event_filter',
      gid: 1,
      sid: 1000,
      line: 2,
      type: 'limit',
      track: 'by_src',
      count: 1,
      seconds: 60,
    },
    { kind: 'event_filter', gid: 1, sid: 0, line: 3, type: 'both', track: 'by_flow', count: 5, seconds: 10 },
  ]);
});

test('rate filters', () => {
  const [entry] = parse(
    'rate_filter gen_id 1, sig_id 7, track by_rule, count 2, seconds 3, new_action sdrop, timeout 0',
  ).entries;
  expect(entry).toMatchObject({ kind: 'rate_filter', track: 'by_rule', newAction: 'drop', timeout: 0 });
});

test('suppressions', () => {
  const { entries, problems } = parse(
    [
      'suppress gen_id 1, sig_id 7',
      'suppress gen_id 1, sig_id 7, track by_src, ip $HOME_NET',
      'suppress gen_id 0, sig_id 0, track by_either, ip [192.168.0.1,!192.168.0.2, fe80::/10]',
    ].join('\n'),
  );
  expect(problems).toEqual([]);
  expect(entries[0]).toMatchObject({ kind: 'suppress', gid: 1, sid: 7, addresses: null });
  expect(entries[1]).toMatchObject({ track: 'by_src', addresses: variables.addresses('$HOME_NET') });
  expect(entries[2]).toMatchObject({ gid: 0, sid: 0, track: 'by_either' });
});

test.each([
  ['sidewards gen_id 1, sig_id 1', /expected 'event_filter/],
  ['suppress gen_id 0, sig_id 5', /needs a gen_id/],
  ['suppress gen_id 1, sig_id 5, track by_src', /'ip' is missing/],
  ['suppress gen_id 1, sig_id 5, track by_rule, ip any', /track has to be one of/],
  ['suppress gen_id 1, sig_id 5, track by_src, ip $NOBODY', /unknown variable/],
  ['threshold gen_id 1, sig_id 5, type limit, track by_src, count 0, seconds 1', /count has to be from 1/],
  ['threshold gen_id 1, sig_id 5, type limit, track by_src, count 1', /'seconds' is missing/],
  ['threshold gen_id 1, sig_id 5, type limit, type limit, track by_src', /'type' stands twice/],
  [
    'rate_filter gen_id 1, sig_id 5, track by_src, count 1, seconds 1, new_action shout, timeout 1',
    /new_action/,
  ],
  ['suppress gen_id 1, sig_id 5, track by_src, color red, ip any', /unknown word 'color'/],
])('%s', (line, reason) => {
  const { entries, problems } = parse(`# first\n${line}`);
  expect(entries).toEqual([]);
  expect(problems).toHaveLength(1);
  expect(problems[0].line).toBe(2);
  expect(problems[0].reason).toMatch(reason);
});
