import { showBytes } from '../buffer-view';
import { MessageTransaction } from '../framing/message-parser';
import { writeInteger } from '../integer-view';
import type { BufferView, Direction } from '../transaction';
import { DnsBuffer } from './buffers';
import { Column, type DnsMessage, ROW, Section } from './message';

const B = DnsBuffer;

/**
 * One message: requests and responses are transactions of their own, over as soon as they were read. So the parsers of
 * a worker share one of these.
 */
export class DnsTransaction extends MessageTransaction {
  /** The message answers: its direction says so or, where that says nothing, its header. */
  isResponse = false;
  /** Ranges of the names of a response; filled when first asked for. */
  private responseNames = new Int32Array(32);
  private responseNameCount = -1;

  /** @param first number of the protocol's first buffer */
  constructor(
    readonly message: DnsMessage,
    private readonly first: number,
  ) {
    super();
  }

  begin(id: number, direction: Direction, isResponse: boolean): void {
    this.id = id;
    this.matchState = null;
    this.direction = direction;
    this.isResponse = isResponse;
    this.responseNameCount = -1;
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    const { isResponse, message } = this;
    switch (id - this.first) {
      case B.QUERY:
      case B.MULTICAST_QUERY_NAMES:
        return !isResponse && this.recordName(Section.QUERY, index, out);
      case B.QUERY_NAMES:
      case B.QUERY_NAME:
        return this.recordName(Section.QUERY, index, out);
      case B.ANSWER_NAMES:
      case B.ANSWER_NAME:
        return this.recordName(Section.ANSWER, index, out);
      case B.AUTHORITY_NAMES:
        return isResponse && this.recordName(Section.AUTHORITY, index, out);
      case B.ADDITIONAL_NAMES:
        return isResponse && this.recordName(Section.ADDITIONAL, index, out);
      case B.RESPONSE_NAMES:
        return isResponse && this.responseName(index, out);
      case B.OPCODE:
        return index === 0 && writeInteger(out, message.opcode, 1);
      case B.RCODE:
        return index === 0 && writeInteger(out, message.responseCode, 2);
      case B.RRTYPE:
        return this.recordType(isResponse ? Section.ANSWER : Section.QUERY, index, out);
      default:
        return false;
    }
  }

  /** The root's name, which is empty, is no buffer: as in Suricata, the list ends with it. */
  private recordName(section: number, index: number, out: BufferView): boolean {
    const { message } = this;
    if (index >= message.count(section)) return false;
    const row = message.row(section, index);
    return this.show(message.records[row + Column.NAME_START], message.records[row + Column.NAME_END], out);
  }

  private recordType(section: number, index: number, out: BufferView): boolean {
    const { message } = this;
    if (index >= message.count(section)) return false;
    return writeInteger(out, message.records[message.row(section, index) + Column.TYPE], 2);
  }

  private responseName(index: number, out: BufferView): boolean {
    if (this.responseNameCount < 0) this.collectResponseNames();
    if (index >= this.responseNameCount) return false;
    return this.show(this.responseNames[2 * index], this.responseNames[2 * index + 1], out);
  }

  private collectResponseNames(): void {
    const { records, sections } = this.message;
    const rows = sections[4];
    if (this.responseNames.length < rows * 4) this.responseNames = new Int32Array(rows * 8);
    const { responseNames } = this;
    let count = 0;
    for (let row = 0; row < rows * ROW; row += ROW) {
      for (
        let column: number = Column.NAME_START;
        column <= Column.TARGET_START;
        column += Column.TARGET_START
      ) {
        const start = records[row + column];
        const end = records[row + column + 1];
        if (end === start) continue;
        responseNames[2 * count] = start;
        responseNames[2 * count + 1] = end;
        count++;
      }
    }
    this.responseNameCount = count;
  }

  private show(start: number, end: number, out: BufferView): boolean {
    if (start === end) return false;
    return showBytes(out, this.message.names, start, end);
  }
}
