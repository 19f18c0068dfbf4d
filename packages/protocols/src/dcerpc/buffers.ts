/**
 * The buffers of DCE/RPC calls, which two protocols have: `dcerpc` itself and `smb`, where calls go through pipes.
 *
 * `dcerpc.iface` is a row of `IFACE_ROW` bytes for every interface that the server accepted for the context the call
 * names: 16 bytes UUID in the order it is written, 2 bytes major version (big-endian), 1 byte of `IfaceFlag`.
 */

import { FIRST_BUFFER } from '../buffer-ranges';
import { type BufferDefinition, Direction } from '../transaction';

/** Numbers relative to the first of the three. */
export const CallBuffer = { IFACE: 0, OPNUM: 1, STUB_DATA: 2 } as const;
export const CALL_BUFFER_COUNT = 3;

export const IFACE_ROW = 19;
/** Bits of the last byte of a row. */
export const IfaceFlag = {
  /** The bind that proposed it was a first fragment (`dcerpc.iface` without `any_frag` wants that). */
  FIRST_FRAGMENT: 1,
} as const;

/** Progress of a direction of a call: its stub data is whole. */
export const CALL_COMPLETE = 1;

const BOTH = [Direction.TO_SERVER, Direction.TO_CLIENT] as const;

/**
 * The rows that a protocol with DCE/RPC calls has in its buffer table.
 * @param first number of `dcerpc.iface`
 * @param progress at which the stub data of a direction is whole
 */
export function callBuffers(protocol: string, first: number, progress: number): readonly BufferDefinition[] {
  const row = (place: number, name: string): BufferDefinition => ({
    name,
    id: first + place,
    protocol,
    directions: BOTH,
    progress,
    streaming: false,
    multiple: false,
  });
  return [
    row(CallBuffer.IFACE, 'dcerpc.iface'),
    { ...row(CallBuffer.OPNUM, 'dcerpc.opnum'), integer: { bytes: 2 } },
    row(CallBuffer.STUB_DATA, 'dcerpc.stub_data'),
  ];
}

export const DCERPC_BUFFERS: readonly BufferDefinition[] = callBuffers(
  'dcerpc',
  FIRST_BUFFER.dcerpc,
  CALL_COMPLETE,
);

/** A PDU as it travelled, its header, and what follows that. */
export const DcerpcFrame = { PDU: 0, HEADER: 1, DATA: 2 } as const;
export const DCERPC_FRAMES = ['pdu', 'hdr', 'data'] as const;
