import { MemorySource } from '@portcullis/capture';
import { buildIp, buildUdp, fragmentPacket, TcpConversation } from '@portcullis/testkit';
import { ruleSource } from '../testing/inspection';
import { alertRecord } from './alert-record';
import type { Detection } from './detection';
import { Replay, type ReplayOptions } from './replay';
import { ruleClasses } from './rule-loading';

const RULES = [
  'alert udp any any -> any 53 (content:"needle"; sid:1;)',
  'alert ip any any -> any any (ip_proto:47; sid:2;)',
  'drop http any any -> any any (http.uri; content:"/evil"; sid:3;)',
  'alert pkthdr any any -> any any (decode-event:ipv4.trunc_pkt; sid:4;)',
  'alert pkthdr any any -> any any (decode-event:tcp.pkt_too_small; sid:5;)',
  'alert pkthdr any any -> any any (decode-event:ipv4.frag_overlap; sid:6;)',
  'alert pkthdr any any -> any any (decode-event:gre.wrong_version; sid:7;)',
  'alert udp any any -> any any (content:"needle"; dsize:>40; sid:8;)',
].join('\n');

const source = ruleSource(RULES);

function load(options: Partial<ReplayOptions> = {}): Promise<Replay> {
  return Replay.load({ rules: source, stream: {}, inline: false, decodePolicy: 'open', ...options });
}

const ends = { source: '10.0.0.1', destination: '10.0.0.2' };
const outer = { source: '192.0.2.1', destination: '192.0.2.2' };
const needle = buildUdp({ ...ends, sourcePort: 1000, destinationPort: 53, payload: 'a needle in here' });

const bytes = (...values: number[]) => Uint8Array.from(values);
const concat = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => Array.from(part)));
const inGre = (packet: Uint8Array) =>
  buildIp({ ...outer, protocol: 47, payload: concat(bytes(0, 0, 8, 0), packet) });
const inVxlan = (packet: Uint8Array) =>
  buildUdp({
    ...outer,
    sourcePort: 5000,
    destinationPort: 4789,
    payload: concat(bytes(8, 0, 0, 0, 0, 0, 1, 0), bytes(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0), packet),
  });

async function alerts(packets: readonly Uint8Array[], options: Partial<ReplayOptions> = {}) {
  const replay = await load(options);
  expect(replay.rules.failed).toEqual([]);
  const found: Detection[] = [];
  const memory = new MemorySource(packets.map((packet, at) => ({ bytes: packet, time: 1e15 + at })));
  const result = replay.source(memory, (detection) => found.push(detection));
  expect(result.packets).toBe(packets.length);
  return found;
}

const sids = (found: readonly Detection[]) => found.map(({ rule }) => rule.sid);

test('what a tunnel carries is inspected as a packet of its own, and not as payload of the outer one', async () => {
  const found = await alerts([inVxlan(needle)]);
  expect(found).toMatchObject([{ rule: { sid: 1 }, source: '10.0.0.1', destinationPort: 53 }]);
  expect(sids(await alerts([inGre(needle)]))).toEqual([2, 1]);
  expect(sids(await alerts([inGre(inVxlan(inGre(needle)))]))).toEqual([2, 2, 1]);
  expect(sids(await alerts([inVxlan(needle)], { tunnels: { vxlan: [], geneve: [], teredo: [] } }))).toEqual([
    8,
  ]);
});

test('packets within packets, at most so many', async () => {
  let packet = needle;
  for (let depth = 0; depth < 50; depth++) packet = inGre(packet);
  const found = sids(await alerts([packet]));
  expect(found.length).toBeGreaterThan(4);
  expect(found.length).toBeLessThan(12);
  expect(new Set(found)).toEqual(new Set([2]));
});

test('a connection within a tunnel is followed', async () => {
  const { packets } = new TcpConversation()
    .handshake()
    .client('GET /ev')
    .client('il HTTP/1.1\r\nHost: a\r\n\r\n')
    .server('HTTP/1.1 204 No\r\n\r\n')
    .close();
  const found = await alerts(
    packets
      .map((packet) => inGre(packet.bytes))
      .reverse()
      .reverse(),
  );
  expect(sids(found).filter((sid) => sid !== 2)).toEqual([3]);
  const replay = await load({ inline: true });
  const memory = new MemorySource(
    packets.map((packet, at) => ({ bytes: inGre(packet.bytes), time: 1e15 + at })),
  );
  const result = replay.source(memory, () => {});
  // The packet that carried the attack is lost with it, and so is the rest of the connection.
  expect(result.dropped).toBeGreaterThan(1);
  expect(result.dropped).toBeLessThan(packets.length);
});

test('fragments are put together; alone they have no payload', async () => {
  const whole = buildUdp({
    ...ends,
    sourcePort: 1000,
    destinationPort: 53,
    payload: `${'x'.repeat(30)}needle${'y'.repeat(30)}`,
  });
  const parts = fragmentPacket(whole, 16);
  expect(parts.length).toBeGreaterThan(3);
  expect(sids(await alerts(parts))).toEqual([1, 8]);
  expect(sids(await alerts([...parts].reverse()))).toEqual([1, 8]);
  expect(sids(await alerts(parts.slice(1)))).toEqual([]);
  expect(sids(await alerts([parts[0], parts[0], ...parts.slice(1)]))).toEqual([6, 1, 8]);
  const ofTunnel = fragmentPacket(inGre(whole), 24);
  // Each fragment has the tunnel's protocol number, and so has the whole.
  expect(sids(await alerts(ofTunnel))).toEqual([...ofTunnel.map(() => 2), 2, 1, 8]);
  expect(sids(await alerts(parts.map(inGre)))).toEqual([...parts.map(() => 2), 1, 8]);
});

test('one capture knows nothing of the fragments of another', async () => {
  const parts = fragmentPacket(needle, 16);
  const replay = await load();
  const found: Detection[] = [];
  for (const part of parts)
    replay.source(new MemorySource([{ bytes: part, time: 1e15 }]), (detection) => found.push(detection));
  expect(found).toEqual([]);
});

test('packets that do not decode reach the rules that ask why', async () => {
  const cut = needle.subarray(0, 30);
  const tcp = buildIp({ ...ends, protocol: 6, payload: new Uint8Array(10) });
  const gre = buildIp({ ...outer, protocol: 47, payload: bytes(0, 5, 8, 0) });
  const found = await alerts([needle, cut, tcp, gre, needle]);
  expect(sids(found)).toEqual([1, 4, 5, 2, 7, 1]);
  const records = found.map((detection) =>
    alertRecord(detection, { classes: ruleClasses(source), mode: 'replay' }),
  );
  // Nothing is said of whom a packet is from that was cut; the one before has nothing to do with it.
  expect(records[1]).not.toHaveProperty('src_ip');
  expect(records[1]).not.toHaveProperty('proto');
  expect(records[2]).toMatchObject({ src_ip: '10.0.0.1', dest_ip: '10.0.0.2', proto: 'TCP' });
});
