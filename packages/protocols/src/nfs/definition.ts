import { BufferPool } from '../buffer-pool';
import { DEFAULT_FILE_POLICY, type FilePolicy } from '../files/policy';
import { Direction, type ProtocolDefinition, type Transaction, Transport } from '../transaction';
import { NFS_BUFFERS } from './buffers';
import { NfsEvent, NfsParser } from './parser';
import { NFS_PROGRAM, RPC_VERSION } from './rpc';
import type { CallTransaction } from './transaction';

/** Where a conversation may be joined at a reply, which does not say of what. */
const NFS_PORT = 2049;

/** NFS as a protocol definition; its parsers share a pool, so there is one per worker. */
export function createNfs(files: FilePolicy = DEFAULT_FILE_POLICY): ProtocolDefinition {
  const pool = new BufferPool();
  return {
    name: 'nfs',
    transports: [Transport.TCP, Transport.UDP],
    parserBytes: { tcp: 2000, udp: 1500 },
    buffers: NFS_BUFFERS,
    events: Object.values(NfsEvent),
    probe(direction, bytes, start, end, { transport, serverPort }): number {
      const mark = transport === Transport.TCP ? 4 : 0;
      const short = transport === Transport.TCP ? 0 : -1;
      // A mark of a last fragment of sensible length.
      if (mark > 0 && start < end && (bytes[start] & 0xfe) !== 0x80) return -1;
      const message = start + mark;
      if (direction === Direction.TO_CLIENT && serverPort !== NFS_PORT) return -1;
      const wanted = direction === Direction.TO_SERVER ? [0, RPC_VERSION, NFS_PROGRAM] : [1, 0];
      for (let i = 0; i < wanted.length; i++) {
        const at = message + 4 + 4 * i;
        if (at + 4 > end) return short;
        const word = bytes[at] * 0x1000000 + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
        if (word !== wanted[i]) return -1;
      }
      return 1;
    },
    create: (listener, transport) => new NfsParser(pool, listener, transport, files),
    describe,
  };
}

function describe(tx: Transaction): Record<string, unknown> {
  const { version, procedure, fileName } = tx as CallTransaction;
  return { version, procedure, filename: fileName };
}
