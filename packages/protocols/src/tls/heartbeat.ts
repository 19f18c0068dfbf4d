import type { Direction } from '../transaction';
import { TlsEvent } from './events';

const REQUEST = 1;
const RESPONSE = 2;
const SMALLEST_PADDING = 16;

/** Heartbeats of a connection (RFC 6520), for answers that leak memory (CVE-2014-0160). */
export class Heartbeats {
  /** Side that asked and got no answer yet; -1: none. */
  private asker = -1;
  /** Size of the record of an encrypted request. */
  private asked = 0;

  /**
   * @param encrypted its contents cannot be read
   * @returns '' or the event that tells what is wrong
   */
  read(direction: Direction, bytes: Uint8Array, start: number, end: number, encrypted: boolean): string {
    const length = end - start;
    if (length < 3) return '';
    const type = bytes[start];
    if (!encrypted && type !== REQUEST && type !== RESPONSE) return TlsEvent.INVALID_HEARTBEAT_MESSAGE;
    if (this.asker < 0) {
      this.asker = direction;
      if (encrypted) {
        this.asked = length;
        return '';
      }
      const padding = length - 3 - ((bytes[start + 1] << 8) | bytes[start + 2]);
      if (padding < 0) return TlsEvent.OVERFLOW_HEARTBEAT_MESSAGE;
      return padding < SMALLEST_PADDING ? TlsEvent.INVALID_HEARTBEAT_MESSAGE : '';
    }
    if (this.asker === direction) return TlsEvent.INVALID_HEARTBEAT_MESSAGE;
    this.asker = -1;
    const { asked } = this;
    this.asked = 0;
    return encrypted && asked > 0 && asked < length ? TlsEvent.DATALEAK_HEARTBEAT_MISMATCH : '';
  }
}
