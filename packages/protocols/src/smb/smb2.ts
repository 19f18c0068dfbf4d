/** Messages of SMB 2 and 3 (MS-SMB2 section 2.2). */

import { type Direction, Direction as Directions } from '../transaction';
import { SmbEvent } from './events';
import { dialectName } from './names';
import { Open, type SmbSession, type Tree } from './session';
import { le16, le32, le64, withoutZeros } from './text';

export const SMB2_HEADER = 64;

export const Smb2Command = {
  NEGOTIATE: 0,
  SESSION_SETUP: 1,
  TREE_CONNECT: 3,
  TREE_DISCONNECT: 4,
  CREATE: 5,
  CLOSE: 6,
  READ: 8,
  WRITE: 9,
  IOCTL: 11,
} as const;

const C = Smb2Command;
const { TO_SERVER, TO_CLIENT } = Directions;

/** Offsets in the header. */
const At = { STATUS: 8, COMMAND: 12, FLAGS: 16, NEXT: 20, MESSAGE: 24, TREE: 36, SESSION: 40 } as const;
const Flag = { RESPONSE: 1, ASYNC: 2, RELATED: 4 } as const;
const Status = { SUCCESS: 0, PENDING: 0x103, BUFFER_OVERFLOW: 0x80000005 } as const;
const SHARE_TYPE_PIPE = 2;
/** A message to a pipe and the answer in one command. */
const FSCTL_PIPE_TRANSCEIVE = 0x0011c017;

/** What follows the bytes that were read: the rest of a write or read. */
export interface DataRun {
  open: Open | null;
  /** Place in the file of the next byte. */
  offset: number;
  /** Bytes before the data that are passed over. */
  skip: number;
  /** Bytes of data that are still to come. */
  left: number;
  /** Nothing of the data was seen yet. */
  first: boolean;
}

/** The parts of a chain of messages that later ones refer to. */
interface Chain {
  key: string;
  open: Open | null;
}

export class Smb2Reader {
  constructor(private readonly session: SmbSession) {}

  /**
   * Reads a record: one message or several.
   * @param start of the first message
   * @param end of what is there of the record
   * @param length of the whole record, from `start`
   * @param run is set where the data of the last message goes on behind `end`
   */
  record(
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    length: number,
    run: DataRun,
  ): void {
    const chain: Chain = { key: '', open: null };
    let at = start;
    for (;;) {
      if (end - at < SMB2_HEADER) {
        if (end < start + length) return;
        this.session.event(direction, SmbEvent.MALFORMED_DATA);
        return;
      }
      const next = le32(bytes, at + At.NEXT);
      const last = next === 0;
      const stop = last ? end : Math.min(end, at + next);
      const whole = last ? start + length : at + next;
      this.message(direction, bytes, at, stop, whole, chain, run);
      if (last || next < SMB2_HEADER || at + next >= end) return;
      at += next;
    }
  }

  private message(
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    whole: number,
    chain: Chain,
    run: DataRun,
  ): void {
    const { session } = this;
    const command = le16(bytes, start + At.COMMAND);
    const flags = le32(bytes, start + At.FLAGS);
    const sessionId = le64(bytes, start + At.SESSION);
    const treeId = (flags & Flag.ASYNC) !== 0 ? 0 : le32(bytes, start + At.TREE);
    session.begin(2, command, sessionId, treeId);
    const isResponse = (flags & Flag.RESPONSE) !== 0;
    if (isResponse !== (direction === TO_CLIENT)) {
      session.event(direction, isResponse ? SmbEvent.RESPONSE_TO_SERVER : SmbEvent.REQUEST_TO_CLIENT);
      return;
    }
    const key = `2 ${le64(bytes, start + At.MESSAGE)}`;
    const treeKey = `2 ${sessionId} ${treeId}`;
    const wellFormed = isResponse
      ? this.response(command, key, treeKey, bytes, start, end, whole, run)
      : this.request(command, key, treeKey, bytes, start, end, whole, chain, run);
    if (!wellFormed) session.event(direction, SmbEvent.MALFORMED_DATA);
  }

  private request(
    command: number,
    key: string,
    treeKey: string,
    bytes: Uint8Array,
    start: number,
    end: number,
    whole: number,
    chain: Chain,
    run: DataRun,
  ): boolean {
    const { session } = this;
    const body = start + SMB2_HEADER;
    const tree = session.trees.get(treeKey) ?? null;
    switch (command) {
      case C.SESSION_SETUP: {
        if (body + 16 > end) return false;
        const tx = session.newCommand();
        const blob = start + le16(bytes, body + 12);
        session.authenticate(tx, bytes, Math.min(blob, end), Math.min(end, blob + le16(bytes, body + 14)));
        session.wait(key, { tx, command, open: null, offset: 0, name: null });
        return true;
      }
      case C.TREE_CONNECT: {
        if (body + 8 > end) return false;
        const path = start + le16(bytes, body + 4);
        const name = withoutZeros(bytes, Math.min(path, end), Math.min(end, path + le16(bytes, body + 6)));
        session.wait(key, { tx: session.newCommand(), command, open: null, offset: 0, name });
        return true;
      }
      case C.CREATE: {
        if (body + 48 > end) return false;
        const at = start + le16(bytes, body + 44);
        const name = withoutZeros(bytes, Math.min(at, end), Math.min(end, at + le16(bytes, body + 46)));
        const open = new Open(name, tree);
        chain.open = open;
        chain.key = '';
        const tx = session.newCommand();
        tx.fileName = Buffer.from(name).toString('latin1');
        session.wait(key, { tx, command, open, offset: 0, name });
        return true;
      }
      case C.CLOSE: {
        if (body + 24 > end) return false;
        const id = this.identifier(bytes, body + 8, chain, tree);
        session.wait(key, { tx: session.newCommand(), command, open: id, offset: 0, name: null });
        if (chain.key !== '') session.closeOpen(chain.key);
        return true;
      }
      case C.READ: {
        if (body + 32 > end) return false;
        const open = this.identifier(bytes, body + 16, chain, tree);
        session.wait(key, { tx: null, command, open, offset: le64(bytes, body + 8), name: null });
        return true;
      }
      case C.WRITE: {
        if (body + 32 > end) return false;
        const open = this.identifier(bytes, body + 16, chain, tree);
        this.data(
          open, TO_SERVER, le64(bytes, body + 8), bytes, start + le16(bytes, body + 2), le32(bytes, body + 4), end,
          whole, run,
        ); // biome-ignore format: a call
        return true;
      }
      case C.IOCTL: {
        if (body + 48 > end) return false;
        const tx = session.newCommand();
        const open = this.identifier(bytes, body + 8, chain, tree);
        session.wait(key, { tx, command, open, offset: 0, name: null });
        if (le32(bytes, body + 4) !== FSCTL_PIPE_TRANSCEIVE) return true;
        const input = start + le32(bytes, body + 24);
        const stop = Math.min(end, input + le32(bytes, body + 28));
        if (input < stop) session.data(open, TO_SERVER, 0, bytes, input, stop, true);
        return true;
      }
      default:
        session.wait(key, { tx: session.newCommand(), command, open: null, offset: 0, name: null });
        return true;
    }
  }

