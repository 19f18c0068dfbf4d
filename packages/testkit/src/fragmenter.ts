import { IpProtocol, Ipv4, Ipv6, internetChecksum } from '@portcullis/wire';

/**
 * Cuts an IP packet into fragments, in order.
 * @param size bytes of data in each fragment but the last; a multiple of 8.
 * @param identification of all of them.
 */
export function fragmentPacket(packet: Uint8Array, size: number, identification = 1): Uint8Array[] {
  if (size < 8 || size % 8 !== 0) throw new RangeError(`fragments of ${size} bytes; need a multiple of 8`);
  return packet[0] >> 4 === 4
    ? fragmentIpv4(packet, size, identification)
    : fragmentIpv6(packet, size, identification);
}

function pieces(data: Uint8Array, size: number): { offset: number; data: Uint8Array; more: boolean }[] {
  const result = [];
  for (let offset = 0; offset < data.length; offset += size)
    result.push({ offset, data: data.subarray(offset, offset + size), more: offset + size < data.length });
  return result;
}

function fragmentIpv4(packet: Uint8Array, size: number, identification: number): Uint8Array[] {
  const headerLength = (packet[Ipv4.VERSION_IHL] & 0x0f) * 4;
  return pieces(packet.subarray(headerLength), size).map(({ offset, data, more }) => {
    const fragment = Buffer.concat([packet.subarray(0, headerLength), data]);
    fragment.writeUInt16BE(fragment.length, Ipv4.TOTAL_LENGTH);
    fragment.writeUInt16BE(identification & 0xffff, Ipv4.IDENTIFICATION);
    fragment.writeUInt16BE((offset / 8) | (more ? Ipv4.MORE_FRAGMENTS : 0), Ipv4.FRAGMENT);
    fragment.writeUInt16BE(0, Ipv4.CHECKSUM);
    fragment.writeUInt16BE(internetChecksum(fragment, 0, headerLength), Ipv4.CHECKSUM);
    return fragment;
  });
}

/** The fragment header goes in front of everything behind the fixed header. */
function fragmentIpv6(packet: Uint8Array, size: number, identification: number): Uint8Array[] {
  const next = packet[Ipv6.NEXT_HEADER];
  return pieces(packet.subarray(Ipv6.LENGTH), size).map(({ offset, data, more }) => {
    const header = Buffer.alloc(8);
    header[0] = next;
    header.writeUInt16BE(offset | (more ? 1 : 0), 2);
    header.writeUInt32BE(identification >>> 0, 4);
    const fragment = Buffer.concat([packet.subarray(0, Ipv6.LENGTH), header, data]);
    fragment[Ipv6.NEXT_HEADER] = IpProtocol.FRAGMENT;
    fragment.writeUInt16BE(fragment.length - Ipv6.LENGTH, Ipv6.PAYLOAD_LENGTH);
    return fragment;
  });
}
