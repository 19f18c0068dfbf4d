import { BufferPool } from '../buffer-pool';
import { CallTransaction, describeCall } from '../dcerpc/association';
import { DEFAULT_FILE_POLICY, type FilePolicy } from '../files/policy';
import { type ProtocolDefinition, type Transaction, Transport } from '../transaction';
import { SMB_BUFFERS, SmbBuffer } from './buffers';
import { SILENT_EVENTS, SmbEvent } from './events';
import { createSmbFrames } from './message-frames';
import { commandName } from './names';
import { SmbParser, signatureAt } from './parser';
import { CommandTransaction, FileTransaction } from './transaction';

const SESSION_REQUEST = 0x81;
/** Two names in half-bytes, and the length byte and end of each (RFC 1002 section 4.3.2). */
const KEEP_ALIVE = 0x85;
const KEEP_ALIVE_LENGTH = 4;
const SESSION_REQUEST_LENGTH = 68;
const ENCODED_NAME = 32;

/** SMB as a protocol definition; its parsers share a pool, so there is one per worker. */
export function createSmb(files: FilePolicy = DEFAULT_FILE_POLICY): ProtocolDefinition {
  const pool = new BufferPool();
  const frames = createSmbFrames();
  return {
    name: 'smb',
    transports: [Transport.TCP],
    parserBytes: { tcp: 3000 },
    buffers: [...SMB_BUFFERS, ...frames.buffers],
    frames,
    events: [...Object.values(SmbEvent), ...SILENT_EVENTS],
    probe(_direction, bytes, first, end): number {
      const start = behindKeepAlives(bytes, first, end);
      if (start >= end) return 0;
      if (bytes[start] === SESSION_REQUEST) {
        for (const [place, wanted] of [
          [1, 0],
          [2, 0],
          [3, SESSION_REQUEST_LENGTH],
          [4, ENCODED_NAME],
        ] as const) {
          if (start + place >= end) return 0;
          if (bytes[start + place] !== wanted) return -1;
        }
        return 1;
      }
      if (bytes[start] !== 0) return -1;
      if (end - start <= 4) return 0;
      const signature = signatureAt(bytes, start + 4, end);
      return signature < 0 ? 0 : signature > 0 ? 1 : -1;
    },
    create: (listener) => new SmbParser(pool, frames, listener, files),
    describe,
  };
}

/**
 * Messages of NetBIOS that say nothing, which servers pass over (RFC 1002 section 4.3.6).
 * @returns where they end: at `end` or behind it while the last is not whole
 */
function behindKeepAlives(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] === KEEP_ALIVE) {
    for (let i = at + 1; i < Math.min(at + KEEP_ALIVE_LENGTH, end); i++) if (bytes[i] !== 0) return at;
    at += KEEP_ALIVE_LENGTH;
  }
  return at;
}

function describe(tx: Transaction): Record<string, unknown> {
  const told: Record<string, unknown> = { id: tx.id + 1 };
  if (tx instanceof CallTransaction) return { ...told, dcerpc: describeCall(tx) };
  if (!(tx instanceof CommandTransaction) && !(tx instanceof FileTransaction)) return told;
  const { version, command, dialect, sessionId, treeId } = tx.facts;
  told.dialect = dialect;
  told.command = commandName(version, command);
  told.session_id = sessionId;
  told.tree_id = treeId;
  if (tx.fileName !== '') told.filename = tx.fileName;
  if (tx.share !== '') told.share = tx.share;
  if (tx instanceof FileTransaction) return told;
  if (tx.status >= 0) told.status_code = `0x${tx.status.toString(16)}`;
  const user = tx.text(0, SmbBuffer.NTLMSSP_USER);
  if (user !== undefined) told.ntlmssp = { domain: tx.text(0, SmbBuffer.NTLMSSP_DOMAIN) ?? '', user };
  return told;
}
