import { DecodeEvent, Ipv4, Ipv6, internetChecksum, type PacketView } from '@portcullis/wire';
import { type Fragment, FragmentedDatagram } from './fragmented-datagram';
import { OVERLAP_POLICIES, type OverlapPolicy } from './overlap-policy';

export interface FragmentOptions {
  /** Whom to believe where fragments overlap. */
  readonly ipv4Policy: OverlapPolicy;
  readonly ipv6Policy: OverlapPolicy;
  /** Datagrams of which parts are held; beyond that the oldest is given up. */
  readonly maxDatagrams: number;
  /** Bytes held for all of them together. */
  readonly memcap: number;
  /** Microseconds after the last fragment of a datagram after which it is given up. */
  readonly timeoutMicros: number;
}

export const DEFAULT_FRAGMENT_OPTIONS: FragmentOptions = {
  ipv4Policy: 'bsd',
  ipv6Policy: 'bsd',
  maxDatagrams: 4096,
  memcap: 16 << 20,
  timeoutMicros: 60_000_000,
};

/** Most fragments of one datagram: as many as there are offsets, which no network needs. */
const MAX_FRAGMENTS = 8192;
/** Data of one datagram, in bytes: the largest offset, and the longest fragment behind it. */
const MAX_DATA = 65_536;
/** Bytes before the fragmentable part: extension headers may be as long as the packet allows, but no network's are. */
const MAX_HEADER = 2048;
/** Datagrams looked at for their age with each fragment. */
const SWEEP = 4;
/** What a fragment costs beside its data, in bytes. */
const FRAGMENT_COST = 128;
const FRAGMENT_HEADER_LENGTH = 8;

/**
 * Puts IP datagrams together again (RFC 791 §3.2, RFC 8200 §4.5), for captures: a kernel does it before its queues.
 * Time is that of the packets. Holds no more than its options say.
 */
export class FragmentReassembler {
  /** The datagram that `add` has completed, with an IP header that says nothing of fragments; until the next `add`. */
  readonly bytes = new Uint8Array(Ipv6.LENGTH + Ipv6.MAX_PAYLOAD);
  /** Bytes held for datagrams that are not complete. */
  heldBytes = 0;
  /** Datagrams given up: for their age, or for want of memory. */
  timedOut = 0;
  evicted = 0;

  private readonly options: FragmentOptions;
  /** In the order in which they began. */
  private readonly datagrams = new Map<string, FragmentedDatagram>();
  private readonly owners = new Uint16Array(MAX_DATA);

  constructor(options: Partial<FragmentOptions> = {}) {
    this.options = { ...DEFAULT_FRAGMENT_OPTIONS, ...options };
  }

  get size(): number {
    return this.datagrams.size;
  }

  clear(): void {
    this.datagrams.clear();
    this.heldBytes = 0;
  }

  /**
   * Takes a fragment; its `events` get what is odd about it.
   * @param view decoded, `moreFragments` or with an offset; those that end beyond the largest datagram do not decode
   * @param now microseconds since 1970
   * @param network tells apart networks whose addresses mean different hosts (VLAN ids)
   * @returns length of the whole datagram, which is then in `bytes`; 0 where parts are still missing
   */
  add(view: PacketView, now: number, network = 0): number {
    this.expire(now);
    const isV4 = view.version === 4;
    const { offset, end, data } = fragmentData(view);
    // Cut by its capture: bytes that nobody has seen would be taken for others.
    if (view.truncated || end <= offset) return 0;
    const header = offset === 0 ? headerOf(view) : null;
    const headerLength = header === null ? 0 : header.length;
    const datagram = this.datagramOf(view, now, network);
    const isFull = datagram.fragments.length >= MAX_FRAGMENTS || headerLength > MAX_HEADER;
    if (isFull || !this.makeRoom(end - offset + headerLength, datagram)) {
      view.events.add(DecodeEvent[isV4 ? 'ipv4.frag_ignored' : 'ipv6.frag_ignored']);
      return 0;
    }
    const before = datagram.bytes;
    const overlaps = datagram.add({
      offset,
      end,
      more: view.moreFragments,
      data: view.bytes.slice(data, data + end - offset),
      header,
    });
    datagram.touched = now;
    this.heldBytes += datagram.bytes - before + FRAGMENT_COST;
    if (overlaps) view.events.add(DecodeEvent[isV4 ? 'ipv4.frag_overlap' : 'ipv6.frag_overlap']);
    if (datagram.length < 0) return 0;
    this.remove(datagram);
    return isV4 ? this.assembleIpv4(datagram) : this.assembleIpv6(datagram);
  }

