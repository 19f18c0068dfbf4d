import { BufferPool } from '../buffer-pool';
import { Frames } from '../frames/frames';
import { type ProtocolDefinition, type Transaction, Transport } from '../transaction';
import { type CallTransaction, describeCall } from './association';
import { DCERPC_BUFFERS, DCERPC_FRAMES } from './buffers';
import { ConnectionlessParser, isConnectionless } from './connectionless';
import { DcerpcParser } from './parser';
import { PduHeader, PduType } from './pdu';

const header = new PduHeader();

/** DCE/RPC as a protocol definition; its parsers share a pool, so there is one per worker. */
export function createDcerpc(): ProtocolDefinition {
  const pool = new BufferPool();
  const frames = new Frames('dcerpc', DCERPC_FRAMES);
  return {
    name: 'dcerpc',
    transports: [Transport.TCP, Transport.UDP],
    parserBytes: { tcp: 1300, udp: 2000 },
    buffers: [...DCERPC_BUFFERS, ...frames.buffers],
    frames,
    events: [],
    probe(_direction, bytes, start, end, { transport }): number {
      if (transport === Transport.UDP) return isConnectionless(bytes, start, end) ? 1 : -1;
      const known = header.read(bytes, start, end);
      if (known <= 0) return known;
      return header.type === PduType.FAULT || header.type === 1 || (header.type > 3 && header.type < 11)
        ? -1
        : 1;
    },
    create: (listener, transport) =>
      transport === Transport.UDP
        ? new ConnectionlessParser(pool, frames, listener)
        : new DcerpcParser(pool, frames, listener),
    describe,
  };
}

function describe(tx: Transaction): Record<string, unknown> {
  const call = tx as CallTransaction;
  const told = describeCall(call);
  if (call.activity === '') return { ...told, rpc_version: '5.0' };
  return { ...told, activityuuid: call.activity, seqnum: call.callId, rpc_version: '4.0' };
}
