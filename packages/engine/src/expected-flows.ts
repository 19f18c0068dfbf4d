import { PlaceLocks } from '@portcullis/matcher';
import type { ExpectedFlow } from '@portcullis/protocols';

/** How long an announced flow is waited for, microseconds of packet time. */
const PATIENCE = 60_000_000;
const WAYS = 8;
const SETS = 512;
/** Announced flows that are waited for at most; where its eight places are taken one displaces the oldest there. */
const PLACES = SETS * WAYS;
/** Address, port, length of the protocol's name, length of the note. */
const HEAD_WORDS = 7;
/** Name of the protocol and note, bytes. */
const TEXT_BYTES = 512;
const PORT_GROUPS = 4096;

/** What is known of a flow before its first byte. */
export type AnnouncedFlow = Pick<ExpectedFlow, 'protocol' | 'note'>;

/**
 * Flows that others have announced (the data connections of FTP), by the address and port that wait for them. Threads that
 * share its memory wait together: the connection that announces and the one announced may be with any of them.
 */
export class ExpectedFlows {
  static readonly BYTES = PLACES * (8 + HEAD_WORDS * 4 + TEXT_BYTES) + (SETS + PORT_GROUPS) * 4;

  /** Microseconds; 0: the place is free. */
  private readonly until: Float64Array;
  private readonly heads: Uint32Array;
  private readonly locks: PlaceLocks;
  /** By port, those that differ by a multiple of as many together: how many are waited for. Most flows are none of them. */
  private readonly onPorts: Int32Array;
  private readonly texts: Uint8Array;

  /** @param memory of `BYTES`, zero before the first of these is made of it */
  constructor(memory: ArrayBufferLike = new ArrayBuffer(ExpectedFlows.BYTES)) {
    let at = PLACES * 8;
    const behind = (bytes: number) => {
      at += bytes;
      return at - bytes;
    };
    this.until = new Float64Array(memory, 0, PLACES);
    this.heads = new Uint32Array(memory, behind(PLACES * HEAD_WORDS * 4), PLACES * HEAD_WORDS);
    this.locks = new PlaceLocks(new Int32Array(memory, behind(SETS * 4), SETS));
    this.onPorts = new Int32Array(memory, behind(PORT_GROUPS * 4), PORT_GROUPS);
    this.texts = new Uint8Array(memory, behind(PLACES * TEXT_BYTES), PLACES * TEXT_BYTES);
  }

  /**
   * @param address of the end that waits for the connection, four big-endian words
   * @param flow one whose note is too long is not waited for
   */
  add(address: Uint32Array, { protocol, port, note }: ExpectedFlow, now: number): void {
    if (protocol.length + note.length > TEXT_BYTES) return;
    const set = setOf(address, port);
    this.locks.take(set);
    let place = this.find(set, address, port);
    if (place < 0) {
      const first = set * WAYS;
      place = first;
      for (let i = first; i < first + WAYS; i++) if (this.until[i] < this.until[place]) place = i;
    }
    this.free(place);
    // Counted first, and free to the last: should this thread be ended here, nothing is there that is not counted.
    Atomics.add(this.onPorts, port % PORT_GROUPS, 1);
    const head = place * HEAD_WORDS;
    this.heads.set(address, head);
    this.heads[head + 4] = port;
    this.heads[head + 5] = protocol.length;
    this.heads[head + 6] = note.length;
    const text = place * TEXT_BYTES;
    for (let i = 0; i < protocol.length; i++) this.texts[text + i] = protocol.charCodeAt(i);
    this.texts.set(note, text + protocol.length);
    this.until[place] = now + PATIENCE;
    this.locks.release(set);
  }

  /** Whether it may be that a flow to that port is waited for. */
  mayWaitOn(port: number): boolean {
    return this.onPorts[port % PORT_GROUPS] !== 0;
  }

  /** Takes out what is known of a flow to that address and port; null where nobody has announced it. */
  take(address: Uint32Array, port: number, now: number): AnnouncedFlow | null {
    if (!this.mayWaitOn(port)) return null;
    const set = setOf(address, port);
    this.locks.take(set);
    const place = this.find(set, address, port);
    let announced: AnnouncedFlow | null = null;
    if (place >= 0) {
      if (this.until[place] >= now) announced = this.read(place);
      this.free(place);
    }
    this.locks.release(set);
    return announced;
  }

  clear(): void {
    this.until.fill(0);
    this.onPorts.fill(0);
  }

  private find(set: number, address: Uint32Array, port: number): number {
    const { until, heads } = this;
    for (let place = set * WAYS; place < (set + 1) * WAYS; place++) {
      if (until[place] === 0) continue;
      const head = place * HEAD_WORDS;
      let i = 0;
      while (i < 4 && heads[head + i] === address[i]) i++;
      if (i === 4 && heads[head + 4] === port) return place;
    }
    return -1;
  }

  private read(place: number): AnnouncedFlow {
    const [protocolLength, noteLength] = this.heads.subarray(
      place * HEAD_WORDS + 5,
      (place + 1) * HEAD_WORDS,
    );
    const text = place * TEXT_BYTES;
    const behind = text + protocolLength;
    return {
      protocol: String.fromCharCode(...this.texts.subarray(text, behind)),
      note: this.texts.slice(behind, behind + noteLength),
    };
  }

  private free(place: number): void {
    if (this.until[place] === 0) return;
    this.until[place] = 0;
    Atomics.sub(this.onPorts, this.heads[place * HEAD_WORDS + 4] % PORT_GROUPS, 1);
  }
}

function setOf(address: Uint32Array, port: number): number {
  let hash = port;
  for (let i = 0; i < 4; i++) {
    hash = Math.imul(hash ^ address[i], 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return (hash >>> 4) & (SETS - 1);
}
