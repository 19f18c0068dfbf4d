import { addressesOverlap, interceptedPorts, parseRuleText, Variables } from './index';

const variables = Variables.withDefaults({ addressGroups: { HOME_NET: '10.0.0.0/8' } });
const home = variables.addresses('$HOME_NET');

function ports(...lines: string[]) {
  const text = lines.map((line, index) => line.replace(/\)$/, `sid:${index + 1};)`)).join('\n');
  const set = parseRuleText(text, { variables });
  expect(set.errors).toEqual([]);
  const { named: _, ...queued } = interceptedPorts(set.rules, (addresses) =>
    addressesOverlap(addresses, home),
  );
  return queued;
}

test('destination ports of TCP and what runs over it', () => {
  expect(
    ports(
      'alert tcp any any -> $HOME_NET [21,22] ()',
      'drop http $EXTERNAL_NET any -> any [80,8000:8010,!8005] ()',
      'alert smb any any -> 10.1.1.1 445 ()',
      'alert dns any any -> any 53 ()',
      'alert udp any any -> any 123 ()',
      'alert icmp any any -> any any ()',
      'pass tcp any any -> any 9999 ()',
    ),
  ).toEqual({
    ranges: [
      { first: 21, last: 22 },
      { first: 53, last: 53 },
      { first: 80, last: 80 },
      { first: 445, last: 445 },
      { first: 8000, last: 8004 },
      { first: 8006, last: 8010 },
    ],
    anyPortRules: [],
  });
});

test('only where the destination can be protected', () => {
  expect(
    ports('alert tcp $HOME_NET any -> $EXTERNAL_NET 6667 ()', 'alert tls any any -> !$HOME_NET any ()'),
  ).toEqual({
    ranges: [],
    anyPortRules: [],
  });
});

test('replies are seen under the source port', () => {
  const { ranges } = ports(
    'alert tcp $HOME_NET 3306 -> $EXTERNAL_NET any (flow:established,to_client; )',
    'alert tcp $HOME_NET 1433 -> any any (flow:from_server; )',
    'alert tcp 1.2.3.4 99 -> $HOME_NET any (flow:to_client; )',
    'alert tcp $HOME_NET 25 <> $EXTERNAL_NET any ()',
    'alert tcp $EXTERNAL_NET 1:65535 <> $HOME_NET 26 ()',
  );
  expect(ranges).toEqual([
    { first: 25, last: 26 },
    { first: 1433, last: 1433 },
    { first: 3306, last: 3306 },
  ]);
});

test('any widens to all ports and the rules that do it are named', () => {
  expect(
    ports(
      'alert tcp any any -> any 80 ()',
      'alert http any any -> any any ()',
      'alert ip any any -> any any ()',
    ),
  ).toEqual({
    ranges: [{ first: 0, last: 65535 }],
    anyPortRules: [2, 3],
  });
});
