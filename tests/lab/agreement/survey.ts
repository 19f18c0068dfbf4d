/** What a capture consists of, and whether a gateway sees all of it as the capture has it. */
import { CaptureFileSource } from '@portcullis/capture';
import {
  formatAddress,
  IpProtocol,
  Ipv4,
  Ipv6,
  LinkStatus,
  PacketView,
  verifyTransportChecksum,
} from '@portcullis/wire';

/** Captures with more packets than this would take the test's time for the same few flows. */
const MOST_PACKETS = 300;
/** The longest packet of an Ethernet. */
const LONGEST_PACKET = 1500;
/** Those that the firewall queues. */
const QUEUED_PROTOCOLS: ReadonlySet<number> = new Set([
  IpProtocol.TCP,
  IpProtocol.UDP,
  IpProtocol.ICMP,
  IpProtocol.ICMPV6,
]);

/** Router and neighbour discovery (RFC 4861 §4), which is never queued. */
const FIRST_DISCOVERY_TYPE = 133;
const LAST_DISCOVERY_TYPE = 137;

export interface Survey {
  /** Why a gateway would not see these packets as they are; null when it would. */
  readonly objection: string | null;
  /** Everybody who sends or receives in it. */
  readonly addresses: ReadonlySet<string>;
}

/** Looks at the packets of a capture. What cannot be read is an objection too. */
export function surveyCapture(file: string): Survey {
  const addresses = new Set<string>();
  try {
    return { objection: objectionToCapture(file, addresses), addresses };
  } catch {
    return { objection: 'not readable', addresses };
  }
}

function objectionToCapture(file: string, addresses: Set<string>): string | null {
  const view = new PacketView();
  const source = new CaptureFileSource(file);
  let packets = 0;
  try {
    const { batch } = source;
    while (source.receive(0) >= 0) {
      for (let place = 0; place < batch.count; place++) {
        const start = batch.offset[place];
        if (view.decode(batch.bytes, start, start + batch.length[place]) !== 0) return 'undecodable packets';
        const objection = objectionToPacket(view);
        if (objection !== null) return objection;
        if (++packets > MOST_PACKETS) return `more than ${MOST_PACKETS} packets`;
        addresses.add(formatAddress(view.source)).add(formatAddress(view.destination));
      }
      source.finalize();
    }
    if (source.error !== null) return 'damaged';
    if (source.skipped[LinkStatus.UNSUPPORTED_LINK_TYPE] > 0) return 'unsupported link type';
    return packets > 0 ? null : 'no IP packets';
  } finally {
    source.close();
  }
}

function objectionToPacket(view: PacketView): string | null {
  if (view.truncated) return 'packets cut by the capture';
  if (view.moreFragments || view.fragmentOffset > 0) return 'fragments, which the kernel puts together';
  if (view.totalLength > LONGEST_PACKET) return `packets above ${LONGEST_PACKET} bytes`;
  if (!QUEUED_PROTOCOLS.has(view.protocol) || isDiscovery(view)) return 'protocols that are never queued';
  const plain = view.version === 4 ? Ipv4.MIN_LENGTH : Ipv6.LENGTH;
  if (view.headerLength > plain) return 'IP options or extension headers, which routers act on';
  if (!isForwarded(view.version, view.source) || !isForwarded(view.version, view.destination))
    return 'addresses that are not forwarded';
  return verifyTransportChecksum(view) ? null : 'wrong checksums, which make receivers drop packets';
}

function isDiscovery({ protocol, icmpType }: PacketView): boolean {
  return (
    protocol === IpProtocol.ICMPV6 && icmpType >= FIRST_DISCOVERY_TYPE && icmpType <= LAST_DISCOVERY_TYPE
  );
}

/** Whether routers pass packets of this address on (RFC 1812 §5.3, RFC 4291 §2.5, §2.7). */
function isForwarded(version: number, address: Uint32Array): boolean {
  if (version === 4) return address[3] >>> 24 !== 0 && address[3] >>> 28 < 14;
  const first = address[0];
  if (first >>> 24 === 0xff || first >>> 22 === 0x3fa) return false;
  return (first | address[1] | address[2]) !== 0 || address[3] > 1;
}
