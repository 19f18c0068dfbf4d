/** One stream: a request with its response, and the frames that carried them. */

import { createHash } from 'node:crypto';
import { type BufferPool, NO_BYTES } from '../buffer-pool';
import { FIRST_BUFFER } from '../buffer-ranges';
import { showBytes } from '../buffer-view';
import { Coding } from '../content-coding/decoder';
import type { DnsTransaction } from '../dns/dns-transaction';
import { Body } from '../http1/body';
import { writeInteger } from '../integer-view';
import { HeldTransaction } from '../records/held-transaction';
import { type BufferView, type Direction, Direction as Directions } from '../transaction';
import { Http2Buffer, Http2Progress } from './buffers';
import { FIRST_DOH_BUFFER, FIRST_DOH_DNS_BUFFER } from './doh-buffers';
import { Fields } from './fields';

const BOMB_RATIO = 250;
const MOST_LAYERS = 2;
/** What a stream takes besides what a `HeldTransaction` does, its fields and its bodies, as measured. */
const OVERHEAD = 700;
/** Frames of a direction of a stream whose kinds are remembered. */
const MOST_FRAMES = 40;
const LONGEST_NAME = 1024;
/** Bytes of a Content-Encoding field that is read. */
const LONGEST_ENCODING = 200;

const B = Http2Buffer;
const ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [B.FILE_MD5, 'md5'],
  [B.FILE_SHA1, 'sha1'],
  [B.FILE_SHA256, 'sha256'],
]);

export class Http2Stream extends HeldTransaction {
  readonly fields: readonly [Fields, Fields] = [
    new Fields(Directions.TO_SERVER),
    new Fields(Directions.TO_CLIENT),
  ];
  readonly bodies: [Body | null, Body | null] = [null, null];
  readonly ended: [boolean, boolean] = [false, false];
  /** A body is under more content codings than are undone. */
  tooDeep = false;
  /** The table has counted so many bytes of it, and it has changed since. */
  counted = 0;
  changed = false;
  /** The DNS message of the direction that is being shown. */
  dns: DnsTransaction | null = null;
  private readonly frames: [number, number] = [0, 0];

  constructor(
    id: number,
    readonly streamId: number,
  ) {
    super(id);
  }

  override buffer(number: number, index: number, out: BufferView): boolean {
    const { direction } = this;
    let id = number;
    if (id >= FIRST_DOH_BUFFER) {
      if (id >= FIRST_DOH_DNS_BUFFER)
        return this.dns?.buffer(id - FIRST_DOH_DNS_BUFFER + FIRST_BUFFER.dns, index, out) ?? false;
      id += FIRST_BUFFER.http2 - FIRST_DOH_BUFFER;
    }
    if (id >= B.FRAMETYPE && id <= B.SETTINGS) return super.buffer(id, index, out);
    if (id >= B.FILE_DATA) return this.fileBuffer(id, index, out);
    if (id === B.REQUEST_BODY || id === B.RESPONSE_BODY) return index === 0 && this.viewBody(out);
    const several = id >= B.REQUEST_HEADER && id <= B.FRAME_HEADER;
    if (index > 0 && !several) return false;
    const bytes = several ? this.fields[direction].buffers(id, index) : this.fields[direction].buffer(id);
    return bytes !== null && whole(out, bytes);
  }

  /** Takes note of a frame. */
  noteFrame(direction: Direction, type: number): void {
    if (this.frames[direction]++ < MOST_FRAMES) this.putNumber(direction, B.FRAMETYPE, type, 1);
  }

  /** Takes a number that a frame holds. */
  noteNumber(direction: Direction, id: number, value: number, size: 1 | 4 | 8): void {
    if (this.frames[direction] <= MOST_FRAMES) this.putNumber(direction, id, value, size);
  }

  /** The body of a direction, begun when its first byte comes. @param limits bytes that are held, by direction */
  body(direction: Direction, pool: BufferPool, limits: readonly [number, number]): Body {
    let body = this.bodies[direction];
    if (body === null) {
      body = new Body(pool);
      const kinds = codingsOf(this.fields[direction].contentEncoding);
      this.tooDeep = kinds === null || kinds.length > MOST_LAYERS;
      const undone = kinds?.subarray(0, MOST_LAYERS) ?? NO_BYTES;
      body.begin(limits[direction], undone.length, undone, BOMB_RATIO);
      this.bodies[direction] = body;
    }
    return body;
  }

  override heldBytes(): number {
    let held = super.heldBytes() + OVERHEAD;
    for (const fields of this.fields) held += fields.heldBytes();
    for (const body of this.bodies) held += body?.heldBytes() ?? 0;
    return held;
  }

  release(): void {
    for (const body of this.bodies) body?.clear();
    this.bodies.fill(null);
  }

  private viewBody(out: BufferView): boolean {
    const body = this.bodies[this.direction];
    if (body === null || (body.length === 0 && body.streamOffset === 0)) return false;
    body.view(out);
    return true;
  }

  private fileBuffer(id: number, index: number, out: BufferView): boolean {
    const body = this.bodies[this.direction];
    if (index !== 0 || body === null) return false;
    if (id === B.FILE_DATA) return this.viewBody(out);
    if (id === B.FILE_NAME) {
      const path = this.fields[Directions.TO_SERVER].path;
      if (path === null) return false;
      return whole(out, path.subarray(0, Math.min(path.length, LONGEST_NAME)));
    }
    if (body.cut || this.progress(this.direction) < Http2Progress.COMPLETE) return false;
    body.view(out);
    if (id === B.FILE_SIZE) return writeInteger(out, out.end - out.start, 8);
    const algorithm = ALGORITHMS.get(id);
    if (algorithm === undefined) return false;
    return whole(out, createHash(algorithm).update(out.bytes.subarray(out.start, out.end)).digest());
  }
}

function whole(out: BufferView, bytes: Uint8Array): true {
  return showBytes(out, bytes, 0, bytes.length);
}

const CODINGS: ReadonlyMap<string, number> = new Map([
  ['gzip', Coding.DEFLATE],
  ['x-gzip', Coding.DEFLATE],
  ['deflate', Coding.DEFLATE],
  ['br', Coding.BROTLI],
]);

/** Content codings, the one that was applied last (which is told last) first; null: too many to be read. */
function codingsOf(encoding: Uint8Array | null): Uint8Array | null {
  const kinds: number[] = [];
  if (encoding === null) return NO_BYTES;
  if (encoding.length > LONGEST_ENCODING) return null;
  for (const name of Buffer.from(encoding).toString('latin1').toLowerCase().split(',').reverse()) {
    const coding = CODINGS.get(name.trim());
    // What lies under a coding that cannot be undone cannot be undone either.
    if (coding === undefined && name.trim() !== 'identity' && name.trim() !== '') return NO_BYTES;
    if (coding !== undefined) kinds.push(coding);
  }
  return Uint8Array.from(kinds);
}
