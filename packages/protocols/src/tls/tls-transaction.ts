import { createHash } from 'node:crypto';
import { showBytes } from '../buffer-view';
import { writeInteger } from '../integer-view';
import {
  type BufferView,
  type Direction,
  Direction as Directions,
  type MatchState,
  type Transaction,
} from '../transaction';
import { TlsBuffer as B, TlsProgress } from './buffers';
import { ja3Hash, ja3Text, ja4 } from './fingerprints';
import { TEXT_BYTES } from './limits';
import { isPlainName, writeGeneralName, writeName } from './names';
import type { Side } from './side';
import { Text } from './text';

const RANDOM_TIME = 4;
const RANDOM = 32;
/** Certificates take the first slots, two for each of their buffers. */
const FINGERPRINT_SLOTS = 64 - B.SNI;

/** Text of the buffers that are made when asked for; of one transaction at a time. */
class DerivedText {
  private readonly text = new Text(TEXT_BYTES);
  private owner: TlsTransaction | null = null;
  private readonly starts = new Int32Array(128);
  private readonly ends = new Int32Array(128);

  /** Begins the text of a transaction; what was made for another one is gone. */
  begin(owner: TlsTransaction): void {
    if (this.owner === owner) return;
    this.owner = owner;
    this.text.clear();
    this.starts.fill(-1);
  }

  /** Forgets all: the bytes that it was made of are no longer there. */
  forget(owner: TlsTransaction): void {
    if (this.owner === owner) this.owner = null;
  }

  /** @param slot number of the text; -1: it is not looked for again */
  fill(owner: TlsTransaction, slot: number, out: BufferView, write: (to: Text) => void): boolean {
    this.begin(owner);
    const { text, starts, ends } = this;
    if (slot >= 0 && starts[slot] >= 0) return showBytes(out, text.bytes, starts[slot], ends[slot]);
    const start = text.end;
    text.overflow = false;
    write(text);
    if (text.overflow) {
      text.end = start;
      return false;
    }
    if (slot >= 0) {
      starts[slot] = start;
      ends[slot] = text.end;
    }
    return showBytes(out, text.bytes, start, text.end);
  }
}

const derived = new DerivedText();

/** One connection: TLS has no smaller unit. */
export class TlsTransaction implements Transaction {
  readonly id = 0;
  matchState: MatchState = null;
  /** The direction that is being told of. */
  current: Direction = 0;
  /** Bits of `TlsSeen`. */
  seen = 0;
  /** The same in the order of time, four bits each, the first one lowest. */
  private order = 0;
  private messages = 0;
  /** Server name, kept for descriptions. */
  serverName = '';
  resumed = false;

  /** @param sides of the parser, which are those of this connection */
  constructor(readonly sides: readonly [Side, Side]) {}

  progress(direction: Direction): number {
    return this.sides[direction].progress;
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    if (id <= B.RANDOM_BYTES) return this.helloBuffer(id, index, out);
    if (id >= B.JA3_HASH) return this.fingerprint(id, out);
    const side = this.sides[this.current];
    switch (id) {
      case B.VERSION:
        return side.version !== 0 && writeInteger(out, side.version, 2);
      case B.STATE:
        showBytes(out, this.messageBytes(), 0, this.messages);
        out.fresh = side.told;
        out.complete = side.progress >= TlsProgress.FINISHED;
        return true;
      default:
        return this.certificateBuffer(id, index, out);
    }
  }

  /** A message was seen for the first time. @param what bit of `TlsSeen` */
  see(what: number): void {
    this.seen |= what;
    this.order |= what << (4 * this.messages++);
  }

  /** Copies what is borrowed and was not looked at. */
  own(): void {
    derived.forget(this);
    this.sides[0].own();
    this.sides[1].own();
  }

  /** The direction was looked at, as far as it has come. */
  shown(direction: Direction): void {
    const side = this.sides[direction];
    side.told = this.messages;
    if (side.progress >= TlsProgress.HELLO) this.release(direction);
  }

