/** Keywords that look at the headers of a packet, over packets as they are on the wire. */

import { writeChecksums } from '@portcullis/wire';
import { compileText, Harness } from '../../testing/harness';

const ADDRESSES = [10, 0, 0, 1, 10, 0, 0, 2];

interface Ipv4Fields {
  readonly protocol: number;
  readonly options?: readonly number[];
  readonly fragment?: number;
  readonly ttl?: number;
  readonly tos?: number;
  readonly transport: readonly number[];
}

function ipv4({
  protocol,
  options = [],
  fragment = 0,
  ttl = 64,
  tos = 0,
  transport,
}: Ipv4Fields): Uint8Array {
  const headerLength = 20 + options.length;
  const length = headerLength + transport.length;
  const header = [0x40 | (headerLength / 4), tos, length >> 8, length & 255, 0x12, 0x34];
  header.push(fragment >> 8, fragment & 255, ttl, protocol, 0, 0, ...ADDRESSES, ...options);
  return Uint8Array.from([...header, ...transport]);
}

function tcp(flags: number, options: readonly number[] = [], payload: readonly number[] = []): number[] {
  const offset = (20 + options.length) / 4;
  return [
    0x9c,
    0x40,
    0,
    80,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    2,
    offset << 4,
    flags,
    0x20,
    0,
    0,
    0,
    0,
    0,
    ...options,
    ...payload,
  ];
}

/** The conditions that match a packet. */
function matching(bytes: Uint8Array, conditions: readonly string[], checksums = true): string[] {
  const rules = conditions.map((condition, i) => `alert ip any any -> any any (${condition}; sid:${i + 1};)`);
  const harness = new Harness(rules.join('\n'));
  const { context } = harness;
  expect(context.packet.decode(bytes, 0, bytes.length)).toBe(0);
  if (checksums) writeChecksums(context.packet);
  context.payloadStart = context.packet.payload;
  context.payloadEnd = context.packet.payloadEnd;
  context.payloadInStream = false;
  context.firstOfDirection = true;
  harness.matcher.begin(context);
  harness.matcher.inspectPacket(context);
  harness.matcher.end(context);
  const fired = Array.from(
    harness.matcher.matches.subarray(0, harness.matcher.matchCount),
    (number) => harness.matcher.rule(number).sid,
  );
  return conditions.filter((_, i) => fired.includes(i + 1));
}

function check(
  bytes: Uint8Array,
  matches: readonly string[],
  others: readonly string[],
  checksums = true,
): void {
  expect(matching(bytes, [...matches, ...others], checksums)).toEqual(matches);
}

test('TCP', () => {
  const options = [2, 4, 0x05, 0xb4, 3, 3, 7, 0];
  check(
    ipv4({ protocol: 6, transport: tcp(0x12, options) }),
    [
      'flags:SA',
      'tcp.flags:S+',
      'flags:*SR',
      'flags:!F',
      'flags:S,A',
      'seq:1',
      'tcp.ack:2',
      'window:8192',
      'tcp.mss:1460',
      'tcp.mss:1000-2000',
      'tcp.wscale:7',
      'tcp.hdr; content:"|05 b4|"; offset:22; depth:2',
      'tcp.hdr; bsize:28',
      'tcp.hdr; content:"|05 b4|"; offset:22; depth:2; tcp.hdr; content:"|07|"; distance:2; within:1',
      'tcpv4-csum:valid',
      'ipv4-csum:valid',
      'dsize:0',
    ],
    [
      'flags:S',
      'flags:!SA',
      'tcp.mss:>1460',
      'tcp.wscale:<7',
      'tcp.hdr; content:"|05 b4|"; offset:22; depth:2; tcp.hdr; content:"|07|"; within:1',
      'udp.hdr; bsize:8',
      'tcpv4-csum:invalid',
      'window:!8192',
    ],
  );
  check(
    ipv4({ protocol: 6, transport: tcp(0x02) }),
    ['flags:S', 'tcpv4-csum:invalid', 'ipv4-csum:"invalid"'],
    ['tcp.mss:>0', 'tcp.wscale:>0'],
    false,
  );
});

