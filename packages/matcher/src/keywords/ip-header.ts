import type { RuleOption } from '@portcullis/rules';
import type { InspectionContext } from '../context';
import { type IntegerRange, integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid, required } from '../option-value';
import { PayloadMode } from '../rule-builder';

const PROTOCOL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['igmp', 2],
  ['ipip', 4],
  ['tcp', 6],
  ['egp', 8],
  ['udp', 17],
  ['ipv6', 41],
  ['rsvp', 46],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['icmpv6', 58],
  ['eigrp', 88],
  ['ospf', 89],
  ['pim', 103],
  ['vrrp', 112],
  ['sctp', 132],
]);

function numeric(name: string, maximum: number, read: (context: InspectionContext) => number): Keyword {
  return {
    names: [name],
    parse(option, rule) {
      const range: IntegerRange = integerRange(option, maximum);
      rule.payloadMode |= PayloadMode.PACKET;
      rule.packetTests.push({ matches: (context) => range.has(read(context)) });
    },
  };
}

const ttl = numeric('ttl', 255, ({ packet }) => packet.ttl);
const tos = numeric('tos', 255, ({ packet }) => packet.tos);
const id = numeric('id', 65_535, ({ packet }) => packet.identification);
const fragmentOffset = numeric('fragoffset', 65_535, ({ packet }) => packet.fragmentOffset >>> 3);

/** `ip_proto:[!|<|>]number or name` */
const ipProto: Keyword = {
  names: ['ip_proto'],
  parse(option, rule) {
    const text = required(option);
    const named = /^([!<>]?)\s*([a-zA-Z]\w*)$/.exec(text);
    let value = text;
    if (named) {
      const number = PROTOCOL_NUMBERS.get(named[2].toLowerCase());
      if (number === undefined) throw invalid(option, `"${named[2]}" is no protocol`, named[1].length);
      value = `${named[1]}${number}`;
    }
    const range = integerRange(option, 255, value);
    rule.networkProtocols = range;
    rule.packetTests.push({ matches: ({ packet }) => range.has(packet.protocol) });
  },
};

/** `sameip`: source and destination are one address. */
const sameIp: Keyword = {
  names: ['sameip'],
  parse(_option, rule) {
    rule.packetTests.push({
      matches({ packet: { source, destination } }) {
        for (let i = 0; i < 4; i++) if (source[i] !== destination[i]) return false;
        return true;
      },
    });
  },
};

/** `fragbits:[+*!]MDR` */
const fragbits: Keyword = {
  names: ['fragbits'],
  parse(option: RuleOption, rule) {
    const [{ text }] = argumentsOf(option);
    const form = /^([+*!]?)\s*([MDRmdr]{1,3})$/.exec(text);
    if (!form) throw invalid(option, 'is a combination of M and D, with +, * or ! before it');
    const letters = form[2].toUpperCase();
    if (letters.includes('R')) throw invalid(option, 'the reserved bit is not supported yet');
    const wanted = (letters.includes('M') ? 1 : 0) | (letters.includes('D') ? 2 : 0);
    const modifier = form[1];
    rule.packetTests.push({
      matches({ packet }) {
        const bits = (packet.moreFragments ? 1 : 0) | (packet.dontFragment ? 2 : 0);
        if (modifier === '+') return (bits & wanted) === wanted;
        if (modifier === '*') return (bits & wanted) !== 0;
        if (modifier === '!') return (bits & wanted) === 0;
        return bits === wanted;
      },
    });
  },
};

export const ipHeader: readonly Keyword[] = [ttl, tos, id, fragmentOffset, ipProto, sameIp, fragbits];
