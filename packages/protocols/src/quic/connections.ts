import { NO_BYTES } from '../buffer-pool';
import type { Direction } from '../transaction';
import { Direction as Directions } from '../transaction';
import { CryptoStream } from './crypto-stream';
import type { QuicHeader } from './header';
import { InitialKeys } from './keys';
import { CONNECTIONS } from './limits';

/** What is known of one connection. */
export class QuicConnection {
  readonly streams: readonly [CryptoStream, CryptoStream] = [new CryptoStream(), new CryptoStream()];
  /** Directions whose hello was seen. */
  readonly greeted: [boolean, boolean] = [false, false];

  /** @param keys null where the packets of a version are not protected */
  constructor(readonly keys: InitialKeys | null) {}

  clear(direction: Direction): void {
    this.streams[direction].clear();
  }
}

/**
 * Connections between the same two ends. A client may have several at a time, and their packets may come in turns. The ends
 * tell them by identifiers that change; who looks on tells them by the keys that open a packet.
 */
export class QuicConnections {
  /** The one used last comes last. */
  private readonly all: QuicConnection[] = [];
  /** What `open` has made of the packet. */
  payload: Uint8Array = NO_BYTES;
  /** A connection had to make room for another, and its hello was not whole. */
  overflow = false;

  /** Whether there are connections, and of none of them the hello of this direction is still to come. */
  settled(direction: Direction): boolean {
    return this.all.length > 0 && this.all.every(({ greeted }) => greeted[direction]);
  }

  /** Opens the initial packet whose header was read. @returns whose it is; null where nobody's keys open it */
  open(direction: Direction, bytes: Uint8Array, start: number, header: QuicHeader): QuicConnection | null {
    const opens = ({ keys }: QuicConnection) => {
      const payload = keys?.open(direction, bytes, start, header.end, header.packetEnd) ?? null;
      if (payload !== null) this.payload = payload;
      return payload !== null;
    };
    for (let i = this.all.length - 1; i >= 0; i--) {
      const known = this.all[i];
      if (!opens(known)) continue;
      this.all.splice(i, 1);
      this.all.push(known);
      return known;
    }
    // Only a client begins a connection, and the keys come from the identifier that it chose.
    if (direction === Directions.TO_CLIENT) return null;
    const identifier = bytes.subarray(header.connectionStart, header.connectionEnd);
    const other = new QuicConnection(InitialKeys.of(header.version, identifier));
    if (!opens(other)) return null;
    this.add(other);
    return other;
  }

  forget(connection: QuicConnection): void {
    const at = this.all.indexOf(connection);
    if (at >= 0) this.all.splice(at, 1);
  }

  clear(): void {
    this.all.length = 0;
    this.payload = NO_BYTES;
    this.overflow = false;
  }

  close(direction: Direction): void {
    for (const connection of this.all) connection.clear(direction);
  }

  heldBytes(): number {
    let held = 0;
    for (const { streams } of this.all) held += streams[0].heldBytes() + streams[1].heldBytes();
    return held;
  }

  private add(connection: QuicConnection): void {
    if (this.all.length === CONNECTIONS) {
      // Of one whose hello was seen nothing is lost: should it go on, its packets are of nobody.
      const done = this.all.findIndex(({ greeted }) => greeted[Directions.TO_SERVER]);
      this.overflow ||= done < 0;
      this.all.splice(Math.max(done, 0), 1);
    }
    this.all.push(connection);
  }
}