test('IPv4', () => {
  check(
    ipv4({
      protocol: 17,
      options: [7, 4, 0, 0, 148, 4, 0, 0],
      fragment: 0x4000,
      ttl: 1,
      tos: 0x10,
      transport: [0, 53, 0, 53, 0, 8, 0, 0],
    }),
    [
      'ttl:1',
      'ttl:<2',
      'tos:16',
      'tos:x10',
      'tos:!8',
      'id:4660',
      'fragbits:D',
      'fragbits:+D',
      'fragbits:!M',
      'fragoffset:0',
      'ipopts:rr',
      'ipopts:rtralt',
      'ipopts:any',
      'ip_proto:udp',
      'ip_proto:!tcp',
      'ip_proto:>6',
      'ip.src; content:"|0a 00 00 01|"; bsize:4',
      'ip.dst; content:"|0a 00 00 02|"',
      'ipv4.hdr; bsize:28; content:"|47|"; startswith',
      'udp.hdr; content:"|00 35|"; startswith',
    ],
    ['ttl:>1', 'ipopts:lsrr', 'fragbits:M', 'sameip', 'ip_proto:gre', 'ipv6.hdr; bsize:>0', 'igmp.type:1'],
  );
});

test('fragments', () => {
  check(
    ipv4({ protocol: 17, fragment: 0xa00a, transport: [1, 2, 3, 4] }),
    ['fragbits:MR', 'fragbits:*M', 'fragoffset:10', 'flow:only_frag', 'fragoffset:>5'],
    ['fragbits:M', 'flow:no_frag', 'udp.hdr; bsize:>0'],
  );
});

test('ICMP', () => {
  check(
    ipv4({ protocol: 1, transport: [8, 0, 0, 0, 0x12, 0x34, 0, 9, 65] }),
    [
      'itype:8',
      'itype:7<>20',
      'itype:!= 0',
      'icode:0',
      'icmp_id:4660',
      'icmp_id:"4660"',
      'icmp_seq:9',
      'icmpv4.hdr; bsize:8; content:"|08|"; startswith',
      'icmpv4-csum:valid',
    ],
    ['itype:<8', 'icmp_seq:8', 'icmpv6.mtu:>0', 'icmpv6.hdr; bsize:>0'],
  );
});

test('IPv6', () => {
  const address = (last: number) => [0xfe, 0x80, ...new Array<number>(13).fill(0), last];
  const packet = Uint8Array.from([
    0x60,
    0,
    0,
    0,
    0,
    8,
    58,
    64,
    ...address(1),
    ...address(2),
    2,
    0,
    0,
    0,
    0,
    0,
    5,
    0,
  ]);
  check(
    packet,
    [
      'ipv6.hdr; bsize:40',
      'ip.src; content:"|fe 80|"; startswith; bsize:16',
      'icmpv6.mtu:1280',
      'icmpv6.mtu:<1500',
      'icmpv6.hdr; content:"|02|"; startswith',
      'ttl:64',
      'icmpv6-csum:valid',
    ],
    ['ipv4.hdr; bsize:>0', 'id:0', 'tos:0', 'fragbits:!M'],
  );
});

test('tunnels', () => {
  const header = [0x12, 0xb5, 0x12, 0xb5, 0, 16, 0, 0, 8, 0, 0, 0, 0, 0, 10, 0];
  check(ipv4({ protocol: 17, transport: header }), ['vxlan_vni:10', 'vxlan_vni:<11'], ['vxlan_vni:!10']);
});

test('IGMP has no payload', () => {
  check(
    ipv4({ protocol: 2, transport: [0x16, 0, 0, 0, 224, 0, 0, 1] }),
    ['igmp.type:0x16', 'dsize:0', 'igmp.hdr; bsize:8'],
    ['dsize:>0'],
  );
});

test('the network layer', () => {
  check(ipv4({ protocol: 17, transport: [0, 53, 0, 99, 0, 8, 0, 0] }), ['l3_proto:ipv4'], ['l3_proto:ip6']);
});

test('SCTP', () => {
  const chunk = (type: number, value: readonly number[]) => {
    const length = value.length + 4;
    return [type, 0, length >> 8, length & 255, ...value, ...new Array<number>(-length & 3).fill(0)];
  };
  const data = (text: string) => chunk(0, [...new Array<number>(12).fill(7), ...Buffer.from(text)]);
  const header = [0x0b, 0x59, 0x0b, 0x5a, 0, 0, 1, 0, 0, 0, 0, 0];
  check(
    ipv4({ protocol: 132, transport: [...header, ...chunk(3, [1, 2]), ...data('first'), ...data('next')] }),
    [
      'sctp.vtag:256',
      'sctp.chunk_cnt:3',
      'sctp.chunk_type:sack',
      'sctp.chunk_type:!data',
      'sctp.chunk_type:0',
      'sctp.hdr; content:"|0b 59 0b 5a|"; startswith',
      'sctp.chunk_data; content:"first"; startswith; endswith',
      'sctp.chunk_data; content:"next"; startswith; endswith',
    ],
    ['sctp.chunk_type:init', 'sctp.chunk_cnt:>3', 'sctp.chunk_data; content:"firstnext"'],
  );
  // The length of the second chunk is a lie: nothing behind it is a chunk.
  check(
    ipv4({ protocol: 132, transport: [...header, ...chunk(1, []), 2, 0, 0xff, 0xff, 3, 0, 0, 4] }),
    ['sctp.chunk_cnt:1', 'sctp.chunk_type:init'],
    ['sctp.chunk_type:2', 'sctp.chunk_type:3', 'sctp.chunk_data; bsize:>0'],
  );
  check(
    ipv4({ protocol: 6, transport: tcp(2) }),
    [],
    ['sctp.vtag:>0', 'sctp.chunk_cnt:0', 'sctp.hdr; bsize:>0'],
  );
});

