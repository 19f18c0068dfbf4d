import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemorySource } from '@portcullis/capture';
import {
  type ConversationPacket,
  DEFAULT_CLIENT,
  DEFAULT_CLIENT_IPV6,
  DEFAULT_SERVER_IPV6,
  PcapWriter,
  TcpConversation,
  UdpConversation,
} from '@portcullis/testkit';
import { AddressTableBuilder, EntryFlag, WebAddress } from '@portcullis/web-addresses';
import { ruleSource } from '../testing/inspection';
import type { Detection } from './detection';
import { DEFAULT_DETECTION_POLICY } from './detection-policy';
import { Replay, type ReplayOptions } from './replay';

const RULES = [
  'drop http any any -> any any (msg:"evil"; flow:established,to_server; http.uri; content:"/evil"; sid:1;)',
  'alert udp any any -> any 53 (content:"one"; flowbits:set,one; flowbits:noalert; sid:2;)',
  'alert udp any any -> any 53 (content:"two"; flowbits:isset,one; sid:3;)',
  'alert udp any any -> any 53 (content:"tick"; threshold:type limit, track by_src, count 1, seconds 60; sid:4;)',
].join('\n');

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'replay-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const load = (options: Partial<ReplayOptions> = {}) =>
  Replay.load({
    rules: ruleSource(RULES),
    stream: { maxFlows: 1024, memcap: 4 << 20 },
    inline: false,
    decodePolicy: 'open',
    ...options,
  });
const attack = () =>
  new TcpConversation()
    .handshake()
    .client('GET /evil HTTP/1.1\r\nHost: a\r\n\r\n')
    .server('HTTP/1.1 204 No\r\n\r\n')
    .close().packets;

const pcap = (packets: readonly ConversationPacket[]) => new PcapWriter().addAll(packets).toBuffer();

function capture(name: string, packets: readonly ConversationPacket[]): string {
  const path = join(directory, name);
  writeFileSync(path, pcap(packets));
  return path;
}

test('a protocol that is not looked for is not looked for where it is usual either', async () => {
  const question = Buffer.from('000101000001000000000000046576696c0000010001', 'hex');
  const { packets } = new UdpConversation({ serverPort: 5060 }).client(question).client(question);
  const replay = await load({ disabledProtocols: ['sip'] });
  expect(replay.file(capture('dns.pcap', packets), () => {})).toMatchObject({ packets: 2 });
});

test('reads captures one after another with one set of rules, each as if it were the first', async () => {
  const replay = await load();
  expect(replay.rules).toMatchObject({ loaded: 4, failed: [] });
  const halves = [
    new UdpConversation().client('one').packets,
    new UdpConversation({ startTime: 1e15 }).client('two').packets,
  ];
  const files = [
    capture('a.pcap', attack()),
    capture('b.pcap', halves[0] ?? []),
    capture('c.pcap', halves[1] ?? []),
    capture(
      'd.pcap',
      new UdpConversation().client('one').client('two').client('tick').client('tick').packets,
    ),
    capture('e.pcap', new UdpConversation().client('tick').packets),
    capture('f.pcap', attack()),
  ];
  const told = files.map((path) => {
    const detections: Detection[] = [];
    const result = replay.file(path, (detection) => detections.push(detection));
    expect(result.error).toBeNull();
    expect(result.alerts).toBe(detections.length);
    return detections.map(({ rule, frame }) => [rule.sid, frame]);
  });
  expect(told).toEqual([
    [[1, 4]],
    [],
    [],
    [
      [3, 2],
      [4, 3],
    ],
    [[4, 1]],
    [[1, 4]],
  ]);
});

test('drops nothing by itself; inline it says what a gateway would have dropped', async () => {
  const packets = attack();
  const bytes = packets.reduce((sum, packet) => sum + packet.bytes.length, 0);
  for (const inline of [false, true]) {
    const replay = await load({ inline });
    const detections: Detection[] = [];
    const result = replay.file(capture('a.pcap', packets), (detection) => detections.push(detection));
    expect(result).toMatchObject({
      packets: packets.length,
      bytes,
      dropped: inline ? packets.length - 3 : 0,
      alerts: 1,
    });
    expect(detections).toMatchObject([{ blocked: inline }]);
  }
});

test('a capture that breaks off is read as far as it goes, and the reason told', async () => {
  const replay = await load();
  const whole = pcap(attack());
  const path = join(directory, 'cut.pcap');
  writeFileSync(path, whole.subarray(0, whole.length - 10));
  const detections: Detection[] = [];
  const result = replay.file(path, (detection) => detections.push(detection));
  expect(detections).toHaveLength(1);
  expect(result.packets).toBe(attack().length - 1);
  expect(result.error).toMatch(/cut\.pcap|end|short|cut/i);
});

