import { MemorySource } from '@portcullis/capture';
import { buildIp, buildUdp, fragmentPacket, SeededRandom, TcpConversation } from '@portcullis/testkit';
import { ruleSource } from '../testing/inspection';
import { alertRecord } from './alert-record';
import type { Detection } from './detection';
import { Replay, type ReplayOptions } from './replay';
import { ruleClasses } from './rule-source';

const RULES = [
  'alert udp any any -> any 53 (content:"needle"; sid:1;)',
  'alert ip any any -> any any (ip_proto:47; sid:2;)',
  'drop http any any -> any any (http.uri; content:"/evil"; sid:3;)',
  'alert pkthdr any any -> any any (decode-event:ipv4.trunc_pkt; sid:4;)',
  'alert pkthdr any any -> any any (decode-event:tcp.pkt_too_small; sid:5;)',
  'alert pkthdr any any -> any any (decode-event:ipv4.frag_overlap; sid:6;)',
  'alert pkthdr any any -> any any (decode-event:gre.wrong_version; sid:7;)',
  'alert udp any any -> any any (content:"needle"; dsize:>40; sid:8;)',
  'alert udp any any -> any 53 (flow:only_frag; content:"needle"; sid:9;)',
  'alert udp any any -> any 54 (flow:no_frag; content:"needle"; sid:10;)',
].join('\n');

const source = ruleSource(RULES);

function load(options: Partial<ReplayOptions> = {}): Promise<Replay> {
  const stream = { maxFlows: 64, memcap: 1 << 20 };
  return Replay.load({ rules: source, stream, inline: false, decodePolicy: 'open', ...options });
}

let usual: Replay;
beforeAll(async () => {
  usual = await load();
  expect(usual.rules.failed).toEqual([]);
});

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

/** What is told of the packets; each call is a capture of its own. */
function alerts(packets: readonly Uint8Array[], replay = usual): Detection[] {
  const found: Detection[] = [];
  const memory = new MemorySource(packets.map((packet, at) => ({ bytes: packet, time: 1e15 + at })));
  const result = replay.source(memory, (detection) => found.push(detection));
  expect(result.packets).toBe(packets.length);
  return found;
}

const sids = (found: readonly Detection[]) => found.map(({ rule }) => rule.sid);

test('what a tunnel carries is inspected as a packet of its own, and not as payload of the outer one', async () => {
  const found = alerts([inVxlan(needle)]);
  expect(found).toMatchObject([{ rule: { sid: 1 }, source: '10.0.0.1', destinationPort: 53 }]);
  expect(sids(alerts([inGre(needle)]))).toEqual([2, 1]);
  expect(sids(alerts([inGre(inVxlan(inGre(needle)))]))).toEqual([2, 2, 1]);
  expect(
    sids(alerts([inVxlan(needle)], await load({ tunnels: { vxlan: [], geneve: [], teredo: [] } }))),
  ).toEqual([8]);
});

test('packets within packets, at most so many', () => {
  let packet = needle;
  for (let depth = 0; depth < 50; depth++) packet = inGre(packet);
  const found = sids(alerts([packet]));
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
  const found = alerts(
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

test('fragments are put together; alone they have no payload', () => {
  const whole = buildUdp({
    ...ends,
    sourcePort: 1000,
    destinationPort: 53,
    payload: `${'x'.repeat(30)}needle${'y'.repeat(30)}`,
  });
  const parts = fragmentPacket(whole, 16);
  expect(parts.length).toBeGreaterThan(3);
  expect(sids(alerts(parts))).toEqual([1, 8, 9]);
  expect(sids(alerts([...parts].reverse()))).toEqual([1, 8, 9]);
  expect(sids(alerts(parts.slice(1)))).toEqual([]);
  expect(sids(alerts([parts[0], parts[0], ...parts.slice(1)]))).toEqual([6, 1, 8, 9]);
  const ofTunnel = fragmentPacket(inGre(whole), 24);
  // Each fragment has the tunnel's protocol number, and so has the whole.
  expect(sids(alerts(ofTunnel))).toEqual([...ofTunnel.map(() => 2), 2, 1, 8]);
  expect(sids(alerts(parts.map(inGre)))).toEqual([...parts.map(() => 2), 1, 8, 9]);
  const other = buildUdp({ ...ends, sourcePort: 1000, destinationPort: 54, payload: 'needle'.padEnd(30) });
  expect(sids(alerts([other]))).toEqual([10]);
  expect(sids(alerts(fragmentPacket(other, 16)))).toEqual([]);
});

test('one capture knows nothing of the fragments of another', () => {
  const parts = fragmentPacket(needle, 16);
  const found: Detection[] = [];
  for (const part of parts)
    usual.source(new MemorySource([{ bytes: part, time: 1e15 }]), (detection) => found.push(detection));
  expect(found).toEqual([]);
});

test('packets that do not decode reach the rules that ask why', () => {
  const cut = needle.subarray(0, 30);
  const tcp = buildIp({ ...ends, protocol: 6, payload: new Uint8Array(10) });
  const gre = buildIp({ ...outer, protocol: 47, payload: bytes(0, 5, 8, 0) });
  const found = alerts([needle, cut, tcp, gre, needle]);
  expect(sids(found)).toEqual([1, 4, 5, 2, 7, 1]);
  const records = found.map((detection) =>
    alertRecord(detection, { classes: ruleClasses(source), mode: 'replay' }),
  );
  // Nothing is said of whom a packet is from that was cut; the one before has nothing to do with it.
  expect(records[1]).not.toHaveProperty('src_ip');
  expect(records[1]).not.toHaveProperty('proto');
  expect(records[2]).toMatchObject({ src_ip: '10.0.0.1', dest_ip: '10.0.0.2', proto: 'TCP' });
});

test('whatever becomes of tunnels and fragments on their way, nothing throws', async () => {
  const replay = await load({ fragments: { memcap: 4096 } });
  const samples = [
    needle,
    inVxlan(needle),
    inGre(inVxlan(needle)),
    inVxlan(inGre(inGre(needle))),
    ...fragmentPacket(inGre(needle), 24),
    ...fragmentPacket(needle, 16).map(inVxlan),
  ];
  SeededRandom.run((random) => {
    const packets = Array.from({ length: 700 }, (_, at) => {
      const packet = Uint8Array.from(random.pick(samples));
      for (let change = random.below(4); change > 0; change--)
        packet[random.below(packet.length)] = random.below(256);
      const cut = random.below(8) === 0 ? random.below(packet.length) + 1 : packet.length;
      return { bytes: packet.subarray(0, cut), time: 1e15 + at * random.below(100_000) };
    });
    const found = new Set<number>();
    const result = replay.source(new MemorySource(packets), ({ rule }) => found.add(rule.sid));
    expect(result.packets).toBe(packets.length);
    for (const sid of [1, 2, 4, 6]) expect(found).toContain(sid);
  });
});
