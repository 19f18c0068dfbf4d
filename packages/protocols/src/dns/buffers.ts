/** What DNS, mDNS and LLMNR have for rules. */

import { FIRST_BUFFER } from '../buffer-ranges';
import { MESSAGE_READ } from '../framing/message-parser';
import {
  type BufferDefinition,
  type Direction,
  Direction as Directions,
  type IntegerBuffer,
} from '../transaction';
import { CODE_NUMBERS, TYPE_NUMBERS } from './names';

export type DnsName = 'dns' | 'mdns' | 'llmnr';

/** What a buffer holds; its number is this behind the protocol's first. */
export const DnsBuffer = {
  /** Names asked for, in requests. */
  QUERY: 0,
  /** Names asked for, in requests and responses. */
  QUERY_NAMES: 1,
  ANSWER_NAMES: 2,
  AUTHORITY_NAMES: 3,
  ADDITIONAL_NAMES: 4,
  /** All names of a response: of its records, and those that their data are. */
  RESPONSE_NAMES: 5,
  OPCODE: 6,
  RCODE: 7,
  /** Types asked for in requests, types of the answers in responses. */
  RRTYPE: 8,
  /** The same as QUERY_NAMES and ANSWER_NAMES, by their older names. */
  QUERY_NAME: 9,
  ANSWER_NAME: 10,
  /** QUERY_NAMES of mDNS, whose responses do not repeat the question (RFC 6762 section 6): those of requests. */
  MULTICAST_QUERY_NAMES: 11,
} as const;

const B = DnsBuffer;
const REQUEST = [Directions.TO_SERVER] as const;
const RESPONSE = [Directions.TO_CLIENT] as const;
const BOTH = [Directions.TO_SERVER, Directions.TO_CLIENT] as const;

/** The buffer table of a protocol. */
export function dnsBuffers(protocol: DnsName): readonly BufferDefinition[] {
  const row = (
    id: number,
    name: string,
    directions: readonly Direction[],
    integer?: IntegerBuffer,
  ): BufferDefinition => ({
    name: `${protocol}.${name}`,
    id: FIRST_BUFFER[protocol] + id,
    protocol,
    directions,
    progress: MESSAGE_READ,
    streaming: false,
    multiple: id !== B.OPCODE && id !== B.RCODE,
    ...(integer && { integer }),
  });
  // Where everybody may ask and answer, the direction of a flow does not tell who does.
  const answers = protocol === 'dns' ? RESPONSE : BOTH;
  const shared = [
    row(protocol === 'mdns' ? B.MULTICAST_QUERY_NAMES : B.QUERY_NAMES, 'queries.rrname', BOTH),
    row(B.ANSWER_NAMES, 'answers.rrname', BOTH),
    row(B.AUTHORITY_NAMES, 'authorities.rrname', answers),
    row(B.ADDITIONAL_NAMES, 'additionals.rrname', answers),
    row(B.RESPONSE_NAMES, 'response.rrname', answers),
  ];
  if (protocol !== 'dns') return shared;
  return [
    row(B.QUERY, 'query', REQUEST),
    ...shared,
    row(B.OPCODE, 'opcode', BOTH, { bytes: 1 }),
    row(B.RCODE, 'rcode', BOTH, { bytes: 2, names: CODE_NUMBERS }),
    row(B.RRTYPE, 'rrtype', BOTH, { bytes: 2, names: TYPE_NUMBERS }),
    row(B.QUERY_NAME, 'query.name', BOTH),
    row(B.ANSWER_NAME, 'answer.name', BOTH),
  ];
}
