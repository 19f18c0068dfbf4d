import { integerRange } from '../integer-range';
import { IP_PROTOCOL_NUMBERS } from '../ip-protocol-names';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid, required, withoutValue } from '../option-value';
import { PayloadMode } from '../rule-builder';
import { headerNumber } from './header-number';

const ttl = headerNumber(['ttl', 'ip.ttl'], { maximum: 255, read: ({ packet }) => packet.ttl });
/** IPv4 only. */
const id = headerNumber(['id'], {
  maximum: 65_535,
  read: ({ packet }) => (packet.version === 4 ? packet.identification : -1),
});
const fragmentOffset = headerNumber(['fragoffset'], {
  maximum: 8191,
  read: ({ packet }) => packet.fragmentOffset >>> 3,
});

/** `tos:[!]N`, `tos:[!]xHH`: the type of service; IPv4 only. */
const tos: Keyword = {
  names: ['tos'],
  parse(option, rule) {
    const text = required(option);
    const form = /^(!?)\s*(?:[xX]([0-9a-fA-F]{1,2})|(\d{1,3}))$/.exec(text);
    if (!form) throw invalid(option, `"${text}" is not a number, decimal or x and hexadecimal`);
    const wanted = form[2] ? Number.parseInt(form[2], 16) : Number(form[3]);
    if (wanted > 255) throw invalid(option, `${text} is larger than 255`);
    const negated = form[1] === '!';
    rule.payloadMode |= PayloadMode.PACKET;
    rule.packetTests.push({
      matches: ({ packet }) => packet.version === 4 && (packet.tos === wanted) !== negated,
    });
  },
};

/** `ip_proto:[!|<|>]number or name` */
const ipProto: Keyword = {
  names: ['ip_proto'],
  parse(option, rule) {
    const text = required(option);
    const named = /^([!<>]?)\s*([a-zA-Z][\w.-]*)$/.exec(text);
    let value = text;
    if (named) {
      const number = IP_PROTOCOL_NUMBERS.get(named[2].toLowerCase());
      if (number === undefined) throw invalid(option, `"${named[2]}" is no protocol`, named[1].length);
      value = `${named[1]}${number}`;
    }
    const range = integerRange(option, 255, value);
    rule.networkProtocols ??= range;
    rule.packetTests.push({ ofAddresses: true, matches: ({ packet }) => range.has(packet.protocol) });
  },
};

const VERSIONS: ReadonlyMap<string, number> = new Map([
  ['ipv4', 4],
  ['ip4', 4],
  ['ipv6', 6],
  ['ip6', 6],
]);

/** `l3_proto:ipv4|ipv6` */
const networkLayer: Keyword = {
  names: ['l3_proto'],
  parse(option, rule) {
    const text = required(option).trim().toLowerCase();
    const version = VERSIONS.get(text);
    if (version === undefined) throw invalid(option, `"${text}" is not ipv4 or ipv6`);
    rule.packetTests.push({ matches: ({ packet }) => packet.version === version });
  },
};

/** `sameip`: source and destination are one address. */
const sameIp: Keyword = {
  names: ['sameip'],
  parse(option, rule) {
    withoutValue(option);
    rule.packetTests.push({
      matches({ packet: { source, destination } }) {
        for (let i = 0; i < 4; i++) if (source[i] !== destination[i]) return false;
        return true;
      },
    });
  },
};

const FRAGMENT_BITS: ReadonlyMap<string, number> = new Map([
  ['M', 1],
  ['D', 2],
  ['R', 4],
]);
/** Byte of the IPv4 header that holds the three bits, and the reserved one. */
const FRAGMENT_BYTE = 6;
const RESERVED_BIT = 0x80;

