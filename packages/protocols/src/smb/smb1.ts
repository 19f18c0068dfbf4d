/** Messages of SMB 1 (MS-CIFS section 2.2, MS-SMB section 2.2). */

import { type Direction, Direction as Directions } from '../transaction';
import { SmbEvent } from './events';
import { Open, type SmbSession, type Tree } from './session';
import { type DataRun, SMB1_NEGOTIATION } from './smb2';
import { endOfText, le16, le32, withoutZeros } from './text';

export const SMB1_HEADER = 32;

export const Smb1Command = {
  OPEN: 0x02,
  CREATE: 0x03,
  CLOSE: 0x04,
  READ: 0x0a,
  WRITE: 0x0b,
  CREATE_NEW: 0x0f,
  LOCKING_ANDX: 0x24,
  TRANS: 0x25,
  WRITE_AND_CLOSE: 0x2c,
  OPEN_ANDX: 0x2d,
  READ_ANDX: 0x2e,
  WRITE_ANDX: 0x2f,
  NEGOTIATE: 0x72,
  SESSION_SETUP_ANDX: 0x73,
  LOGOFF_ANDX: 0x74,
  TREE_CONNECT_ANDX: 0x75,
  NT_CREATE_ANDX: 0xa2,
} as const;

const C = Smb1Command;
const { TO_SERVER, TO_CLIENT } = Directions;

/** Offsets in the header. */
const At = {
  COMMAND: 4,
  STATUS: 5,
  FLAGS: 9,
  FLAGS2: 10,
  PID_HIGH: 12,
  TREE: 24,
  PID_LOW: 26,
  USER: 28,
  MESSAGE: 30,
} as const;
const RESPONSE = 0x80;
const UNICODE = 0x8000;
const BUFFER_OVERFLOW = 0x80000005;
/** The warning of DOS clients that stands for it: ERRDOS, ERRmoredata. */
const MORE_DATA = 0x00ea0001;
/** Commands in one message that are looked at. */
export const MOST_CHAINED = 256;
const NO_MORE = 0xff;
const TRANSACT_NAMED_PIPE = 0x26;

/** Commands whose first words say which command follows in the same message. */
const CHAINING = new Set<number>([
  C.LOCKING_ANDX,
  C.OPEN_ANDX,
  C.READ_ANDX,
  C.WRITE_ANDX,
  C.SESSION_SETUP_ANDX,
  C.LOGOFF_ANDX,
  C.TREE_CONNECT_ANDX,
  C.NT_CREATE_ANDX,
]);

/** One command of a message. */
interface Block {
  bytes: Uint8Array;
  /** Start of the message: offsets count from here. */
  header: number;
  /** First of the parameter words, and how many bytes they are. */
  words: number;
  wordBytes: number;
  /** First of the data bytes, and their end. */
  data: number;
  end: number;
  /** End of what is there, and of the whole message. */
  there: number;
  whole: number;
  wide: boolean;
  /** What responses are found by. */
  key: string;
  treeKey: string;
  userKey: string;
  tree: Tree | null;
}

export class Smb1Reader {
  constructor(private readonly session: SmbSession) {}

  /** See `Smb2Reader.record`. */
  record(
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    length: number,
    run: DataRun,
  ): void {
    const { session } = this;
    let command = bytes[start + At.COMMAND];
    const treeId = le16(bytes, start + At.TREE);
    const userId = le16(bytes, start + At.USER);
    session.begin(1, command, userId, treeId);
    const isResponse = (bytes[start + At.FLAGS] & RESPONSE) !== 0;
    if (isResponse !== (direction === TO_CLIENT)) {
      session.event(direction, isResponse ? SmbEvent.RESPONSE_TO_SERVER : SmbEvent.REQUEST_TO_CLIENT);
      return;
    }
    const message = `${le16(bytes, start + At.PID_HIGH)} ${le16(bytes, start + At.PID_LOW)} ${le16(bytes, start + At.MESSAGE)}`;
    const userKey = `1 ${userId}`;
    const treeKey = `1 ${treeId}`;
    const status = le32(bytes, start + At.STATUS);
    let at = start + SMB1_HEADER;
    for (let i = 0; i < MOST_CHAINED && command !== NO_MORE; i++) {
      session.begin(1, command, userId, treeId);
      const block: Block = {
        bytes,
        header: start,
        words: at + 1,
        wordBytes: at < end ? bytes[at] * 2 : 0,
        data: 0,
        end: 0,
        there: end,
        whole: start + length,
        wide: (le16(bytes, start + At.FLAGS2) & UNICODE) !== 0,
        key: `1 ${message} ${command}`,
        treeKey,
        userKey,
        tree: session.trees.get(treeKey) ?? null,
      };
      block.data = block.words + block.wordBytes + 2;
      if (at >= end || block.data > end) {
        // Some answers end behind the header.
        if (isResponse) this.answer(command, status, block, run);
        else session.event(direction, SmbEvent.MALFORMED_DATA);
        return;
      }
      block.end = Math.min(end, block.data + le16(bytes, block.data - 2));
      const wellFormed = isResponse
        ? this.answer(command, status, block, run)
        : this.request(command, block, run);
      if (!wellFormed) session.event(direction, SmbEvent.MALFORMED_DATA);
      if (!CHAINING.has(command) || block.wordBytes < 4) return;
      command = bytes[block.words];
      const next = start + le16(bytes, block.words + 2);
      // Only onwards: a chain cannot turn back.
      if (next <= at) return;
      at = next;
    }
    if (command !== NO_MORE) session.event(direction, SmbEvent.MALFORMED_DATA);
  }

