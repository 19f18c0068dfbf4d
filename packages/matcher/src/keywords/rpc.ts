import type { RuleOption } from '@portcullis/rules';
import type { Keyword } from '../keyword';
import { type Argument, argumentsOf, integer, invalid } from '../option-value';
import { PayloadMode } from '../rule-builder';

const TCP = 6;
/** Record marking before each message over TCP (RFC 5531 §11). */
const RECORD_MARK = 4;
const SHORTEST = 28;
const CALL = 0;
const RPC_VERSION = 2;
const LARGEST = 0xffffffff;

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** @returns -1 for any */
function numberOf(option: RuleOption, argument: Argument | undefined): number {
  return argument === undefined || argument.text === '*' ? -1 : integer(option, argument, 0, LARGEST);
}

/** `rpc:program[,version|*[,procedure|*]]`: an ONC RPC call (RFC 5531 §9) in one packet. */
export const rpc: Keyword = {
  names: ['rpc'],
  parse(option, rule) {
    const [first, second, third, extra] = argumentsOf(option);
    if (extra) throw invalid(option, 'takes a program, a version and a procedure', extra.index);
    const program = integer(option, first, 0, LARGEST);
    const version = numberOf(option, second);
    const procedure = numberOf(option, third);
    rule.payloadMode |= PayloadMode.PACKET;
    rule.packetTests.push({
      matches({ packet, payloadStart, payloadEnd }) {
        const { bytes } = packet;
        const at = payloadStart + (packet.protocol === TCP ? RECORD_MARK : 0);
        if (payloadEnd - at < SHORTEST) return false;
        return (
          word(bytes, at + 4) === CALL &&
          word(bytes, at + 8) === RPC_VERSION &&
          word(bytes, at + 12) === program &&
          (version < 0 || word(bytes, at + 16) === version) &&
          (procedure < 0 || word(bytes, at + 20) === procedure)
        );
      },
    });
  },
};
