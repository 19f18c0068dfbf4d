/** What becomes of requests for listed web addresses, packet by packet. */
import {
  DEFAULT_CLIENT,
  DEFAULT_CLIENT_IPV6,
  DEFAULT_SERVER_IPV6,
  TcpConversation,
} from '@portcullis/testkit';
import { AddressTableBuilder, EntryFlag, WebAddress } from '@portcullis/web-addresses';
import { PacketView, TcpFlag, verifyTransportChecksum } from '@portcullis/wire';
import { Inspection } from '../testing/inspection';
import { pageResponse } from './block-page';
import { DEFAULT_DETECTION_POLICY, DetectionPolicy, type DetectionPolicySettings } from './detection-policy';

const RULE = 'alert tcp any any -> any 9 (msg:"none"; content:"none"; sid:1;)';
const SHAKE = 3;
const request = (host: string, method = 'GET') => `${method} / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

/** Hosts by category. */
function table(hosts: Readonly<Record<string, string>>) {
  const builder = new AddressTableBuilder();
  const list = builder.addList('list');
  const address = new WebAddress();
  for (const [category, host] of Object.entries(hosts)) {
    address.readUrl(Buffer.from(host), 0, host.length);
    builder.add(address, EntryFlag.ITSELF | EntryFlag.SUBDOMAINS, list, builder.categoryNumber(category));
  }
  return builder.finish();
}

function inspection(
  settings: Partial<DetectionPolicySettings> = {},
  protectedNetworks = [`${DEFAULT_CLIENT}/32`],
) {
  const policy = new DetectionPolicy(
    { ...DEFAULT_DETECTION_POLICY, blockPage: '<b>{host}</b> {category}', protectedNetworks, ...settings },
    8,
  );
  return Inspection.of(RULE, {
    policy,
    webAddresses: table({ malware: 'evil.example', games: 'games.example' }),
  });
}

function sent({ sent: packets }: Inspection) {
  return packets.map((bytes) => {
    const view = new PacketView();
    expect(view.decode(bytes, 0, bytes.length)).toBe(0);
    expect(verifyTransportChecksum(view)).toBe(true);
    return {
      to: view.destinationPort,
      flags: view.tcpFlags,
      sequence: view.sequence,
      acknowledgment: view.acknowledgment,
      text: Buffer.from(bytes.subarray(view.payload, view.payloadEnd)).toString(),
    };
  });
}

const { ACK, FIN, PSH, RST } = TcpFlag;
const CLIENT = 1_000_001;
const SERVER = 5_000_001;

test.each([4, 6] as const)(
  'IPv%d: the client gets a page, the server a reset, each where it waits',
  async (version) => {
    const endpoints = version === 6 ? { client: DEFAULT_CLIENT_IPV6, server: DEFAULT_SERVER_IPV6 } : {};
    const text = request('www.evil.example');
    const { packets } = new TcpConversation(endpoints)
      .handshake()
      .client(text, { segments: [20], acknowledge: false });
    const inspected = await inspection({}, ['0.0.0.0/0', '::/0']);
    expect(inspected.passed(packets)).toEqual([true, true, true, true, false]);
    const [page, reset, ...more] = sent(inspected);
    expect(more).toEqual([]);
    expect(page).toMatchObject({
      to: 40_000,
      flags: PSH | ACK | FIN,
      sequence: SERVER,
      acknowledgment: CLIENT + text.length,
    });
    expect(page?.text).toMatch(
      /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*\r\n\r\n<b>www\.evil\.example<\/b> malware$/,
    );
    expect(reset).toMatchObject({ to: 80, flags: RST | ACK, sequence: CLIENT + 20 });
    expect(inspected.detections).toMatchObject([
      { kind: 'web-address', category: 'malware', blocked: true, rejected: true, protectedEnd: 'source' },
    ]);
  },
);

test('a page that was lost comes again, a few times; what the client sends afterwards gets a reset', async () => {
  const text = request('evil.example');
  const conversation = new TcpConversation().handshake();
  const again = Array.from({ length: 6 }, () => 0);
  conversation.client(text, { retransmit: again, acknowledge: false });
  const inspected = await inspection();
  inspected.run(conversation.packets);
  const pages = sent(inspected).filter((each) => each.text !== '');
  expect(pages.length).toBeGreaterThan(1);
  expect(pages.length).toBeLessThanOrEqual(4);
  const received = SERVER + (pages[0]?.text.length ?? 0) + 1;
  inspected.sent.length = 0;
  const state = { sequence: CLIENT + text.length, acknowledgment: received };
  const last = conversation.packets.length;
  conversation.segment('client', { ...state, flags: ACK }).segment('client', { ...state, flags: ACK | FIN });
  expect(inspected.passed(conversation.packets.slice(last))).toEqual([false, false]);
  expect(sent(inspected)).toMatchObject([{ to: 40_000, flags: RST, sequence: received }]);
  expect(inspected.detections).toHaveLength(1);
});

test('in the middle of an earlier answer, and without a page, there are resets', async () => {
  const conversation = new TcpConversation().handshake().client(request('fine.example'));
  conversation.server('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf', { acknowledge: false });
  conversation.segment('client', {
    payload: Buffer.from(request('evil.example')),
    flags: PSH | ACK,
    acknowledgment: SERVER,
  });
  const early = await inspection();
  early.run(conversation.packets);
  expect(early.detections).toHaveLength(1);
  expect(sent(early).map(({ flags, to }) => [to, flags])).toEqual([
    [80, RST | ACK],
    [40_000, RST | ACK],
  ]);

  const plain = await inspection({ blockPage: null });
  plain.run(new TcpConversation().handshake().client(request('evil.example')).packets);
  expect(sent(plain).map(({ flags }) => flags)).toEqual([RST | ACK, RST | ACK]);
});

test.each([
  ['somebody else', {}, ['192.0.2.9/32'], 0],
  [
    'what is only told',
    { responses: { ...DEFAULT_DETECTION_POLICY.responses, 'web-address': 'notify' } },
    undefined,
    1,
  ],
  ['an exempt connection', { exemptions: [{ scan: true }] }, undefined, 1],
  ['an ignored category', { webAddressResponses: { malware: 'ignore' } }, undefined, 0],
] as const)('%s passes', async (_, settings, networks, told) => {
  const { packets } = new TcpConversation()
    .handshake()
    .client(request('evil.example'))
    .server('HTTP/1.1 204 No\r\n\r\n')
    .close();
  const inspected = await inspection(settings, networks === undefined ? undefined : [...networks]);
  expect(inspected.passed(packets).every(Boolean)).toBe(true);
  expect(inspected.sent).toEqual([]);
  expect(inspected.detections).toHaveLength(told);
  for (const { blocked } of inspected.detections) expect(blocked).toBe(false);
});

test('one that is to be blocked does not hide behind many in the same packet that are only told of', async () => {
  const { packets } = new TcpConversation()
    .handshake()
    .client(request('games.example').repeat(20) + request('evil.example'), { acknowledge: false });
  const inspected = await inspection({ webAddressResponses: { games: 'notify' } });
  expect(inspected.passed(packets).at(-1)).toBe(false);
  expect(inspected.detections.at(-1)).toMatchObject({ category: 'malware', blocked: true });
});

test('each request of a connection is looked at once', async () => {
  const conversation = new TcpConversation().handshake();
  for (const host of ['a.example', 'b.example', 'evil.example']) {
    conversation.client(request(host));
    conversation.server('HTTP/1.1 204 No\r\n\r\n');
  }
  const notify = { responses: { ...DEFAULT_DETECTION_POLICY.responses, 'web-address': 'notify' } } as const;
  const inspected = await inspection(notify);
  inspected.run(conversation.packets);
  expect(inspected.detections).toMatchObject([
    { txId: 2, webAddress: { host: 'evil.example', seenIn: 'http.host' } },
  ]);
  expect(conversation.packets.length).toBeGreaterThan(SHAKE);
});

test('a page fits one segment, whatever it is made of, and nothing in it is markup', () => {
  const about = { host: '<script>'.repeat(100), category: '"&' };
  const page = Buffer.from(pageResponse(`{host}{category}${'x'.repeat(5000)}`, about, true));
  expect(page.length).toBeLessThanOrEqual(1208);
  expect(page.toString()).not.toContain('<script>');
  expect(page.toString()).toContain('&#34;&#38;');
  const [head, body] = page.toString('latin1').split('\r\n\r\n') as [string, string];
  expect(head).toContain(`Content-Length: ${body.length}`);
});