test.each([
  ['is not there', null, /nothing\.pcap/],
  ['is no capture', 'this is a text file, not a capture', /nothing\.pcap/],
  ['is empty', '', /nothing\.pcap/],
])('a file that %s is an error with its name', async (_, content, message) => {
  const replay = await load();
  const path = join(directory, 'nothing.pcap');
  if (content !== null) writeFileSync(path, content);
  expect(() => replay.file(path, () => {})).toThrow(message);
  expect(replay.file(capture('after.pcap', attack()), () => {})).toMatchObject({ alerts: 1, error: null });
});

test('goes on with the next capture when whoever listens has thrown', async () => {
  const replay = await load();
  // The response has no end yet when the listener throws: its flow is still open.
  const open = new TcpConversation()
    .handshake()
    .client('GET /evil HTTP/1.1\r\nHost: a\r\n\r\n')
    .server('HTTP/1.1 200 OK\r\nServer: x');
  expect(() =>
    replay.source(new MemorySource(open.packets), () => {
      throw new Error('the disk is full');
    }),
  ).toThrow('the disk is full');
  const detections: Detection[] = [];
  expect(replay.source(new MemorySource(attack()), (detection) => detections.push(detection))).toMatchObject({
    alerts: 1,
    packets: attack().length,
  });
  expect(detections).toHaveLength(1);
});

test('rules that cannot be loaded are named with file, line and reason; the others are in force', async () => {
  const replay = await load({
    rules: ruleSource(
      `# comment\n${RULES}\nalert tcp any any -> any any (nosuchoption:1; sid:9;)\n`,
      'mine.rules',
    ),
  });
  expect(replay.rules.loaded).toBe(4);
  expect(replay.rules.failed).toMatchObject([
    { file: 'mine.rules', line: 6, sid: 9, reason: expect.stringContaining('nosuchoption') },
  ]);
});

describe('web addresses', () => {
  const lists = () => {
    const builder = new AddressTableBuilder();
    const list = builder.addList('list');
    const address = new WebAddress();
    for (const [host, category] of [
      ['evil.example', 'malware'],
      ['dull.example', 'dull'],
    ] as const) {
      address.readUrl(Buffer.from(host), 0, host.length);
      builder.add(address, EntryFlag.ITSELF | EntryFlag.SUBDOMAINS, list, builder.categoryNumber(category));
    }
    return builder.finish();
  };
  const asked = (host: string, endpoints = {}) =>
    new TcpConversation(endpoints).handshake().client(`GET /a HTTP/1.1\r\nHost: ${host}\r\n\r\n`).packets;
  const IPV6 = { client: DEFAULT_CLIENT_IPV6, server: DEFAULT_SERVER_IPV6 };
  const policy = {
    ...DEFAULT_DETECTION_POLICY,
    webAddressResponses: { malware: 'block', dull: 'ignore' },
  } as const;
  const found = async (
    packets: readonly ConversationPacket[],
    options: Partial<ReplayOptions> = {},
  ): Promise<{ seen: Detection[]; dropped: number }> => {
    const rules = { ...ruleSource(RULES), policy };
    const replay = await load({ rules, webAddresses: lists(), ...options });
    const seen: Detection[] = [];
    const { dropped, error } = replay.file(capture('w.pcap', packets), (detection) => seen.push(detection));
    expect(error).toBeNull();
    return { seen, dropped };
  };

  test.each([
    ['IPv4', {}],
    ['IPv6', IPV6],
  ])('are told of over %s, and nothing is done about them', async (_, endpoints) => {
    const { seen, dropped } = await found(asked('www.evil.example', endpoints));
    expect(seen).toMatchObject([
      {
        kind: 'web-address',
        blocked: false,
        rejected: false,
        category: 'malware',
        webAddress: {
          entry: 'evil.example',
          host: 'www.evil.example',
          url: 'www.evil.example/a',
          seenIn: 'http.host',
        },
      },
    ]);
    expect(dropped).toBe(0);
  });

  test('of categories that are ignored, and of others than those asked about, nothing is told', async () => {
    expect((await found(asked('dull.example'))).seen).toEqual([]);
    expect((await found(asked('good.example'))).seen).toEqual([]);
    expect((await found(asked('evil.example'), { webAddresses: null })).seen).toEqual([]);
  });

  test('only those that protected networks ask for, where some are named', async () => {
    const within = { protectedNetworks: [`${DEFAULT_CLIENT}/32`] };
    expect((await found(asked('evil.example'), within)).seen).toHaveLength(1);
    expect((await found(asked('evil.example', IPV6), within)).seen).toEqual([]);
  });

  test('are blocked as on a gateway where verdicts are decided', async () => {
    const rules = {
      ...ruleSource(RULES),
      policy: { ...policy, protectedNetworks: [`${DEFAULT_CLIENT}/32`] },
    };
    const { seen, dropped } = await found(asked('evil.example'), { rules, inline: true });
    expect(seen).toMatchObject([{ blocked: true, category: 'malware' }]);
    // And what follows of the connection.
    expect(dropped).toBe(2);
  });
});
