import { NO_BYTES } from '../buffer-pool';
import type { Certificate } from './certificate';
import { CERTIFICATES } from './limits';

/** The certificates that one side has sent. */
export class CertificateChain {
  /** List of certificates, each with its length before it in three bytes. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  /** Certificates of the chain whose form is right or was not looked at. */
  count = 0;
  /** The first one that could be read; null: none could. */
  leaf: Certificate | null = null;
  /** Places of the certificates, start and end, `CERTIFICATES` at most. */
  readonly places: number[] = [];
  private owned = false;

  heldBytes(): number {
    return this.owned ? this.bytes.length : 0;
  }

  /** Moves on to a copy of its bytes, where they are only borrowed. */
  own(): void {
    if (this.owned) return;
    this.owned = true;
    const { start } = this;
    this.bytes = this.bytes.slice(start, this.end);
    this.start = 0;
    this.end -= start;
    for (let i = 0; i < this.places.length; i++) this.places[i] -= start;
    this.leaf?.moveTo(this.bytes, start);
  }

  add(start: number, end: number): void {
    this.count++;
    if (this.places.length < CERTIFICATES * 2) this.places.push(start, end);
  }
}