describe('VLAN', () => {
  const RULES = [
    'vlan.id:300',
    'vlan.id:300,0',
    'vlan.id:300,-1',
    'vlan.id:>100,all',
    'vlan.id:>100,any',
    'vlan.layers:0',
    'vlan.layers:2',
  ];

  test.each([
    [[], ['vlan.layers:0']],
    [[300], ['vlan.id:300', 'vlan.id:300,0', 'vlan.id:300,-1', 'vlan.id:>100,all', 'vlan.id:>100,any']],
    [
      [300, 7],
      ['vlan.id:300', 'vlan.id:300,0', 'vlan.id:>100,any', 'vlan.layers:2'],
    ],
    [
      [7, 300],
      ['vlan.id:300', 'vlan.id:300,-1', 'vlan.id:>100,any', 'vlan.layers:2'],
    ],
  ])('tags %j', (tags, expected) => {
    const rules = RULES.map((condition, i) => `alert ip any any -> any any (${condition}; sid:${i + 1};)`);
    const harness = new Harness(rules.join('\n'));
    const tagged = tags.flatMap((id) => [0x81, 0, 0x20 | (id >> 8), id & 255]);
    harness.context.linkBytes = Uint8Array.from([...new Array<number>(12).fill(2), ...tagged, 8, 0]);
    harness.context.linkStart = 0;
    harness.context.linkEnd = harness.context.linkBytes.length;
    expect(harness.packet().map((sid) => RULES[sid - 1])).toEqual(expected);
  });
});

test('what a flow has carried', () => {
  const harness = new Harness(
    [
      'alert tcp any any -> any any (flow.pkts:toserver,>2; sid:1;)',
      'alert tcp any any -> any any (flow.pkts:either,=7; sid:2;)',
      'alert tcp any any -> any any (flow.bytes_toclient:>1kb; sid:3;)',
      'alert tcp any any -> any any (flow.age:>20; sid:4;)',
      'alert tcp any any -> any any (flow.pkts_toserver:<3; sid:5;)',
      'alert tcp any any -> any any (flow.pkts:both,>2; sid:6;)',
    ].join('\n'),
  );
  const { context } = harness;
  context.flowPackets[0] = 2;
  context.flowPackets[1] = 7;
  context.flowBytes[1] = 1025;
  context.flowStartMicros = context.timeMicros - 21e6;
  expect(harness.packet()).toEqual([2, 3, 4, 5]);
  context.flowPackets[0] = 3;
  context.flowStartMicros = context.timeMicros - 20e6;
  expect(harness.packet()).toEqual([1, 2, 3, 6]);
  context.hasFlow = false;
  context.flowStartMicros = -1;
  expect(harness.packet()).toEqual([]);
});

test.each([
  ['flags:XYZ', /not a combination of flags/],
  ['tcp.mss:65536', /larger than 65535/],
  ['tos:y', /not a number/],
  ['ipopts:none', /no IP option/],
  ['fragbits:X', /combination of M, D and R/],
  ['ip_proto:nothing', /is no protocol/],
  ['vlan.id:5000', /larger than 4095/],
  ['vlan.id:1,4', /is no layer/],
  ['vlan.id:1,2,3', /takes a number and a layer/],
  ['sctp.chunk_type:nothing', /is no chunk type/],
  ['l3_proto:tcp', /is not ipv4 or ipv6/],
  ['flow.pkts:10', /takes a side/],
  ['flow.pkts:sideways,10', /not toserver/],
  ['flow:no_frag,only_frag', /says twice/],
  ['tcpv4-csum:maybe', /valid/],
  ['ip.src:1.2.3.4', /takes no value/],
  ['sameip:yes', /takes no value/],
])('%s is refused', (option, message) => {
  const { failed } = compileText(`alert ip any any -> any any (${option}; sid:1;)`);
  expect(failed.map(({ error }) => error.message)).toEqual([expect.stringMatching(message)]);
});
