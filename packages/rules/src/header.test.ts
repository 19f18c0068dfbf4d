import {
  type AddressExpression,
  addressesOverlap,
  addressRanges,
  parseRule,
  RuleError,
  Variables,
} from './index';

const variables = new Variables({
  addressGroups: {
    HOME_NET: '[192.168.0.0/16,10.0.0.0/8]',
    EXTERNAL_NET: '!$HOME_NET',
    EVERYONE: 'any',
    LIST: '10.0.0.0/8,!10.0.0.1',
    LOOP_A: '[$LOOP_B]',
    LOOP_B: '!$LOOP_A',
    BROKEN: '[10.0.0.0/8,300.1.1.1]',
  },
  portGroups: { HTTP_PORTS: '[80,8080]', NOT_HTTP: '!$HTTP_PORTS', WEB: '[$HTTP_PORTS,443]' },
});

const rule = (source: string, ports: string) =>
  parseRule(`alert tcp ${source} ${ports} -> any any (sid:1;)`, { variables });
const addresses = (text: string) => rule(text, 'any').header.source;
const ports = (text: string) => {
  const { any, ranges } = rule('any', text).header.sourcePorts;
  return any
    ? 'any'
    : ranges.map((r) => (r.first === r.last ? `${r.first}` : `${r.first}:${r.last}`)).join(',');
};
const failure = (text: string): RuleError => {
  try {
    parseRule(text, { variables });
  } catch (error) {
    expect(error).toBeInstanceOf(RuleError);
    return error as RuleError;
  }
  throw new Error(`accepted: ${text}`);
};

const ipv4 = (value: bigint) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
const describeAddresses = (expression: AddressExpression) =>
  addressRanges(expression).map(({ family, first, last }) => {
    const show = family === 4 ? ipv4 : (value: bigint) => `0x${value.toString(16)}`;
    return first === last ? show(first) : `${show(first)}-${show(last)}`;
  });
const EVERY_V6 = `0x0-0x${'f'.repeat(32)}`;

