/** Hostile packets through the whole inspector with the built-in rules: it never throws, and holds nothing at the end. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MemoryPacket, MemorySource, PacketInfo, Verdict } from '@portcullis/capture';
import { Matcher, NameTable } from '@portcullis/matcher';
import { createProtocols } from '@portcullis/protocols';
import {
  buildIcmp,
  buildIp,
  fragmentPacket,
  SeededRandom,
  TcpConversation,
  UdpConversation,
} from '@portcullis/testkit';
import { ruleSource } from '../testing/inspection';
import type { Detection } from './detection';
import { InspectCounter } from './inspect-counters';
import { Inspector } from './inspector';
import type { InspectorOptions } from './inspector-options';
import { loadRulesNow } from './rule-loading';
import type { LoadedRules } from './rule-opening';

const rulesDirectory = join(__dirname, '..', '..', '..', 'rules');
const ROUNDS = process.env.PORTCULLIS_LONG ? 60 : 35;

const protocols = createProtocols();
let loaded: LoadedRules;
beforeAll(async () => {
  const files = readdirSync(rulesDirectory)
    .filter((name) => name.endsWith('.rules'))
    .map((path) => ({ path, text: readFileSync(join(rulesDirectory, path), 'utf8') }));
  loaded = await loadRulesNow({ ...ruleSource(''), files }, protocols, new NameTable());
}, 60_000);

const TOKENS = [
  'GET ',
  'POST ',
  '/../../etc/passwd',
  ' HTTP/1.1\r\n',
  'Host: a\r\n',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  '\r\n',
  '\r\n\r\n',
  '5\r\nhello\r\n0\r\n\r\n',
  '\x24{jndi:ldap://x/a}',
  "' or 1=1 -- ",
  '<?php',
  'HTTP/1.1 200 OK\r\n',
  'Content-Encoding: gzip\r\n',
  '\xffSMB',
  '\xfeSMB',
  'SSH-2.0-x\r\n',
  'EHLO x\r\n',
  '*3\r\n$3\r\nSET\r\n',
  '\x16\x03\x01',
  'USER root\r\n',
  '%c0%ae%c0%ae/',
];

function text(random: SeededRandom): string {
  let made = '';
  for (let part = random.below(8); part >= 0; part--)
    made += random.chance(0.7)
      ? random.pick(TOKENS)
      : Buffer.from(random.bytes(random.below(60))).toString('latin1');
  return made;
}

/** One exchange that a parser follows for a while. */
function conversation(random: SeededRandom): readonly MemoryPacket[] {
  const ipv6 = random.chance(0.3);
  const endpoints = {
    client: ipv6 ? '2001:db8::1' : '192.0.2.1',
    server: ipv6 ? '2001:db8::2' : '192.0.2.2',
    clientPort: random.between(1000, 1020),
    serverPort: random.pick([80, 445, 22, 53, 6379]),
    clientSequence: random.chance(0.2) ? 0xffff_fff0 : random.next(),
    serverSequence: random.next(),
    mss: random.pick([100, 536, 1460, 9000]),
  };
  const kind = random.below(10);
  if (kind === 0) return new UdpConversation(endpoints).client(text(random)).server(text(random)).packets;
  const address = { source: endpoints.client, destination: endpoints.server };
  if (kind === 1)
    return [
      {
        bytes: buildIcmp({
          ...address,
          type: random.below(256),
          code: random.below(256),
          payload: text(random),
        }),
      },
    ];
  if (kind === 2)
    return [
      {
        bytes: buildIp({ ...address, protocol: random.below(256), payload: random.bytes(random.below(100)) }),
      },
    ];
  const tcp = new TcpConversation(endpoints);
  if (random.chance(0.9)) tcp.handshake();
  for (let turn = random.below(5); turn >= 0; turn--) {
    const segments = Array.from({ length: random.below(6) }, () => 1 + random.below(300));
    tcp.send(random.chance(0.7) ? 'client' : 'server', text(random), { segments });
    if (random.chance(0.1))
      tcp.segment('client', {
        offset: random.below(2000),
        payload: text(random),
        flags: random.below(256),
        urgentPointer: random.below(5),
      });
  }
  const end = random.below(4);
  if (end === 0) tcp.close();
  if (end === 1) tcp.reset(random.pick(['client', 'server']));
  return random.chance(0.05)
    ? tcp.packets.flatMap(({ bytes }) => fragmentPacket(bytes, 64).map((fragment) => ({ bytes: fragment })))
    : tcp.packets;
}

