import { integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { PayloadMode } from '../rule-builder';

/** Its messages are all header. */
const IGMP = 2;

/** `dsize:[<|>|!]N`, `dsize:N<>M`: the payload size of the packet. */
export const dsize: Keyword = {
  names: ['dsize'],
  parse(option, rule) {
    const range = integerRange(option, 65_535);
    rule.payloadMode |= PayloadMode.PACKET;
    rule.payloadSizes = range;
    rule.packetTests.push({
      matches: ({ packet, payloadStart, payloadEnd }) =>
        range.has(packet.protocol === IGMP ? 0 : payloadEnd - payloadStart),
    });
  },
};