describe('addresses', () => {
  test.each<[string, string[]]>([
    ['10.1.2.3', ['10.1.2.3']],
    ['10.1.2.3/24', ['10.1.2.0-10.1.2.255']],
    ['10.1.2.3/255.255.254.0', ['10.1.2.0-10.1.3.255']],
    ['10.1.2.3/255.255.255.255', ['10.1.2.3']],
    ['10.1.2.3/0.0.0.0', ['0.0.0.0-255.255.255.255']],
    ['10.0.0.5-10.0.0.9', ['10.0.0.5-10.0.0.9']],
    ['[10.0.0.1,10.0.0.2, 10.0.0.4]', ['10.0.0.1-10.0.0.2', '10.0.0.4']],
    ['[10.0.0.0/30,!10.0.0.1]', ['10.0.0.0', '10.0.0.2-10.0.0.3']],
    ['[10.0.0.0/29,[!10.0.0.1,!10.0.0.4]]', ['10.0.0.0', '10.0.0.2-10.0.0.3', '10.0.0.5-10.0.0.7']],
    ['[10.0.0.0/29,![10.0.0.1,10.0.0.4]]', ['10.0.0.0', '10.0.0.2-10.0.0.3', '10.0.0.5-10.0.0.7']],
    ['[10.0.0.0/29,![10.0.0.0/30,!10.0.0.2]]', ['10.0.0.2', '10.0.0.4-10.0.0.7']],
    ['!128.0.0.0/1', ['0.0.0.0-127.255.255.255', EVERY_V6]],
    ['$HOME_NET', ['10.0.0.0-10.255.255.255', '192.168.0.0-192.168.255.255']],
    ['[$LIST,192.168.1.1]', ['10.0.0.0', '10.0.0.2-10.255.255.255', '192.168.1.1']],
    ['[10.0.0.0/31,!$LIST]', ['10.0.0.1']],
    ['[$EXTERNAL_NET,!0.0.0.0/1,!::/0]', ['128.0.0.0-192.167.255.255', '192.169.0.0-255.255.255.255']],
    ['::1', ['0x1']],
    ['::', ['0x0']],
    [
      '2001:db8::/126',
      [`0x20010db8${'0'.repeat(24)}-0x20010db8${'0'.repeat(23)}3`.replaceAll('0x2001', '0x2001')],
    ],
    ['fe80::1-fe80::3', [`0xfe80${'0'.repeat(27)}1-0xfe80${'0'.repeat(27)}3`]],
    ['::ffff:1.2.3.4', ['0xffff01020304']],
    ['1:2:3:4:5:6:7::', ['0x10002000300040005000600070000']],
  ])('%s', (text, expected) => {
    expect(describeAddresses(addresses(text))).toEqual(expected);
  });

  test('any is known as such, however it is written', () => {
    for (const text of [
      'any',
      'ANY',
      '$EVERYONE',
      '[any]',
      '[0.0.0.0/0,::/0]',
      '[::/0,0.0.0.0/1,128.0.0.0/1]',
    ]) {
      expect(addresses(text).any).toBe(true);
    }
    for (const text of ['0.0.0.0/0', '!10.0.0.1', '$EXTERNAL_NET', '[any,!10.0.0.1]']) {
      expect(addresses(text).any).toBe(false);
    }
  });

  test.each<[string, string, number]>([
    ['!any', 'the whole address space is negated away', 1],
    ['!$EVERYONE', 'the whole address space is negated away', 1],
    ['[10.0.0.1,!10.0.0.0/8]', 'the whole address space is negated away', 1],
    ['[10.0.0.1,!any]', 'the whole address space is negated away', 1],
    ['![0.0.0.0/0,::/0]', 'the whole address space is negated away', 1],
    ['$NOWHERE', 'unknown variable $NOWHERE', 1],
    ['[10.0.0.1,!$NOWHERE]', 'unknown variable $NOWHERE', 11],
    ['$LOOP_A', '$LOOP_A refers to itself: LOOP_A → LOOP_B → LOOP_A', 1],
    ['$BROKEN', 'in $BROKEN ("[10.0.0.0/8,300.1.1.1]"): \'300.1.1.1\' is not an IPv4 or IPv6 address', 1],
    ['[10.0.0.1,,10.0.0.2]', 'an entry is missing', 11],
    ['[10.0.0.1', "'[' is not closed", 1],
    ['10.0.0.1]', "']' is not expected here", 9],
    ['[]', 'an entry is missing', 2],
    ['!!10.0.0.1', 'negated only once', 2],
    ['1.2.3', 'not an IPv4 or IPv6 address', 1],
    ['1.2.3.04', 'not an IPv4 or IPv6 address', 1],
    ['1.2.3.256', 'not an IPv4 or IPv6 address', 1],
    ['1.2.3.4/33', 'prefix length 33 is above 32', 9],
    ['![1.2.3.4/x]', "'x' is not a prefix length or netmask", 11],
    ['1.2.3.4/255.0.255.0', 'netmask 255.0.255.0 has a gap', 9],
    ['::1/129', 'prefix length 129 is above 128', 5],
    ['::1/255.255.255.0', 'not a prefix length', 5],
    ['1::2::3', 'not an IPv4 or IPv6 address', 1],
    ['1:2:3:4:5:6:7:8:9', 'not an IPv4 or IPv6 address', 1],
    ['1:2:3:4:5:6:7:8::', 'not an IPv4 or IPv6 address', 1],
    ['12345::', 'not an IPv4 or IPv6 address', 1],
    ['10.0.0.9-10.0.0.1', 'ends before it begins', 1],
    ['10.0.0.9-::1', 'mixes IPv4 and IPv6', 1],
    ['$', "'$' is not a variable name", 1],
    ['$A-B', "'$A-B' is not a variable name", 1],
    ['['.repeat(70) + ']'.repeat(70), 'nested more than 64 deep', 65],
  ])('%s is refused', (text, message, column) => {
    const error = failure(`alert tcp ${text} any -> any any (msg:"x"; sid:77;)`);
    expect(error.message).toContain(message);
    expect(error.place).toEqual({ line: 1, column: 'alert tcp '.length + column });
    expect(error.sid).toBe(77);
    expect(error.code).toBe('RULE_INVALID');
  });

  test('the same text gives the same object', () => {
    expect(addresses('[10.0.0.1,$HOME_NET]')).toBe(addresses('[10.0.0.1,$HOME_NET]'));
    expect(rule('$HOME_NET', '$WEB').header).toBe(rule('$HOME_NET', '$WEB').header);
  });

  test('overlap', () => {
    expect(addressesOverlap(addresses('$HOME_NET'), addresses('10.1.1.1'))).toBe(true);
    expect(addressesOverlap(addresses('$HOME_NET'), addresses('$EXTERNAL_NET'))).toBe(false);
    expect(addressesOverlap(addresses('any'), addresses('$EXTERNAL_NET'))).toBe(true);
    expect(addressesOverlap(addresses('::/0'), addresses('0.0.0.0/0'))).toBe(false);
  });
});

