import { BufferPool } from '../buffer-pool';
import type { HeldTransaction } from '../records/held-transaction';
import {
  Direction,
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { SshBuffer as B, SSH_BUFFERS, SshEvent } from './buffers';
import { SshParser } from './parser';
import { createSshFrames } from './record-frames';

const OPENING = Uint8Array.from('SSH-', (c) => c.charCodeAt(0));

/** SSH as a protocol definition; its parsers share a pool, so there is one per worker. */
export function createSsh(): ProtocolDefinition {
  const pool = new BufferPool();
  const frames = createSshFrames();
  return {
    name: 'ssh',
    transports: [Transport.TCP],
    parserBytes: { tcp: 1200 },
    buffers: [...SSH_BUFFERS, ...frames.buffers],
    frames,
    events: Object.values(SshEvent),
    probe(_direction, bytes, start, end): number {
      for (let i = 0; i < OPENING.length; i++) {
        if (start + i >= end) return 0;
        if (bytes[start + i] !== OPENING[i]) return -1;
      }
      return 1;
    },
    create: (listener: TransactionListener) => new SshParser(pool, frames, listener),
    describe,
  };
}

function describe(tx: Transaction): Record<string, unknown> {
  const held = tx as HeldTransaction;
  const out: Record<string, unknown> = {};
  for (const [name, direction] of [
    ['client', Direction.TO_SERVER],
    ['server', Direction.TO_CLIENT],
  ] as const) {
    const version = held.text(direction, B.PROTO);
    if (version === undefined) continue;
    const one: Record<string, unknown> = { proto_version: version };
    const software = held.text(direction, B.SOFTWARE);
    if (software !== undefined) one.software_version = software;
    const client = direction === Direction.TO_SERVER;
    const hash = held.text(direction, client ? B.HASSH : B.HASSH_SERVER);
    if (hash !== undefined) {
      const string = held.text(direction, client ? B.HASSH_STRING : B.HASSH_SERVER_STRING);
      one.hassh = { hash, string };
    }
    out[name] = one;
  }
  return out;
}
