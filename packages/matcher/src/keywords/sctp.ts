import type { PacketView } from '@portcullis/wire';
import { integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { invalid, required, withoutValue } from '../option-value';
import type { PacketBuffer } from '../packet-buffer';
import { PayloadMode } from '../rule-builder';
import { headerNumber } from './header-number';

/** RFC 9260 §3: the common header, then chunks of a type, flags, a length and a value each, padded to four bytes. */
const SCTP = 132;
const VERIFICATION_TAG = 4;
const COMMON_HEADER = 12;
const CHUNK_HEADER = 4;
/** A DATA chunk has TSN, stream, sequence number and payload protocol before its payload. */
const DATA_HEADER = 16;
const DATA = 0;

/** IANA "SCTP Parameters", as Suricata writes them. */
const CHUNK_TYPES: ReadonlyMap<string, number> = new Map([
  ['data', DATA],
  ['init', 1],
  ['init_ack', 2],
  ['sack', 3],
  ['heartbeat', 4],
  ['hb_ack', 5],
  ['abort', 6],
  ['shutdown', 7],
  ['shutdown_ack', 8],
  ['error', 9],
  ['cookie_echo', 10],
  ['cookie_ack', 11],
  ['ecne', 12],
  ['cwr', 13],
  ['shutdown_complete', 14],
  ['forward_tsn', 192],
]);

const isSctp = ({ protocol, fragmentOffset, end, transport }: PacketView): boolean =>
  protocol === SCTP && fragmentOffset === 0 && end - transport >= COMMON_HEADER;

/**
 * Walks the chunks of a packet until one is wanted.
 * @param wanted asked with the place of the chunk and its end
 * @returns chunks seen
 */
function walk(packet: PacketView, wanted: (at: number, end: number) => boolean): number {
  const { bytes, end } = packet;
  let at = packet.transport + COMMON_HEADER;
  let seen = 0;
  while (at + CHUNK_HEADER <= end) {
    const length = (bytes[at + 2] << 8) | bytes[at + 3];
    if (length < CHUNK_HEADER || at + length > end) break;
    seen++;
    if (wanted(at, at + length)) break;
    at += (length + 3) & ~3;
  }
  return seen;
}

const never = (): boolean => false;

const header: PacketBuffer = {
  name: 'sctp.hdr',
  fill({ packet }, out) {
    if (!isSctp(packet)) return false;
    out.bytes = packet.bytes;
    out.start = packet.transport;
    out.end = packet.end;
    out.fresh = out.start;
    return true;
  },
};

const chunkData: PacketBuffer = {
  name: 'sctp.chunk_data',
  multiple: true,
  fill({ packet }, out, index) {
    if (!isSctp(packet)) return false;
    let left = index;
    let found = false;
    walk(packet, (at, end) => {
      found = packet.bytes[at] === DATA && end - at > DATA_HEADER && left-- === 0;
      if (!found) return false;
      out.bytes = packet.bytes;
      out.start = at + DATA_HEADER;
      out.end = end;
      out.fresh = out.start;
      return true;
    });
    return found;
  },
};

const stickyBuffers: readonly Keyword[] = [header, chunkData].map((buffer) => ({
  names: [buffer.name],
  parse(option, rule) {
    withoutValue(option);
    rule.openPacketBuffer(buffer);
  },
}));

const verificationTag = headerNumber(['sctp.vtag'], {
  maximum: 0xffffffff,
  read({ packet }) {
    if (!isSctp(packet)) return -1;
    const at = packet.transport + VERIFICATION_TAG;
    const { bytes } = packet;
    return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
  },
});

const chunkCount = headerNumber(['sctp.chunk_cnt'], {
  maximum: 65_535,
  read: ({ packet }) => (isSctp(packet) ? walk(packet, never) : -1),
});

/** `sctp.chunk_type:[!]name` or a number: some chunk of the packet is of that type. */
const chunkType: Keyword = {
  names: ['sctp.chunk_type'],
  parse(option, rule) {
    const text = required(option).trim();
    const named = /^(!?)([a-zA-Z]\w*)$/.exec(text);
    const number = named === null ? null : CHUNK_TYPES.get(named[2].toLowerCase());
    if (named !== null && number === undefined) throw invalid(option, `"${named[2]}" is no chunk type`);
    const range = integerRange(option, 255, named === null ? text : `${named[1]}${number}`);
    rule.payloadMode |= PayloadMode.PACKET;
    rule.packetTests.push({
      matches({ packet }) {
        if (!isSctp(packet)) return false;
        let found = false;
        walk(packet, (at) => {
          found = range.has(packet.bytes[at]);
          return found;
        });
        return found;
      },
    });
  },
};

export const sctp: readonly Keyword[] = [...stickyBuffers, verificationTag, chunkCount, chunkType];
