import type { InspectionContext } from '../context';
import { integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { PayloadMode } from '../rule-builder';

const ICMP = 1;
const ICMPV6 = 58;

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
  const type = packet.icmpType;
  return type === 0 || type === 8 || (type >= 13 && type <= 18);
}

function numeric(
  name: string,
  maximum: number,
  applies: (context: InspectionContext) => boolean,
  read: (context: InspectionContext) => number,
): Keyword {
  return {
    names: [name],
    parse(option, rule) {
      const range = integerRange(option, maximum);
      rule.payloadMode |= PayloadMode.PACKET;
      rule.packetTests.push({
        matches: (context) => isIcmp(context) && applies(context) && range.has(read(context)),
      });
    },
  };
}

const always = () => true;

export const icmpHeader: readonly Keyword[] = [
  numeric('itype', 255, always, ({ packet }) => packet.icmpType),
  numeric('icode', 255, always, ({ packet }) => packet.icmpCode),
  numeric('icmp_id', 65_535, hasIdentifier, (context) => word(context, 4)),
  numeric('icmp_seq', 65_535, hasIdentifier, (context) => word(context, 6)),
];