  private response(
    command: number,
    key: string,
    treeKey: string,
    bytes: Uint8Array,
    start: number,
    end: number,
    whole: number,
    run: DataRun,
  ): boolean {
    const { session } = this;
    const status = le32(bytes, start + At.STATUS);
    // The real response comes later, under the same number.
    if (status === Status.PENDING) return true;
    let waiting = session.answered(key);
    if (waiting !== null && waiting.command !== command) {
      // An answer to something else.
      if (waiting.tx !== null) session.finish(waiting.tx, status);
      return false;
    }
    // A client that knows both versions asks in the first and is answered in the second.
    if (waiting === null && command === C.NEGOTIATE) waiting = session.answered(SMB1_NEGOTIATION);
    const body = start + SMB2_HEADER;
    let wellFormed = true;
    switch (command) {
      case C.NEGOTIATE:
        if (body + 6 > end) wellFormed = false;
        else session.dialect = dialectName(le16(bytes, body + 4));
        break;
      case C.TREE_CONNECT:
        if (status !== Status.SUCCESS || waiting?.tx == null) break;
        if (body + 4 > end) wellFormed = false;
        else
          session.connect(
            waiting.tx,
            treeKey,
            waiting.name as Uint8Array,
            bytes[body + 2] === SHARE_TYPE_PIPE,
          );
        break;
      case C.CREATE:
        if (status !== Status.SUCCESS || waiting?.open == null) break;
        if (body + 80 > end) wellFormed = false;
        else session.addOpen(fileKey(bytes, body + 64), waiting.open);
        break;
      case C.READ: {
        if (waiting?.open == null || (status !== Status.SUCCESS && status !== Status.BUFFER_OVERFLOW))
          return true;
        if (body + 16 > end) return false;
        const data = start + bytes[body + 2];
        this.data(
          waiting.open,
          TO_CLIENT,
          waiting.offset,
          bytes,
          data,
          le32(bytes, body + 4),
          end,
          whole,
          run,
        );
        return true;
      }
      case C.IOCTL: {
        if (waiting?.open == null || (status !== Status.SUCCESS && status !== Status.BUFFER_OVERFLOW)) break;
        if (body + 48 > end || le32(bytes, body + 4) !== FSCTL_PIPE_TRANSCEIVE) break;
        const output = start + le32(bytes, body + 32);
        const stop = Math.min(end, output + le32(bytes, body + 36));
        if (output < stop) session.data(waiting.open, TO_CLIENT, 0, bytes, output, stop, true);
        break;
      }
      default:
        break;
    }
    if (waiting?.tx != null) session.finish(waiting.tx, status);
    else if (waiting === null && command !== C.READ && command !== C.WRITE) session.single(TO_CLIENT);
    return wellFormed;
  }

  /** The data of a write or read, as far as it is there; the rest comes through `run`. */
  private data(
    open: Open,
    direction: Direction,
    offset: number,
    bytes: Uint8Array,
    data: number,
    length: number,
    end: number,
    whole: number,
    run: DataRun,
  ): void {
    const total = Math.max(0, Math.min(length, whole - data));
    const there = Math.max(0, Math.min(end, data + total) - data);
    if (there > 0) this.session.data(open, direction, offset, bytes, data, data + there, true);
    if (there < total && end < whole) {
      run.open = open;
      run.offset = offset + there;
      run.skip = Math.max(0, data - end);
      run.left = total - there;
      run.first = there === 0;
    }
  }

  /** The file that an identifier names; all ones stand for the one of the message before. */
  private identifier(bytes: Uint8Array, at: number, chain: Chain, tree: Tree | null): Open {
    let related = true;
    for (let i = 0; i < 16 && related; i++) if (bytes[at + i] !== 0xff) related = false;
    if (related && chain.open !== null) return chain.open;
    chain.key = fileKey(bytes, at);
    chain.open = this.session.openOf(chain.key, tree);
    return chain.open;
  }
}

/** Under this key the first negotiation waits. */
export const SMB1_NEGOTIATION = '1 negotiation';

function fileKey(bytes: Uint8Array, at: number): string {
  return `2${Buffer.from(bytes.buffer, bytes.byteOffset + at, 16).toString('latin1')}`;
}
