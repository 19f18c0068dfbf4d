import type { InspectionContext } from '../context';
import type { Keyword } from '../keyword';
import { headerNumber } from './header-number';

const ICMP = 1;
const ICMPV6 = 58;
/** ICMPv6 "Packet Too Big" (RFC 4443 §3.2). */
const TOO_BIG = 2;

function isIcmp({ packet }: InspectionContext): boolean {
  return packet.protocol === ICMP || packet.protocol === ICMPV6;
}

function word(context: InspectionContext, offset: number): number {
  const { bytes, transport, end } = context.packet;
  const at = transport + offset;
  return at + 1 < end ? (bytes[at] << 8) | bytes[at + 1] : -1;
}

/** Echo, timestamp, information and address mask messages carry an identifier and a sequence number. */
function hasIdentifier({ packet }: InspectionContext): boolean {
  if (packet.protocol === ICMPV6) return packet.icmpType === 128 || packet.icmpType === 129;
  if (packet.protocol !== ICMP) return false;
  const type = packet.icmpType;
  return type === 0 || type === 8 || (type >= 13 && type <= 18);
}

export const icmpHeader: readonly Keyword[] = [
  headerNumber(['itype'], {
    maximum: 255,
    read: (context) => (isIcmp(context) ? context.packet.icmpType : -1),
  }),
  headerNumber(['icode'], {
    maximum: 255,
    read: (context) => (isIcmp(context) ? context.packet.icmpCode : -1),
  }),
  headerNumber(['icmp_id'], {
    maximum: 65_535,
    read: (context) => (hasIdentifier(context) ? word(context, 4) : -1),
  }),
  headerNumber(['icmp_seq'], {
    maximum: 65_535,
    read: (context) => (hasIdentifier(context) ? word(context, 6) : -1),
  }),
  headerNumber(['icmpv6.mtu'], {
    maximum: 0xffffffff,
    read(context) {
      const { packet } = context;
      if (packet.protocol !== ICMPV6 || packet.icmpType !== TOO_BIG) return -1;
      const low = word(context, 6);
      return low < 0 ? -1 : word(context, 4) * 0x10000 + low;
    },
  }),
];
