import { FIRST_BUFFER } from '../buffer-ranges';
import { type BufferDefinition, Direction } from '../transaction';

const FIRST = FIRST_BUFFER.rfb;

export const RfbBuffer = { NAME: FIRST, SECTYPE: FIRST + 1, SECRESULT: FIRST + 2 } as const;

/** The handshake is done, or has failed. */
export const RFB_COMPLETE = 1;

/** Results of the security handshake (RFC 6143 section 7.1.3); the second failure is of version 3.7 and others. */
export const SECURITY_RESULTS: ReadonlyMap<string, number> = new Map([
  ['ok', 0],
  ['fail', 1],
  ['toomany', 2],
  ['unknown', 3],
]);

const B = RfbBuffer;
const common = { protocol: 'rfb', progress: RFB_COMPLETE, streaming: false, multiple: false };
const CLIENT = [Direction.TO_SERVER];
const SERVER = [Direction.TO_CLIENT];

export const RFB_BUFFERS: readonly BufferDefinition[] = [
  { ...common, name: 'rfb.name', id: B.NAME, directions: SERVER },
  { ...common, name: 'rfb.sectype', id: B.SECTYPE, directions: CLIENT, integer: { bytes: 4 } },
  {
    ...common,
    name: 'rfb.secresult',
    id: B.SECRESULT,
    directions: SERVER,
    integer: { bytes: 4, names: SECURITY_RESULTS },
  },
];

export const RfbEvent = {
  UNIMPLEMENTED_SECURITY_TYPE: 'rfb.unimplemented_security_type',
  UNKNOWN_SECURITY_RESULT: 'rfb.unknown_security_result',
  MALFORMED_MESSAGE: 'rfb.malformed_message',
  CONFUSED_STATE: 'rfb.confused_state',
} as const;
