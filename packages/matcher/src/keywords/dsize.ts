import { integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { PayloadMode } from '../rule-builder';

/** `dsize:[<|>|!]N`, `dsize:N<>M`: the payload size of the packet. */
export const dsize: Keyword = {
  names: ['dsize'],
  parse(option, rule) {
    const range = integerRange(option, 65_535);
    rule.payloadMode |= PayloadMode.PACKET;
    rule.payloadSizes = range;
    rule.packetTests.push({ matches: (context) => range.has(context.payloadEnd - context.payloadStart) });
  },
};