  private request(command: number, block: Block, run: DataRun): boolean {
    const { session } = this;
    const { bytes, words, wordBytes, key, data, end } = block;
    switch (command) {
      case C.NEGOTIATE:
        session.wait(SMB1_NEGOTIATION, {
          tx: session.newCommand(),
          command,
          open: null,
          offset: 0,
          name: null,
        });
        return true;
      case C.SESSION_SETUP_ANDX: {
        const tx = session.newCommand();
        if (wordBytes === 24)
          session.authenticate(tx, bytes, data, Math.min(end, data + le16(bytes, words + 14)));
        session.wait(key, { tx, command, open: null, offset: 0, name: null });
        return true;
      }
      case C.TREE_CONNECT_ANDX: {
        if (wordBytes < 8) return false;
        const name = this.text(block, data + le16(bytes, words + 6));
        session.wait(key, { tx: session.newCommand(), command, open: null, offset: 0, name });
        return true;
      }
      case C.NT_CREATE_ANDX:
        if (wordBytes < 48) return false;
        this.opening(command, block, data, le16(bytes, words + 5));
        return true;
      case C.OPEN_ANDX:
        this.opening(command, block, data, end - data);
        return true;
      case C.OPEN:
      case C.CREATE:
      case C.CREATE_NEW:
        // A byte that says that a text follows.
        this.opening(command, block, data + 1, end - data - 1);
        return true;
      case C.CLOSE: {
        if (wordBytes < 2) return false;
        session.wait(key, { tx: session.newCommand(), command, open: null, offset: 0, name: null });
        session.closeOpen(this.fileKey(block, words));
        return true;
      }
      case C.READ_ANDX:
      case C.READ: {
        const fid = command === C.READ ? words : words + 4;
        const offset = command === C.READ ? words + 4 : words + 6;
        if (wordBytes < (command === C.READ ? 10 : 20)) return false;
        const high = command === C.READ_ANDX && wordBytes >= 24 ? le32(bytes, words + 20) : 0;
        const open = session.openOf(this.fileKey(block, fid), block.tree);
        session.wait(key, {
          tx: null,
          command,
          open,
          offset: le32(bytes, offset) + high * 0x100000000,
          name: null,
        });
        return true;
      }
      case C.WRITE_ANDX: {
        if (wordBytes < 24) return false;
        const high = wordBytes >= 28 ? le32(bytes, words + 24) : 0;
        const open = session.openOf(this.fileKey(block, words + 4), block.tree);
        const length = le16(bytes, words + 20) + le16(bytes, words + 18) * 0x10000;
        const from = block.header + le16(bytes, words + 22);
        this.data(open, TO_SERVER, le32(bytes, words + 6) + high * 0x100000000, block, from, length, run);
        return true;
      }
      case C.WRITE:
      case C.WRITE_AND_CLOSE: {
        if (wordBytes < 8) return false;
        const open = session.openOf(this.fileKey(block, words), block.tree);
        const from = data + (command === C.WRITE ? 3 : 1);
        this.data(open, TO_SERVER, le32(bytes, words + 4), block, from, le16(bytes, words + 2), run);
        if (command === C.WRITE_AND_CLOSE && run.left === 0) session.closeOpen(this.fileKey(block, words));
        return true;
      }
      case C.TRANS: {
        const tx = session.newCommand();
        let open: Open | null = null;
        if (wordBytes >= 32 && le16(bytes, words + 28) === TRANSACT_NAMED_PIPE)
          open = session.openOf(this.fileKey(block, words + 30), block.tree);
        session.wait(key, { tx, command, open, offset: 0, name: null });
        if (wordBytes < 28) return false;
        const from = block.header + le16(bytes, words + 24);
        const stop = Math.min(block.there, from + le16(bytes, words + 22));
        if (open !== null && from < stop) session.data(open, TO_SERVER, 0, bytes, from, stop, true);
        return true;
      }
      default:
        session.wait(key, { tx: session.newCommand(), command, open: null, offset: 0, name: null });
        return true;
    }
  }

