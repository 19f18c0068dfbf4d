import { randomBytes } from 'node:crypto';
import { flowHash, type PacketView } from '@portcullis/wire';
import { FlowMeta, FlowNumber, FlowWord } from './flow-layout';
import {
  defaultTimeouts,
  emergencyTimeouts,
  type FlowTimeouts,
  TimeoutClass,
  timeoutTable,
} from './flow-timeouts';

const hashOf = flowHash;
const { SOURCE, DESTINATION, PORTS, META, CHAIN, OLDER, NEWER, STRIDE: WORDS } = FlowWord;
const { PROTOCOL, CLASS, CLASS_SHIFT, IN_USE, UNCONFIRMED } = FlowMeta;
const { BLOCKED } = TimeoutClass;
const { ID, FIRST_SEEN, LAST_SEEN, PACKETS, BYTES, STRIDE: NUMBERS } = FlowNumber;

/** Most flows one table holds: slots and array indexes stay small integers. */
export const MAX_FLOWS = 1 << 24;

const EMERGENCY_ON = 0.9;
const EMERGENCY_OFF = 0.8;
/** Flows that are compared when one has to make room. */
const COMPARED = 32;
/** The silence of a blocked flow counts for so much less: its sender may send again what was dropped. */
const BLOCKED_SHARE = 1 / 16;
/** Slots whose next time-out is known together: a power of two. */
const GROUP_SHIFT = 6;
const GROUP = 1 << GROUP_SHIFT;
/** Micros by which the sum of a time and a time-out may be rounded, and more. */
const ROUNDING = 1;

export interface FlowTableOptions {
  timeouts?: FlowTimeouts;
  emergencyTimeouts?: FlowTimeouts;
  /** Flow ids count up from here: give each worker its own range. */
  firstId?: number;
  /** Secret of the hash, 32 bits; random unless a test needs to repeat a run. */
  seed?: number;
}

/**
 * Flows of every protocol by their 5-tuple, both directions on one slot.
 *
 * Buckets of chained slots in typed arrays, one bucket a slot of capacity, hashed with a secret seed. A slot
 * number stands for the flow; it is free for another flow after `remove`. Nothing is allocated after
 * construction: the operating system backs the arrays with memory only as slots are used for the first time,
 * and slots are used from the lowest up.
 *
 * Flows that have not been answered yet ("unconfirmed": half-open TCP, one-way datagrams) also stand in a list
 * by age, so that a flood of them is evicted before any flow that two sides speak on.
 *
 * Invariants: every slot below `highWater` is in exactly one of bucket chain or free list; `count` slots are in
 * chains; the list holds exactly the slots with the UNCONFIRMED bit; no flow times out before its group's
 * `silentUntil`.
 */
export class FlowTable {
  /** 0 from the initiator to the responder, 1 back: of the packet last looked up. */
  direction: 0 | 1 = 0;
  /** Flows in the table. */
  count = 0;
  /** Flows in the table that nobody has answered. */
  unconfirmed = 0;
  /** More than nine tenths full, and not yet back below eight: time-outs are short. */
  emergency = false;
  readonly capacity: number;
  /** @internal */
  readonly words: Uint32Array;
  /** @internal */
  readonly numbers: Float64Array;

  private readonly heads: Uint32Array;
  private readonly bucketsPerHash: number;
  private readonly seed: number;
  private readonly timeouts: Float64Array;
  private readonly emergencyTimeouts: Float64Array;
  /** By group of slots: no flow of it has been silent too long before this time. */
  private readonly silentUntil: Float64Array;
  private nextId: number;
  private highWater = 0;
  private free = 0;
  private oldest = 0;
  private newest = 0;
  private cursor = 0;
  /** Where the next flow that has to make room is looked for. */
  private idleCursor = 0;
  /** Of the packet last looked up. */
  private hash = 0;
  private readonly scratchSource = new Uint32Array(4);
  private readonly scratchDestination = new Uint32Array(4);

