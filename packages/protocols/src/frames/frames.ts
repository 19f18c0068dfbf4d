/**
 * The frames of one protocol (Suricata's `frame` keyword): parts of its messages as they travelled. They are told only
 * where a rule looks at them; else they cost a parser one look at `wanted` for each message.
 */

import { BUFFERS_PER_PROTOCOL, FIRST_BUFFER } from '../buffer-ranges';
import {
  type BufferDefinition,
  type Direction,
  Direction as Directions,
  type FrameTable,
  type TransactionListener,
} from '../transaction';
import { FRAME_COMPLETE, Frame } from './frame';

const BOTH = [Directions.TO_SERVER, Directions.TO_CLIENT] as const;
const PROTOCOLS = Object.keys(FIRST_BUFFER) as (keyof typeof FIRST_BUFFER)[];
/** Behind the numbers of all other buffers. */
const FIRST_FRAME = PROTOCOLS.length * BUFFERS_PER_PROTOCOL;
/** As many as there are bits in `wanted`. */
const FRAMES_PER_PROTOCOL = 30;

/** Shared by the parsers of one worker. */
export class Frames implements FrameTable {
  readonly buffers: readonly BufferDefinition[];
  /** A bit for each frame that rules look at, by its place among the names. */
  wanted = 0;
  private readonly first: number;
  private readonly frame = new Frame();
  private count = 0;

  /**
   * @param names as rules have them behind the protocol's name; a frame's kind is its place here
   * @param growing those of the names that are shown as they grow
   * @param prefix the protocol's name in rules, where it is another
   */
  constructor(
    protocol: keyof typeof FIRST_BUFFER,
    names: readonly string[],
    growing: readonly string[] = [],
    prefix: string = protocol,
  ) {
    if (names.length > FRAMES_PER_PROTOCOL) throw new RangeError(`${protocol} has too many frames`);
    this.first = FIRST_FRAME + PROTOCOLS.indexOf(protocol) * FRAMES_PER_PROTOCOL;
    this.buffers = names.map((name, kind) => ({
      name: `frame:${prefix}.${name}`,
      id: this.first + kind,
      protocol,
      directions: BOTH,
      progress: FRAME_COMPLETE,
      // Of one that is not told in whole the end is not there: rules may ask that.
      streaming: true,
      multiple: false,
      frame: growing.includes(name) ? 'growing' : 'whole',
    }));
  }

  want(ids: ReadonlySet<number>): void {
    this.wanted = 0;
    for (let kind = 0; kind < this.buffers.length; kind++)
      if (ids.has(this.first + kind)) this.wanted |= 1 << kind;
  }

  wants(kind: number): boolean {
    return (this.wanted & (1 << kind)) !== 0;
  }

  /**
   * A frame of which no more will come.
   * @param complete false where its last bytes are not there
   */
  show(
    listener: TransactionListener,
    direction: Direction,
    kind: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    complete = true,
  ): void {
    if ((this.wanted & (1 << kind)) === 0 || listener.onFrame === undefined) return;
    const { frame } = this;
    frame.id = this.nextId();
    frame.kind = this.first + kind;
    frame.bytes = bytes;
    frame.start = start;
    frame.end = end;
    frame.streamOffset = 0;
    frame.fresh = start;
    frame.complete = complete;
    listener.onFrame(frame, direction, true);
    frame.forget();
  }

  /** A frame that will be shown as it grows. */
  open(kind: number): Frame {
    const frame = new Frame();
    frame.id = this.nextId();
    frame.kind = this.first + kind;
    return frame;
  }

  private nextId(): number {
    this.count = (this.count + 1) & 0xffffff;
    return -2 - this.count;
  }
}
