import type { InspectionContext } from '../context';
import type { Keyword } from '../keyword';
import { argumentsOf, integer, invalid } from '../option-value';
import { PayloadMode } from '../rule-builder';

/** Places in a call (RFC 5531 section 9): type, RPC version, program, version, procedure. */
const TYPE = 4;
const RPC_VERSION = 8;
const PROGRAM = 12;
const VERSION = 16;
const PROCEDURE = 20;
const LENGTH = 24;
/** Over TCP a mark stands before it. */
const MARK = 4;
const TCP = 6;
const UDP = 17;
const LARGEST = 0xffffffff;

function be32(bytes: Uint8Array, at: number): number {
  return bytes[at] * 0x1000000 + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
}

/** `rpc:<program>,<version or *>,<procedure or *>`: a call in the packet's payload. */
export const rpc: Keyword = {
  names: ['rpc'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    if (parts.length > 3) throw invalid(option, 'takes program, version and procedure', parts[3].index);
    const program = integer(option, parts[0], 0, LARGEST);
    const [version, procedure] = [parts[1], parts[2]].map((part) =>
      part === undefined || part.text === '*' ? -1 : integer(option, part, 0, LARGEST),
    );
    rule.payloadMode |= PayloadMode.PACKET;
    rule.packetTests.push({
      matches({ packet, payloadStart, payloadEnd }: InspectionContext): boolean {
        if (packet.protocol !== TCP && packet.protocol !== UDP) return false;
        const start = payloadStart + (packet.protocol === TCP ? MARK : 0);
        if (start + LENGTH > payloadEnd) return false;
        const { bytes } = packet;
        if (be32(bytes, start + TYPE) !== 0 || be32(bytes, start + RPC_VERSION) !== 2) return false;
        if (be32(bytes, start + PROGRAM) !== program) return false;
        if (version >= 0 && be32(bytes, start + VERSION) !== version) return false;
        return procedure < 0 || be32(bytes, start + PROCEDURE) === procedure;
      },
    });
  },
};