function mutated(packet: MemoryPacket, random: SeededRandom): MemoryPacket {
  let bytes = Uint8Array.from(packet.bytes);
  if (random.chance(0.15))
    for (let count = 1 + random.below(4); count > 0; count--)
      if (bytes.length > 0)
        bytes[random.below(random.chance() ? bytes.length : Math.min(60, bytes.length))] = random.next();
  if (random.chance(0.05)) bytes = bytes.subarray(0, random.below(bytes.length + 1));
  const wireLength = random.chance(0.05) ? bytes.length + random.below(3000) : bytes.length;
  return {
    bytes,
    wireLength,
    time: random.chance(0.02) ? random.next() : (packet.time ?? 1e15) + random.below(2_000_000),
    info: random.chance(0.1) ? random.pick(Object.values(PacketInfo)) : 0,
    mark: random.next(),
    hardware: random.bytes(random.below(9)),
  };
}

function traffic(random: SeededRandom): MemoryPacket[] {
  const packets: MemoryPacket[] = [];
  for (let count = 6; count > 0; count--) {
    const own = conversation(random).map((packet) => mutated(packet, random));
    // Beside each other, some lost, some twice, some out of place.
    for (const packet of own) {
      if (random.chance(0.04)) continue;
      packets.splice(random.chance(0.85) ? packets.length : random.below(packets.length + 1), 0, packet);
      if (random.chance(0.04)) packets.push(packet);
    }
  }
  return packets;
}

test.each([
  [
    'inline',
    { inline: true, decodePolicy: 'closed', offload: { mask: 0xf0, mark: 0x30 }, holdBlockedMicros: 0 },
  ],
  ['watching', { inline: false, decodePolicy: 'open', offload: null, holdBlockedMicros: 1000 }],
] as const)(
  '%s',
  (_, options) => {
    SeededRandom.run((random) => {
      const matcher = new Matcher(loaded.ruleset);
      const detections: Detection[] = [];
      const settings: InspectorOptions = {
        ...options,
        matcher,
        protocols,
        stream: {
          maxFlows: 40,
          memcap: 256 * 1024,
          memcapPerDirection: 64 * 1024,
          depth: 3000,
          midstream: true,
          asyncOneside: true,
        },
        verifyChecksum: () => random.chance(0.9),
        onDetection: (detection) => detections.push(detection),
        sender: { send: () => {} },
      };
      const inspector = new Inspector(settings);
      for (let round = 0; round < ROUNDS; round++) {
        const packets = traffic(random);
        const source = new MemorySource(packets, { batchSize: 1 + random.below(32) });
        while (source.receive(0) >= 0) {
          inspector.inspectBatch(source.batch, 1e15);
          source.finalize();
          if (random.chance(0.1)) inspector.idle(1e15 + random.below(5e9));
        }
        expect(source.verdicts).toHaveLength(packets.length);
        for (const { verdict } of source.verdicts) {
          const known = (verdict & 0xf) === Verdict.DROP || (verdict & 0xf) === Verdict.ACCEPT;
          if (!known || (!options.inline && verdict !== Verdict.ACCEPT))
            throw new Error(`verdict ${verdict}`);
        }
        if (random.chance(0.2)) {
          inspector.close();
          expect(inspector.flowCount).toBe(0);
          expect(inspector.heldBytes).toBe(0);
          expect(inspector.reassembler.heldDirections).toBe(0);
        }
      }
      const { counters } = inspector;
      expect(counters[InspectCounter.ACCEPTED]! + counters[InspectCounter.DROPPED]!).toBe(
        counters[InspectCounter.PACKETS],
      );
      inspector.close();
      expect(inspector.flowCount).toBe(0);
      expect(inspector.heldBytes).toBe(0);
      // The traffic is of the kind that rules are about, or this says nothing.
      expect(counters[InspectCounter.PACKETS]).toBeGreaterThan(1000);
      matcher.close();
    });
  },
  60_000,
);
