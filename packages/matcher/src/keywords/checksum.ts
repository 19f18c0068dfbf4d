import { internetChecksum, verifyHeaderChecksum, verifyTransportChecksum } from '@portcullis/wire';
import type { InspectionContext } from '../context';
import type { Keyword } from '../keyword';
import { invalid, required } from '../option-value';
import { PayloadMode } from '../rule-builder';

type Packet = InspectionContext['packet'];

const IGMP = 2;
const whole = (packet: Packet) => packet.fragmentOffset === 0 && !packet.moreFragments && !packet.truncated;

function transport(version: number, protocol: number) {
  return (packet: Packet): boolean | null =>
    packet.version === version && packet.protocol === protocol && whole(packet)
      ? verifyTransportChecksum(packet)
      : null;
}

/** @returns null where the packet has no such checksum */
const CHECKSUMS: readonly (readonly [string, (packet: Packet) => boolean | null])[] = [
  ['ipv4-csum', (packet) => (packet.version === 4 ? verifyHeaderChecksum(packet) : null)],
  ['tcpv4-csum', transport(4, 6)],
  ['tcpv6-csum', transport(6, 6)],
  ['udpv4-csum', transport(4, 17)],
  ['udpv6-csum', transport(6, 17)],
  ['icmpv4-csum', transport(4, 1)],
  ['icmpv6-csum', transport(6, 58)],
  [
    'igmp-csum',
    (packet) =>
      packet.protocol === IGMP && whole(packet)
        ? internetChecksum(packet.bytes, packet.transport, packet.end) === 0
        : null,
  ],
];

/** `tcpv4-csum:valid|invalid` and its like. */
export const checksums: readonly Keyword[] = CHECKSUMS.map(([name, verify]) => ({
  names: [name],
  parse(option, rule) {
    const text = required(option)
      .replace(/^"(.*)"$/, '$1')
      .toLowerCase();
    if (text !== 'valid' && text !== 'invalid') throw invalid(option, 'is "valid" or "invalid"');
    const wanted = text === 'valid';
    rule.payloadMode |= PayloadMode.PACKET;
    rule.packetTests.push({ matches: ({ packet }) => verify(packet) === wanted });
  },
}));