  /** Lets go of the bytes of a direction. */
  release(direction: Direction): void {
    derived.forget(this);
    this.sides[direction].hello = null;
    this.sides[direction].chain = null;
  }

  private messageBytes(): Uint8Array {
    return Uint8Array.from({ length: this.messages }, (_, i) => (this.order >> (4 * i)) & 15);
  }

  private helloBuffer(id: number, index: number, out: BufferView): boolean {
    const { hello } = this.sides[this.current];
    if (hello === null) return false;
    const { bytes, random } = hello;
    switch (id) {
      case B.SNI:
        return (
          hello.serverNameStart >= 0 && showBytes(out, bytes, hello.serverNameStart, hello.serverNameEnd)
        );
      case B.ALPN: {
        const place = hello.applicationProtocol(index);
        if (place < 0) return false;
        const start = Math.floor(place / 256);
        return showBytes(out, bytes, start, start + (place % 256));
      }
      case B.RANDOM:
        return random >= 0 && showBytes(out, bytes, random, random + RANDOM);
      case B.RANDOM_TIME:
        return random >= 0 && showBytes(out, bytes, random, random + RANDOM_TIME);
      default:
        return random >= 0 && showBytes(out, bytes, random + RANDOM_TIME, random + RANDOM);
    }
  }

  private fingerprint(id: number, out: BufferView): boolean {
    const server = id === B.JA3S_HASH || id === B.JA3S_STRING;
    const { hello } = this.sides[server ? Directions.TO_CLIENT : Directions.TO_SERVER];
    if (hello === null || hello.random < 0) return false;
    return derived.fill(this, FINGERPRINT_SLOTS + id, out, (to) => {
      if (id === B.JA4_HASH) to.latin(ja4(hello, false));
      else if (id === B.JA3_STRING || id === B.JA3S_STRING) to.latin(ja3Text(hello));
      else to.latin(ja3Hash(ja3Text(hello)));
    });
  }

  private certificateBuffer(id: number, index: number, out: BufferView): boolean {
    const { current } = this;
    const { chain } = this.sides[current];
    if (id === B.CERT_CHAIN_LEN) return chain !== null && writeInteger(out, chain.count, 4);
    if (chain === null) return false;
    if (id === B.CERTS) {
      const place = index * 2;
      return (
        place < chain.places.length &&
        showBytes(out, chain.bytes, chain.places[place], chain.places[place + 1])
      );
    }
    const { leaf } = chain;
    if (leaf === null) return false;
    const { bytes } = leaf;
    const slot = 2 * (id - B.SNI) + current;
    switch (id) {
      case B.CERT_NOT_BEFORE:
        return leaf.notBefore >= 0 && writeInteger(out, leaf.notBefore, 8);
      case B.CERT_NOT_AFTER:
        return leaf.notAfter >= 0 && writeInteger(out, leaf.notAfter, 8);
      case B.CERT_SUBJECT:
        return derived.fill(this, slot, out, (to) =>
          writeName(bytes, leaf.subjectStart, leaf.subjectEnd, to),
        );
      case B.CERT_ISSUER:
        return derived.fill(this, slot, out, (to) => writeName(bytes, leaf.issuerStart, leaf.issuerEnd, to));
      case B.CERT_SERIAL:
        return derived.fill(this, slot, out, (to) =>
          to.hex(bytes, leaf.serialStart, leaf.serialEnd, true, 0x3a),
        );
      case B.CERT_FINGERPRINT:
        return derived.fill(this, slot, out, (to) => {
          const digest = createHash('sha1').update(bytes.subarray(leaf.start, leaf.end)).digest();
          to.hex(digest, 0, digest.length, false, 0x3a);
        });
      case B.SUBJECT_ALT_NAME: {
        const name = leaf.alternativeName(index);
        if (name === null) return false;
        const { number, start, stop } = name;
        if (isPlainName(number)) return showBytes(out, bytes, start, stop);
        return derived.fill(this, -1, out, (to) => writeGeneralName(number, bytes, start, stop, to));
      }
      default:
        return false;
    }
  }
}