describe('ports', () => {
  test.each<[string, string]>([
    ['any', 'any'],
    ['80', '80'],
    ['8000:8100', '8000:8100'],
    [':1023', '0:1023'],
    ['1024:', '1024:65535'],
    ['0:65535', 'any'],
    ['[80,443]', '80,443'],
    ['[80, 443, 81]', '80:81,443'],
    ['[80,[8000:8100,!8050]]', '80,8000:8049,8051:8100'],
    ['!80', '0:79,81:65535'],
    ['![80,443]', '0:79,81:442,444:65535'],
    ['[1:100,!50,!60:70]', '1:49,51:59,71:100'],
    ['$HTTP_PORTS', '80,8080'],
    ['$NOT_HTTP', '0:79,81:8079,8081:65535'],
    ['!$NOT_HTTP', '80,8080'],
    ['[$WEB,!80]', '443,8080'],
    ['!0', '1:65535'],
    ['!65535', '0:65534'],
  ])('%s', (text, expected) => {
    expect(ports(text)).toBe(expected);
  });

  test.each<[string, string, number]>([
    ['!any', 'the whole port space is negated away', 1],
    ['[80,!80]', 'the whole port space is negated away', 1],
    ['65536', 'port 65536 is above 65535', 1],
    ['[80,1000:99999]', 'port 99999 is above 65535', 10],
    ['90:80', "port range '90:80' ends before it begins", 1],
    [':', "':' needs a port on one side", 1],
    ['http', "'http' is not a port number", 1],
    ['[80,$HTTP]', 'unknown variable $HTTP', 5],
    ['$HOME_NET', 'unknown variable $HOME_NET', 1],
    ['80-90', "'80-90' is not a port number", 1],
  ])('%s is refused', (text, message, column) => {
    const error = failure(`alert tcp any ${text} -> any any (sid:1;)`);
    expect(error.message).toContain(message);
    expect(error.place.column).toBe('alert tcp any '.length + column);
  });
});

describe('the header as a whole', () => {
  test.each<[string, string, number]>([
    ['', 'the rule header has no action', 1],
    ['alert', 'the rule header has no protocol', 6],
    ['alert tcp any any -> any (sid:1;)', 'the rule header has no destination port', 26],
    ['alert tcp any any -> any any any (sid:1;)', "'any' is one field too many", 30],
    ['block tcp any any -> any any (sid:1;)', "unknown action 'block'", 1],
    ['alert tpc any any -> any any (sid:1;)', "unknown protocol 'tpc'", 7],
    ['alert tcp any any <- any any (sid:1;)', "the direction is '->', '<>' or '=>', not '<-'", 19],
    ['alert tcp any any -> any any', "the rule has no options, expected '('", 29],
    ['alert tcp any any -> any any (sid:1;', "the rule does not end with ')'", 36],
    ['alert tcp any any -> any any (', "the rule does not end with ')'", 30],
  ])('%s', (text, message, column) => {
    const error = failure(text);
    expect(error.message).toContain(message);
    expect(error.place).toEqual({ line: 1, column });
  });

  test('keywords of the header do not depend on case or on the number of blanks', () => {
    const { header } = parseRule('DROP\t TCP  any any  <> any 80(sid:1;)', { variables });
    expect(header).toMatchObject({ action: 'drop', protocol: 'tcp', direction: '<>' });
  });
});

describe('variables', () => {
  test('all that is wrong with them is found without a rule', () => {
    const problems = variables.problems();
    expect(problems.map(({ group, name }) => `${group} ${name}`)).toEqual([
      'address-groups LOOP_A',
      'address-groups LOOP_B',
      'address-groups BROKEN',
    ]);
    expect(Variables.withDefaults().problems()).toEqual([]);
  });

  test("defaults are Suricata's and can be replaced one by one", () => {
    const mine = Variables.withDefaults({
      addressGroups: { HOME_NET: '10.9.0.0/16' },
      portGroups: { HTTP_PORTS: '81' },
    });
    expect(describeAddresses(mine.addresses('$SQL_SERVERS'))).toEqual(['10.9.0.0-10.9.255.255']);
    expect(mine.ports('$FILE_DATA_PORTS').ranges.map((r) => r.first)).toEqual([81, 110, 143]);
    expect(mine.addresses('$EXTERNAL_NET').any).toBe(false);
  });

  test('variables that double at every level are worked out in no time', () => {
    const addressGroups: Record<string, string> = { V0: '[10.0.0.1,10.0.0.3]' };
    for (let level = 1; level <= 40; level++) {
      addressGroups[`V${level}`] = `[$V${level - 1},$V${level - 1},!10.1.0.${level}]`;
    }
    const doubled = new Variables({ addressGroups });
    expect(describeAddresses(doubled.addresses('$V40'))).toEqual(['10.0.0.1', '10.0.0.3']);
  });
});