  private answer(command: number, status: number, block: Block, run: DataRun): boolean {
    const { session } = this;
    const { bytes, words, wordBytes, data, end } = block;
    const waiting = session.answered(command === C.NEGOTIATE ? SMB1_NEGOTIATION : block.key);
    const good = status === 0 || status === BUFFER_OVERFLOW || status === MORE_DATA;
    let wellFormed = true;
    if (good && waiting !== null) {
      switch (command) {
        case C.TREE_CONNECT_ANDX: {
          // The service is in ASCII whatever the rest is in.
          const service = bytes.subarray(data, endOfText(bytes, data, end, false));
          const pipe =
            service.length === 3 && service[0] === 0x49 && service[1] === 0x50 && service[2] === 0x43;
          if (waiting.tx !== null)
            session.connect(waiting.tx, block.treeKey, waiting.name as Uint8Array, pipe);
          break;
        }
        case C.NT_CREATE_ANDX:
          if (wordBytes < 7) wellFormed = false;
          else if (waiting.open !== null) session.addOpen(this.fileKey(block, words + 5), waiting.open);
          break;
        case C.OPEN_ANDX:
          if (wordBytes < 6) wellFormed = false;
          else if (waiting.open !== null) session.addOpen(this.fileKey(block, words + 4), waiting.open);
          break;
        case C.OPEN:
        case C.CREATE:
        case C.CREATE_NEW:
          if (wordBytes < 2) wellFormed = false;
          else if (waiting.open !== null) session.addOpen(this.fileKey(block, words), waiting.open);
          break;
        case C.READ_ANDX:
          if (waiting.open === null) break;
          if (wordBytes < 24) return false;
          this.data(
            waiting.open, TO_CLIENT, waiting.offset, block, block.header + le16(bytes, words + 12),
            le16(bytes, words + 10) + le16(bytes, words + 14) * 0x10000, run,
          ); // biome-ignore format: a call
          return true;
        case C.READ:
          if (waiting.open === null) break;
          if (wordBytes < 2) return false;
          this.data(waiting.open, TO_CLIENT, waiting.offset, block, data + 3, le16(bytes, words), run);
          return true;
        case C.TRANS: {
          if (waiting.open === null || wordBytes < 20) break;
          const from = block.header + le16(bytes, words + 14);
          const stop = Math.min(block.there, from + le16(bytes, words + 12));
          if (from < stop) session.data(waiting.open, TO_CLIENT, 0, bytes, from, stop, true);
          break;
        }
        default:
          break;
      }
    }
    if (waiting?.tx != null) session.finish(waiting.tx, status);
    else if (waiting === null && !IS_DATA.has(command)) session.single(TO_CLIENT);
    return wellFormed;
  }

  private opening(command: number, block: Block, at: number, length: number): void {
    const { session } = this;
    const stop = Math.min(block.end, at + length + 1);
    const name = this.text({ ...block, end: stop }, at);
    const tx = session.newCommand();
    tx.fileName = Buffer.from(name).toString('latin1');
    session.wait(block.key, { tx, command, open: new Open(name, block.tree), offset: 0, name });
  }

  /** A text of the data bytes; where it is wide it begins at an even offset. */
  private text(block: Block, from: number): Uint8Array {
    const { bytes, wide, header, end } = block;
    const at = Math.min(end, wide && ((from - header) & 1) === 1 ? from + 1 : from);
    return withoutZeros(bytes, at, endOfText(bytes, at, end, wide));
  }

  private fileKey(block: Block, at: number): string {
    return `1 ${le16(block.bytes, at)} ${block.userKey}`;
  }

  /** See `Smb2Reader.data`. */
  private data(
    open: Open,
    direction: Direction,
    offset: number,
    block: Block,
    from: number,
    length: number,
    run: DataRun,
  ): void {
    const { bytes, there, whole } = block;
    const total = Math.max(0, Math.min(length, whole - from));
    const count = Math.max(0, Math.min(there, from + total) - from);
    if (count > 0) this.session.data(open, direction, offset, bytes, from, from + count, true);
    if (count >= total || there >= whole) return;
    run.open = open;
    run.offset = offset + count;
    run.skip = Math.max(0, from - there);
    run.left = total - count;
    run.first = count === 0;
  }
}

/** Commands that have no transaction of their own. */
const IS_DATA = new Set<number>([C.READ, C.WRITE, C.READ_ANDX, C.WRITE_ANDX, C.WRITE_AND_CLOSE]);