/** `fragbits:[+*!]MDR` */
const fragbits: Keyword = {
  names: ['fragbits'],
  parse(option, rule) {
    const [{ text }] = argumentsOf(option);
    const form = /^([+*!]?)\s*([MDRmdr]{1,3})$/.exec(text);
    if (!form) throw invalid(option, 'is a combination of M, D and R, with +, * or ! before it');
    let wanted = 0;
    for (const letter of form[2].toUpperCase()) wanted |= FRAGMENT_BITS.get(letter) as number;
    const modifier = form[1];
    rule.payloadMode |= PayloadMode.PACKET;
    rule.packetTests.push({
      matches({ packet }) {
        if (packet.version !== 4) return false;
        const reserved = (packet.bytes[packet.start + FRAGMENT_BYTE] & RESERVED_BIT) !== 0;
        const bits = (packet.moreFragments ? 1 : 0) | (packet.dontFragment ? 2 : 0) | (reserved ? 4 : 0);
        if (modifier === '+') return (bits & wanted) === wanted;
        if (modifier === '*') return (bits & wanted) !== 0;
        if (modifier === '!') return (bits & wanted) !== wanted;
        return bits === wanted;
      },
    });
  },
};

/** Types of IPv4 options (IANA "IP Option Numbers"), as rules name them. */
const IP_OPTIONS: ReadonlyMap<string, number> = new Map([
  ['eol', 0],
  ['nop', 1],
  ['rr', 7],
  ['qs', 25],
  ['ts', 68],
  ['sec', 130],
  ['lsrr', 131],
  ['esec', 133],
  ['cipso', 134],
  ['satid', 136],
  ['ssrr', 137],
  ['rtralt', 148],
]);
const ANY_OPTION = -1;
const IP_FIXED_HEADER = 20;

function hasIpOption(bytes: Uint8Array, start: number, end: number, wanted: number): boolean {
  let at = start;
  while (at < end) {
    const type = bytes[at];
    if (type === wanted || wanted === ANY_OPTION) return true;
    if (type === 0) return false;
    if (type === 1) at++;
    else {
      const length = at + 1 < end ? bytes[at + 1] : 0;
      if (length < 2) return false;
      at += length;
    }
  }
  return false;
}

/** `ipopts:rr|lsrr|…|any`: an option of the IPv4 header. */
const ipOptions: Keyword = {
  names: ['ipopts'],
  parse(option, rule) {
    const text = required(option).toLowerCase();
    const wanted = text === 'any' ? ANY_OPTION : IP_OPTIONS.get(text);
    if (wanted === undefined) throw invalid(option, `"${text.slice(0, 40)}" is no IP option`);
    rule.payloadMode |= PayloadMode.PACKET;
    rule.packetTests.push({
      matches: ({ packet: { version, bytes, start, headerLength } }) =>
        version === 4 && hasIpOption(bytes, start + IP_FIXED_HEADER, start + headerLength, wanted),
    });
  },
};

const IGMP = 2;
const igmpType = headerNumber(['igmp.type'], {
  maximum: 255,
  read: ({ packet }) =>
    packet.protocol === IGMP && packet.fragmentOffset === 0 && packet.transport < packet.end
      ? packet.bytes[packet.transport]
      : -1,
});

/** Where the network identifier stands in VXLAN (RFC 7348 §5) and Geneve (RFC 8926 §3.4) headers. */
const VNI = 4;
const TUNNEL_HEADER = 8;
const UDP = 17;
const LARGEST_VNI = 0xffffff;

const networkIdentifier = headerNumber(['vxlan_vni', 'geneve_vni'], {
  maximum: 0xffffffff,
  read({ packet: { protocol, bytes, payload, payloadEnd } }) {
    if (protocol !== UDP || payloadEnd - payload < TUNNEL_HEADER) return -1;
    const at = payload + VNI;
    return ((bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]) & LARGEST_VNI;
  },
});

export const ipHeader: readonly Keyword[] = [
  networkLayer,
  ttl,
  tos,
  id,
  fragmentOffset,
  ipProto,
  sameIp,
  fragbits,
  ipOptions,
  igmpType,
  networkIdentifier,
];
