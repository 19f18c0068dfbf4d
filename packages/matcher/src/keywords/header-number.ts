import type { InspectionContext } from '../context';
import { integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { required } from '../option-value';
import { PayloadMode } from '../rule-builder';

/** What packets a header field is of, and how it is read. */
export interface HeaderNumber {
  readonly maximum: number;
  /** @returns -1 where the packet has no such field */
  read(context: InspectionContext): number;
}

/** A keyword that compares a number of the packet's headers; the number may stand in quotes. */
export function headerNumber(names: readonly string[], field: HeaderNumber): Keyword {
  return {
    names,
    parse(option, rule) {
      const value = required(option);
      const quoted = /^(\s*")(.*)"\s*$/s.exec(value);
      const range = quoted
        ? integerRange(option, field.maximum, quoted[2], quoted[1].length)
        : integerRange(option, field.maximum);
      rule.payloadMode |= PayloadMode.PACKET;
      rule.packetTests.push({
        matches(context) {
          const number = field.read(context);
          return number >= 0 && range.has(number);
        },
      });
    },
  };
}
