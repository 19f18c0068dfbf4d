/** What a capture consists of, and whether a gateway sees all of it as the capture has it. */
import { CaptureFileSource } from '@portcullis/capture';
import {
  formatAddress,
  Ipv4,
  Ipv6,
  IpProtocol,
  LinkStatus,
  type PacketView,
  PacketView as View,
  verifyTransportChecksum,
} from '@portcullis/wire';

/** Captures with more packets than this would take the test's time for the same few flows. */
export const MOST_PACKETS = 150;
/** The longest packet of an Ethernet. */
const LONGEST_PACKET = 1500;
/** Those that the firewall queues. */
const QUEUED_PROTOCOLS: ReadonlySet<number> = new Set([
  IpProtocol.TCP,
  IpProtocol.UDP,
  IpProtocol.ICMP,
  IpProtocol.ICMPV6,
]);

export interface Survey {
  readonly packets: number;
  /** Why a gateway would not see these packets as they are; null when it would. */
  readonly objection: string | null;
  /** Address and port of both sides, smaller first, with the protocol: one for each flow. */
  readonly flows: ReadonlySet<string>;
  readonly addresses: ReadonlySet<string>;
}

/** Looks at all packets of a capture. What cannot be read is an objection too. */
export function surveyCapture(file: string): Survey {
  const flows = new Set<string>();
  const addresses = new Set<string>();
  const view = new View();
  let packets = 0;
  let objection: string | null = null;
  let source: CaptureFileSource;
  try {
    source = new CaptureFileSource(file);
  } catch {
    return { packets, objection: 'not readable', flows, addresses };
  }
  try {
    const { batch } = source;
    while (objection === null && source.receive(0) >= 0) {
      for (let place = 0; place < batch.count && objection === null; place++) {
        const start = batch.offset[place];
        const status = view.decode(batch.bytes, start, start + batch.length[place]);
        packets++;
        objection = status === 0 ? objectionTo(view) : 'undecodable packets';
        if (packets > MOST_PACKETS) objection = `more than ${MOST_PACKETS} packets`;
        if (objection !== null) break;
        const from = formatAddress(view.source);
        const to = formatAddress(view.destination);
        addresses.add(from).add(to);
        const ends = [`${from} ${view.sourcePort}`, `${to} ${view.destinationPort}`].sort();
        flows.add(`${view.protocol} ${ends.join(' ')}`);
      }
      source.finalize();
    }
    if (objection === null && source.error !== null) objection = 'damaged file';
    if (objection === null && source.skipped[LinkStatus.UNSUPPORTED_LINK_TYPE] > 0)
      objection = 'link type not supported';
    if (objection === null && packets === 0) objection = 'no IP packets';
  } finally {
    source.close();
  }
  return { packets, objection, flows, addresses };
}

function objectionTo(view: PacketView): string | null {
  if (view.truncated) return 'packets cut by the capture';
  if (view.moreFragments || view.fragmentOffset > 0) return 'fragments, which the kernel puts together';
  if (view.totalLength > LONGEST_PACKET) return `packets above ${LONGEST_PACKET} bytes`;
  if (!QUEUED_PROTOCOLS.has(view.protocol)) return 'protocols that are never queued';
  const fixed = view.version === 4 ? Ipv4.MIN_LENGTH : Ipv6.LENGTH;
  if (view.headerLength > fixed) return 'IP options or extension headers, which routers act on';
  if (!isUnicast(view.version, view.source) || !isUnicast(view.version, view.destination))
    return 'addresses that are not forwarded';
  return verifyTransportChecksum(view) ? null : 'wrong checksums, which a receiver drops';
}

/** Whether routers pass packets of this address on (RFC 1812 §5.3, RFC 4291 §2.5, §2.7). */
function isUnicast(version: number, address: Uint32Array): boolean {
  if (version === 4) return address[3] >>> 24 !== 0 && address[3] >>> 28 < 14;
  const first = address[0];
  if (first >>> 24 === 0xff || first >>> 22 === 0x3fa) return false;
  return (first | address[1] | address[2]) !== 0 || address[3] > 1;
}
