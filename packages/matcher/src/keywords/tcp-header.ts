import type { InspectionContext } from '../context';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';
import { PayloadMode } from '../rule-builder';
import { headerNumber } from './header-number';

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

const isTcp = ({ packet }: InspectionContext) => packet.protocol === TCP && packet.tcpHeaderLength > 0;

/** The number of an option of the TCP header, read anew: few rules ask. */
function optionNumber(read: (packet: InspectionContext['packet']) => number) {
  return (context: InspectionContext) => {
    if (!isTcp(context)) return -1;
    context.packet.decodeTcpOptions();
    return read(context.packet);
  };
}

export const tcpHeader: readonly Keyword[] = [
  flags,
  headerNumber(['seq', 'tcp.seq'], {
    maximum: 0xffffffff,
    read: (context) => (isTcp(context) ? context.packet.sequence : -1),
  }),
  headerNumber(['ack', 'tcp.ack'], {
    maximum: 0xffffffff,
    read: (context) => (isTcp(context) ? context.packet.acknowledgment : -1),
  }),
  headerNumber(['window', 'tcp.window'], {
    maximum: 65_535,
    read: (context) => (isTcp(context) ? context.packet.window : -1),
  }),
  headerNumber(['tcp.mss'], { maximum: 65_535, read: optionNumber(({ mss }) => (mss > 0 ? mss : -1)) }),
  headerNumber(['tcp.wscale'], { maximum: 255, read: optionNumber(({ windowScale }) => windowScale) }),
];