  /** @param capacity most flows at once; 196 bytes each with what the reassembler keeps beside. */
  constructor(capacity: number, options: FlowTableOptions = {}) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_FLOWS)
      throw new RangeError(`The flow table's capacity has to be 1 … ${MAX_FLOWS} flows, not ${capacity}.`);
    this.capacity = capacity;
    this.words = new Uint32Array(capacity * WORDS);
    this.numbers = new Float64Array(capacity * NUMBERS);
    // One more than `capacity`: hash * capacity / 2^31 may round up to capacity.
    this.heads = new Uint32Array(capacity + 1);
    this.silentUntil = new Float64Array((capacity >> GROUP_SHIFT) + 1).fill(Number.POSITIVE_INFINITY);
    this.bucketsPerHash = capacity / 2 ** 31;
    this.seed = options.seed ?? randomBytes(4).readInt32LE(0);
    this.nextId = options.firstId ?? 1;
    this.timeouts = timeoutTable(options.timeouts ?? defaultTimeouts);
    this.emergencyTimeouts = timeoutTable(options.emergencyTimeouts ?? emergencyTimeouts);
  }

  /**
   * @returns the slot of the packet's flow, with `direction` set; -1 when there is none.
   */
  find(view: PacketView): number {
    const source = view.source;
    const destination = view.destination;
    const sourcePort = view.sourcePort;
    const destinationPort = view.destinationPort;
    const protocol = view.protocol;
    const hash = hashOf(source, destination, sourcePort, destinationPort, protocol, this.seed);
    this.hash = hash;
    const words = this.words;
    const s3 = source[3];
    const d3 = destination[3];
    const forward = ((sourcePort << 16) | destinationPort) >>> 0;
    const backward = ((destinationPort << 16) | sourcePort) >>> 0;
    let link = this.heads[(hash * this.bucketsPerHash) | 0];
    while (link !== 0) {
      const at = (link - 1) * WORDS;
      const ports = words[at + PORTS];
      if ((ports === forward || ports === backward) && (words[at + META] & PROTOCOL) === protocol) {
        if (
          ports === forward &&
          words[at + SOURCE + 3] === s3 &&
          words[at + DESTINATION + 3] === d3 &&
          words[at + SOURCE + 2] === source[2] &&
          words[at + SOURCE + 1] === source[1] &&
          words[at + SOURCE] === source[0] &&
          words[at + DESTINATION + 2] === destination[2] &&
          words[at + DESTINATION + 1] === destination[1] &&
          words[at + DESTINATION] === destination[0]
        ) {
          this.direction = 0;
          return link - 1;
        }
        if (
          ports === backward &&
          words[at + SOURCE + 3] === d3 &&
          words[at + DESTINATION + 3] === s3 &&
          words[at + SOURCE + 2] === destination[2] &&
          words[at + SOURCE + 1] === destination[1] &&
          words[at + SOURCE] === destination[0] &&
          words[at + DESTINATION + 2] === source[2] &&
          words[at + DESTINATION + 1] === source[1] &&
          words[at + DESTINATION] === source[0]
        ) {
          this.direction = 1;
          return link - 1;
        }
      }
      link = words[at + CHAIN];
    }
    return -1;
  }

  /**
   * Adds the packet's flow; `find` for the same packet must just have returned -1. The flow is unconfirmed.
   *
   * @param reversed the packet comes from the responder (a flow that is picked up midstream).
   * @returns the slot with `direction` set, or -1 when the table is full.
   */
  insert(view: PacketView, now: number, timeoutClass: number, reversed = false): number {
    let slot: number;
    const words = this.words;
    if (this.free !== 0) {
      slot = this.free - 1;
      this.free = words[slot * WORDS + CHAIN];
    } else if (this.highWater < this.capacity) {
      slot = this.highWater++;
    } else {
      return -1;
    }
    const at = slot * WORDS;
    const from = reversed ? view.destination : view.source;
    const to = reversed ? view.source : view.destination;
    for (let word = 0; word < 4; word++) {
      words[at + SOURCE + word] = from[word];
      words[at + DESTINATION + word] = to[word];
    }
    words[at + PORTS] = reversed
      ? (view.destinationPort << 16) | view.sourcePort
      : (view.sourcePort << 16) | view.destinationPort;
    words[at + META] = view.protocol | (timeoutClass << CLASS_SHIFT) | IN_USE;
    const bucket = (this.hash * this.bucketsPerHash) | 0;
    words[at + CHAIN] = this.heads[bucket];
    this.heads[bucket] = slot + 1;
    this.count++;
    this.appendUnconfirmed(slot);
    this.startNumbers(slot, now);
    this.mayTimeOut(slot);
    if (this.count > this.capacity * EMERGENCY_ON && !this.emergency) this.setEmergency(true);
    this.direction = reversed ? 1 : 0;
    return slot;
  }

  remove(slot: number): void {
    const words = this.words;
    const at = slot * WORDS;
    if ((words[at + META] & IN_USE) === 0) return;
    this.confirm(slot);
    const bucket = this.bucketOf(slot);
    let link = this.heads[bucket];
    if (link === slot + 1) {
      this.heads[bucket] = words[at + CHAIN];
    } else {
      while (link !== 0) {
        const before = (link - 1) * WORDS;
        link = words[before + CHAIN];
        if (link === slot + 1) {
          words[before + CHAIN] = words[at + CHAIN];
          break;
        }
      }
    }
    words[at + META] = 0;
    words[at + CHAIN] = this.free;
    this.free = slot + 1;
    this.count--;
    if (this.emergency && this.count < this.capacity * EMERGENCY_OFF) this.setEmergency(false);
  }

  /** Other time-outs are in force: when any flow has been silent too long has to be found out anew. */
  private setEmergency(emergency: boolean): void {
    this.emergency = emergency;
    this.silentUntil.fill(0);
  }

  /** The flow's time-out or what it counts from has changed: its group is looked at no later than that. */
  private mayTimeOut(slot: number): void {
    const { silentUntil, emergency } = this;
    const timeouts = emergency ? this.emergencyTimeouts : this.timeouts;
    const until = this.numbers[slot * NUMBERS + LAST_SEEN] + timeouts[this.timeoutClass(slot)] - ROUNDING;
    const group = slot >> GROUP_SHIFT;
    if (until < silentUntil[group]) silentUntil[group] = until;
  }

  /**
   * Makes a new flow of an old one on the same 5-tuple: new id, sums at 0, unconfirmed.
   *
   * @param swap the responder of old is the initiator now.
   */
  renew(slot: number, now: number, timeoutClass: number, swap: boolean): void {
    const words = this.words;
    const at = slot * WORDS;
    if (swap) {
      for (let word = 0; word < 4; word++) {
        const kept = words[at + SOURCE + word];
        words[at + SOURCE + word] = words[at + DESTINATION + word];
        words[at + DESTINATION + word] = kept;
      }
      const ports = words[at + PORTS];
      words[at + PORTS] = (ports << 16) | (ports >>> 16);
    }
    this.confirm(slot);
    this.appendUnconfirmed(slot);
    this.startNumbers(slot, now);
    this.setTimeoutClass(slot, timeoutClass);
  }

  /** The other side has answered: the flow is no longer among the first to be evicted. */
  confirm(slot: number): void {
    const words = this.words;
    const at = slot * WORDS;
    if ((words[at + META] & UNCONFIRMED) === 0) return;
    words[at + META] &= ~UNCONFIRMED;
    const older = words[at + OLDER];
    const newer = words[at + NEWER];
    if (older === 0) this.oldest = newer;
    else words[(older - 1) * WORDS + NEWER] = newer;
    if (newer === 0) this.newest = older;
    else words[(newer - 1) * WORDS + OLDER] = older;
    this.unconfirmed--;
  }

  /** The slot of the unconfirmed flow that was added first, -1 without one. */
  oldestUnconfirmed(): number {
    return this.oldest - 1;
  }

  /**
   * Which flow is missed least in a full table: among the next few in turn, the one that has been silent longest.
   *
   * @param least microseconds of silence that it has behind it
   * @returns -1 where all of them have spoken since
   */
  idlest(now: number, least: number): number {
    const { words, numbers, highWater } = this;
    let found = -1;
    let longest = least;
    let slot = this.idleCursor;
    for (let left = Math.min(COMPARED, highWater); left > 0; left--) {
      if (slot >= highWater) slot = 0;
      const meta = words[slot * WORDS + META];
      if ((meta & IN_USE) !== 0) {
        let silence = now - numbers[slot * NUMBERS + LAST_SEEN];
        if ((meta & CLASS) >>> CLASS_SHIFT === BLOCKED) silence *= BLOCKED_SHARE;
        if (silence > longest) {
          longest = silence;
          found = slot;
        }
      }
      slot++;
    }
    this.idleCursor = slot;
    return found;
  }

  /** Counts a packet. */
  touch(slot: number, direction: number, now: number, bytes: number): void {
    const numbers = this.numbers;
    const at = slot * NUMBERS;
    const before = numbers[at + LAST_SEEN];
    numbers[at + LAST_SEEN] = now;
    numbers[at + PACKETS + direction] += 1;
    numbers[at + BYTES + direction] += bytes;
    // The times of a capture may go back.
    if (now < before) this.mayTimeOut(slot);
  }

  timeoutClass(slot: number): number {
    return (this.words[slot * WORDS + META] & CLASS) >>> CLASS_SHIFT;
  }

  setTimeoutClass(slot: number, timeoutClass: number): void {
    const at = slot * WORDS + META;
    this.words[at] = (this.words[at] & ~CLASS) | (timeoutClass << CLASS_SHIFT);
    this.mayTimeOut(slot);
  }

  inUse(slot: number): boolean {
    return slot >= 0 && slot < this.highWater && (this.words[slot * WORDS + META] & IN_USE) !== 0;
  }

  /**
   * Looks at the next `budget` slots, in turn over the whole table, and calls `onExpire` for each flow that has
   * been silent too long. `onExpire` may remove that flow; who does not keeps it. Groups of slots that are known to
   * hold no such flow are passed over.
   *
   * @returns flows found expired.
   */
  expire(now: number, budget: number, onExpire: (slot: number) => void): number {
    const end = this.highWater;
    if (end === 0) return 0;
    const { silentUntil, emergency } = this;
    const timeouts = emergency ? this.emergencyTimeouts : this.timeouts;
    let expired = 0;
    let slot = this.cursor;
    let left = Math.min(budget, end);
    while (left > 0) {
      if (slot >= end) slot = 0;
      // To the end of the group, and no further than asked.
      const group = slot >> GROUP_SHIFT;
      const stop = Math.min((group + 1) << GROUP_SHIFT, end, slot + left);
      left -= stop - slot;
      if (now > silentUntil[group]) {
        expired += this.expireSlots(slot, stop, now, timeouts, onExpire);
        // The time-outs of the beginning hold for all of the sweep.
        silentUntil[group] = this.emergency === emergency ? this.firstTimeout(group) : 0;
      }
      slot = stop;
    }
    this.cursor = slot;
    return expired;
  }

  private expireSlots(
    from: number,
    to: number,
    now: number,
    timeouts: Float64Array,
    onExpire: (slot: number) => void,
  ): number {
    const { words, numbers } = this;
    let expired = 0;
    for (let slot = from; slot < to; slot++) {
      const meta = words[slot * WORDS + META];
      if ((meta & IN_USE) === 0) continue;
      if (now - numbers[slot * NUMBERS + LAST_SEEN] <= timeouts[(meta & CLASS) >>> CLASS_SHIFT]) continue;
      expired++;
      onExpire(slot);
    }
    return expired;
  }

  /** Until when no flow of the group times out, as it looks now. */
  private firstTimeout(group: number): number {
    const { words, numbers } = this;
    const timeouts = this.emergency ? this.emergencyTimeouts : this.timeouts;
    const first = group << GROUP_SHIFT;
    const end = Math.min(first + GROUP, this.highWater);
    let until = Number.POSITIVE_INFINITY;
    for (let slot = first; slot < end; slot++) {
      const meta = words[slot * WORDS + META];
      if ((meta & IN_USE) === 0) continue;
      const due = numbers[slot * NUMBERS + LAST_SEEN] + timeouts[(meta & CLASS) >>> CLASS_SHIFT] - ROUNDING;
      if (due < until) until = due;
    }
    return until;
  }

  /** Unique for the life of the process, below 2^53. */
  flowId(slot: number): number {
    return this.numbers[slot * NUMBERS + ID];
  }

  /** Microseconds since 1970. */
  firstSeen(slot: number): number {
    return this.numbers[slot * NUMBERS + FIRST_SEEN];
  }

  /** Microseconds since 1970. */
  lastSeen(slot: number): number {
    return this.numbers[slot * NUMBERS + LAST_SEEN];
  }

  packets(slot: number, direction: number): number {
    return this.numbers[slot * NUMBERS + PACKETS + direction];
  }

  /** Whole IP packets, in bytes. */
  bytes(slot: number, direction: number): number {
    return this.numbers[slot * NUMBERS + BYTES + direction];
  }

  protocol(slot: number): number {
    return this.words[slot * WORDS + META] & PROTOCOL;
  }

  /** Copies the initiator's address, four words. */
  sourceWords(slot: number, out: Uint32Array): void {
    for (let word = 0; word < 4; word++) out[word] = this.words[slot * WORDS + SOURCE + word];
  }

  /** Copies the responder's address, four words. */
  destinationWords(slot: number, out: Uint32Array): void {
    for (let word = 0; word < 4; word++) out[word] = this.words[slot * WORDS + DESTINATION + word];
  }

  /** The initiator's port. */
  sourcePort(slot: number): number {
    return this.words[slot * WORDS + PORTS] >>> 16;
  }

  /** The responder's port. */
  destinationPort(slot: number): number {
    return this.words[slot * WORDS + PORTS] & 0xffff;
  }

  /** As if new, where no flow is left: when time-outs are noticed must not depend on what was there before. */
  rewind(): void {
    if (this.count > 0) return;
    this.highWater = 0;
    this.free = 0;
    this.cursor = 0;
    this.idleCursor = 0;
    this.emergency = false;
    this.silentUntil.fill(Number.POSITIVE_INFINITY);
  }

  /** One above the highest slot ever used: walk `0 … slots` with `inUse` to see all flows. */
  get slots(): number {
    return this.highWater;
  }

  private bucketOf(slot: number): number {
    this.sourceWords(slot, this.scratchSource);
    this.destinationWords(slot, this.scratchDestination);
    const hash = hashOf(
      this.scratchSource,
      this.scratchDestination,
      this.sourcePort(slot),
      this.destinationPort(slot),
      this.protocol(slot),
      this.seed,
    );
    return (hash * this.bucketsPerHash) | 0;
  }

  private appendUnconfirmed(slot: number): void {
    const words = this.words;
    const at = slot * WORDS;
    words[at + META] |= UNCONFIRMED;
    words[at + NEWER] = 0;
    words[at + OLDER] = this.newest;
    if (this.newest === 0) this.oldest = slot + 1;
    else words[(this.newest - 1) * WORDS + NEWER] = slot + 1;
    this.newest = slot + 1;
    this.unconfirmed++;
  }

  private startNumbers(slot: number, now: number): void {
    const numbers = this.numbers;
    const at = slot * NUMBERS;
    numbers[at + ID] = this.nextId++;
    numbers[at + FIRST_SEEN] = now;
    numbers[at + LAST_SEEN] = now;
    numbers[at + PACKETS] = 0;
    numbers[at + PACKETS + 1] = 0;
    numbers[at + BYTES] = 0;
    numbers[at + BYTES + 1] = 0;
  }
}
