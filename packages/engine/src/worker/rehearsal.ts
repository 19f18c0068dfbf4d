import { MemorySource } from '@portcullis/capture';
import { Matcher, NameTable } from '@portcullis/matcher';
import { createProtocols } from '@portcullis/protocols';
import { IpProtocol, TcpFlag } from '@portcullis/wire';
import type { Detection } from '../detection';
import { Inspector } from '../inspector';
import { loadRulesNow } from '../rule-loading';

/** Enough for the code to be compiled and to know what it works with. */
const CONNECTIONS = 16;
const FIRST_PORT = 40_000;
const PORT = 80;
/** Of the documentation (RFC 5737); nothing is sent anywhere. */
const CLIENT = [192, 0, 2, 1];
const SERVER = [198, 51, 100, 1];
const request = (number: number): Buffer =>
  Buffer.from(
    `GET /rehearsal/${number}?n=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: a\r\nAccept: */*\r\n\r\n`,
  );
/** Of each connection its own: a rule is made when it is first a candidate, and the attack's rule will be. */
const rule = (number: number): string =>
  `drop http any any -> any any (msg:"rehearsal"; flow:established,to_server; http.uri; content:"/rehearsal/${number}?"; classtype:web-application-attack; sid:${number + 1}; rev:1;)\n`;
const IPV4_HEADER = 20;
const TCP_HEADER = 20;

/**
 * Inspects a few connections with an attack in each, in memory, as the queue's will be. Code that has never run is first
 * compiled, which would cost the first attack tens of milliseconds until its source is banned.
 *
 * @param report what is to be done with detections
 */
export async function rehearse(report: (detection: Detection) => void): Promise<void> {
  const protocols = createProtocols();
  const numbers = Array.from({ length: CONNECTIONS }, (_, number) => number);
  const { ruleset, policy } = await loadRulesNow(
    {
      files: [{ path: 'rehearsal.rules', text: numbers.map(rule).join('') }],
      classification: null,
      addressGroups: { HOME_NET: 'any', EXTERNAL_NET: 'any' },
      portGroups: {},
      cacheDirectory: null,
    },
    protocols,
    new NameTable(),
  );
  const inspector = new Inspector({
    matcher: new Matcher(ruleset),
    protocols,
    policy,
    stream: { maxFlows: 64, memcap: 1 << 20, memcapPerDirection: 1 << 18 },
    inline: true,
    decodePolicy: 'open',
    offload: null,
    onDetection: report,
    holdBlockedMicros: 1,
  });
  for (const number of numbers) {
    const source = new MemorySource(connection(FIRST_PORT + number, request(number)), { batchSize: 4 });
    while (source.receive(0) >= 0) {
      inspector.inspectBatch(source.batch, number * 1000);
      source.finalize();
    }
    source.close();
  }
  inspector.close();
}

/** Handshake and request. */
function connection(clientPort: number, payload: Uint8Array): Uint8Array[] {
  const nothing = Buffer.alloc(0);
  const { SYN, ACK, PSH } = TcpFlag;
  return [
    segment(clientPort, true, 1000, 0, SYN, nothing),
    segment(clientPort, false, 5000, 1001, SYN | ACK, nothing),
    segment(clientPort, true, 1001, 5001, ACK, nothing),
    segment(clientPort, true, 1001, 5001, ACK | PSH, payload),
  ];
}

/** Without checksums, at which nobody looks here. */
function segment(
  clientPort: number,
  fromClient: boolean,
  sequence: number,
  acknowledgement: number,
  flags: number,
  payload: Uint8Array,
): Uint8Array {
  const bytes = Buffer.alloc(IPV4_HEADER + TCP_HEADER + payload.length);
  bytes[0] = 0x45;
  bytes.writeUInt16BE(bytes.length, 2);
  bytes[8] = 64;
  bytes[9] = IpProtocol.TCP;
  bytes.set(fromClient ? [...CLIENT, ...SERVER] : [...SERVER, ...CLIENT], 12);
  bytes.writeUInt16BE(fromClient ? clientPort : PORT, IPV4_HEADER);
  bytes.writeUInt16BE(fromClient ? PORT : clientPort, IPV4_HEADER + 2);
  bytes.writeUInt32BE(sequence, IPV4_HEADER + 4);
  bytes.writeUInt32BE(acknowledgement, IPV4_HEADER + 8);
  bytes[IPV4_HEADER + 12] = (TCP_HEADER / 4) << 4;
  bytes[IPV4_HEADER + 13] = flags;
  bytes.writeUInt16BE(65_535, IPV4_HEADER + 14);
  bytes.set(payload, IPV4_HEADER + TCP_HEADER);
  return bytes;
}
