import type { InspectionContext } from '../context';
import { integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';
import { PayloadMode } from '../rule-builder';

const TCP = 6;
const FLAG_BITS: ReadonlyMap<string, number> = new Map([
  ['F', 1],
  ['S', 2],
  ['R', 4],
  ['P', 8],
  ['A', 16],
  ['U', 32],
  ['E', 64],
  ['2', 64],
  ['C', 128],
  ['1', 128],
  ['0', 0],
]);

/** `flags:[!+*]FSRPAUCE0[,ignored flags]` */
const flags: Keyword = {
  names: ['flags', 'tcp.flags'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    const form = /^([!+*]?)\s*([FSRPAUCE120]{1,9}|[fsrpauce]{1,8})$/.exec(
      parts[0].text.replace(/^([^!+*]+)([!+*])$/, '$2$1'),
    );
    if (!form) throw invalid(option, `"${parts[0].text}" is not a combination of flags`, parts[0].index);
    const bitsOf = (letters: string, index: number) => {
      let bits = 0;
      for (const letter of letters.toUpperCase()) {
        const bit = FLAG_BITS.get(letter);
        if (bit === undefined) throw invalid(option, `"${letter}" is no TCP flag`, index);
        bits |= bit;
      }
      return bits;
    };
    const wanted = bitsOf(form[2], parts[0].index);
    const kept = ~(parts[1] ? bitsOf(parts[1].text.replace(/^[!+*]/, ''), parts[1].index) : 0) & 0xff;
    const modifier = form[1];
    rule.payloadMode |= PayloadMode.PACKET;
    rule.packetTests.push({
      matches({ packet }) {
        if (packet.protocol !== TCP) return false;
        const set = packet.tcpFlags & kept;
        if (modifier === '+') return (set & wanted) === wanted;
        if (modifier === '*') return (set & wanted) !== 0;
        if (modifier === '!') return (set & wanted) !== wanted;
        return set === wanted;
      },
    });
  },
};

function numeric(
  names: readonly string[],
  maximum: number,
  read: (context: InspectionContext) => number,
): Keyword {
  return {
    names,
    parse(option, rule) {
      const range = integerRange(option, maximum);
      rule.payloadMode |= PayloadMode.PACKET;
      rule.packetTests.push({
        matches: (context) => context.packet.protocol === TCP && range.has(read(context)),
      });
    },
  };
}

export const tcpHeader: readonly Keyword[] = [
  flags,
  numeric(['seq', 'tcp.seq'], 0xffffffff, ({ packet }) => packet.sequence),
  numeric(['ack', 'tcp.ack'], 0xffffffff, ({ packet }) => packet.acknowledgment),
  numeric(['window', 'tcp.window'], 65_535, ({ packet }) => packet.window),
];