  private datagramOf(view: PacketView, now: number, network: number): FragmentedDatagram {
    const { source, destination, identification, version, protocol } = view;
    const known = version === 4 ? protocol : 0;
    const key = `${network} ${known} ${identification} ${source.join()} ${destination.join()}`;
    const { datagrams, options } = this;
    let datagram = datagrams.get(key);
    if (datagram !== undefined && now - datagram.touched > options.timeoutMicros) {
      this.remove(datagram);
      this.timedOut++;
      datagram = undefined;
    }
    if (datagram !== undefined) return datagram;
    if (datagrams.size >= options.maxDatagrams) this.evictOldest(null);
    const policy = version === 4 ? options.ipv4Policy : options.ipv6Policy;
    datagram = new FragmentedDatagram(key, OVERLAP_POLICIES[policy]);
    datagram.touched = now;
    datagrams.set(key, datagram);
    return datagram;
  }

  private remove(datagram: FragmentedDatagram): void {
    this.datagrams.delete(datagram.key);
    this.heldBytes -= datagram.bytes + datagram.fragments.length * FRAGMENT_COST;
  }

  /** @returns whether one was there to be given up */
  private evictOldest(but: FragmentedDatagram | null): boolean {
    for (const datagram of this.datagrams.values()) {
      if (datagram === but) continue;
      this.remove(datagram);
      this.evicted++;
      return true;
    }
    return false;
  }

  /** @returns whether `bytes` more may be held for `datagram` */
  private makeRoom(bytes: number, datagram: FragmentedDatagram): boolean {
    const needed = bytes + FRAGMENT_COST;
    while (this.heldBytes + needed > this.options.memcap) {
      if (!this.evictOldest(datagram)) return false;
    }
    return true;
  }

  /** Gives up what has waited too long, a few of the oldest at a time. */
  private expire(now: number): void {
    let looked = 0;
    for (const datagram of this.datagrams.values()) {
      if (looked++ === SWEEP || now - datagram.touched <= this.options.timeoutMicros) return;
      this.remove(datagram);
      this.timedOut++;
    }
  }

  private assembleIpv4(datagram: FragmentedDatagram): number {
    const { bytes } = this;
    const header = this.assemble(datagram);
    const length = header.length + datagram.length;
    if (length > Ipv4.MAX_LENGTH) return 0;
    bytes[Ipv4.TOTAL_LENGTH] = length >> 8;
    bytes[Ipv4.TOTAL_LENGTH + 1] = length & 0xff;
    bytes[Ipv4.FRAGMENT] = 0;
    bytes[Ipv4.FRAGMENT + 1] = 0;
    bytes[Ipv4.CHECKSUM] = 0;
    bytes[Ipv4.CHECKSUM + 1] = 0;
    const checksum = internetChecksum(bytes, 0, header.length);
    bytes[Ipv4.CHECKSUM] = checksum >> 8;
    bytes[Ipv4.CHECKSUM + 1] = checksum & 0xff;
    return length;
  }

  private assembleIpv6(datagram: FragmentedDatagram): number {
    const { bytes } = this;
    const header = this.assemble(datagram);
    const payload = header.length - Ipv6.LENGTH + datagram.length;
    if (payload > Ipv6.MAX_PAYLOAD) return 0;
    bytes[Ipv6.PAYLOAD_LENGTH] = payload >> 8;
    bytes[Ipv6.PAYLOAD_LENGTH + 1] = payload & 0xff;
    return Ipv6.LENGTH + payload;
  }

  /** @returns the header, which stands before the data in `bytes` then, as far as both have room there */
  private assemble(datagram: FragmentedDatagram): Uint8Array {
    const { bytes, owners } = this;
    // Which header counts is known with the first byte only; they seldom differ in length.
    let header = firstHeader(datagram.fragments);
    if (header.length + datagram.length > bytes.length) return header;
    const first = datagram.assemble(bytes, header.length, owners);
    if (first.header !== null && first.header.length !== header.length) {
      if (first.header.length + datagram.length > bytes.length) return first.header;
      bytes.copyWithin(first.header.length, header.length, header.length + datagram.length);
    }
    header = first.header ?? header;
    bytes.set(header, 0);
    return header;
  }
}

function firstHeader(fragments: readonly Fragment[]): Uint8Array {
  for (const { header } of fragments) if (header !== null) return header;
  throw new Error('a complete datagram has a first fragment');
}

/** Where a fragment's data lies, in the datagram (`offset … end`) and in the packet (from `data`). */
function fragmentData(view: PacketView): { offset: number; end: number; data: number } {
  const data =
    view.version === 4 ? view.start + view.headerLength : view.fragmentHeader + FRAGMENT_HEADER_LENGTH;
  const offset = view.fragmentOffset;
  return { offset, end: offset + view.end - data, data };
}

/** What the datagram's header will be: that of the fragment, without the fragment header of IPv6. */
function headerOf(view: PacketView): Uint8Array {
  const { bytes, start, version, headerLength, fragmentHeader } = view;
  if (version === 4) return bytes.slice(start, start + headerLength);
  const header = bytes.slice(start, fragmentHeader);
  header[view.fragmentNextHeader - start] = bytes[fragmentHeader];
  return header;
}
