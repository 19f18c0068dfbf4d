import { NO_BYTES } from '../buffer-pool';
import { showBytes } from '../buffer-view';
import { MessageTransaction } from '../framing/message-parser';
import { ja3Hash, ja3Text, ja4 } from '../tls/fingerprints';
import type { Hello } from '../tls/hello';
import { Text } from '../tls/text';
import type { BufferView } from '../transaction';
import { Direction as Directions } from '../transaction';
import { QuicBuffer as B } from './buffers';
import { cyuHash, cyuText, type TagMessage } from './google-tags';
import { TEXT_BYTES } from './limits';

/** One packet. It is over when it was shown, so the parsers of a worker share one. */
export class QuicTransaction extends MessageTransaction {
  version = 0;
  /** The datagram, and where in it the version stands; -1: nowhere. */
  private bytes: Uint8Array = NO_BYTES;
  private versionAt = -1;
  hello: Hello | null = null;
  /** Messages of Google's QUIC and the bytes that hold them. */
  readonly tags: TagMessage[] = [];
  payload: Uint8Array = NO_BYTES;
  private readonly text = new Text(TEXT_BYTES);

  begin(id: number, version: number, bytes: Uint8Array, versionAt: number): void {
    this.id = id;
    this.matchState = null;
    this.version = version;
    this.bytes = bytes;
    this.versionAt = versionAt;
    this.hello = null;
    this.tags.length = 0;
    this.payload = NO_BYTES;
    this.text.clear();
  }

  /** Lets everything go. */
  end(): void {
    this.bytes = NO_BYTES;
    this.payload = NO_BYTES;
    this.hello = null;
    this.tags.length = 0;
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    const { hello, tags } = this;
    switch (id) {
      case B.VERSION:
        return this.versionAt >= 0 && showBytes(out, this.bytes, this.versionAt, this.versionAt + 4);
      case B.SNI:
        if (hello !== null && hello.serverNameStart >= 0) {
          return showBytes(out, hello.bytes, hello.serverNameStart, hello.serverNameEnd);
        }
        return this.showTag(out, lastOf(tags, 'serverName'));
      case B.UA:
        return this.showTag(out, lastOf(tags, 'userAgent'));
      case B.CYU_HASH:
      case B.CYU_STRING: {
        const cyu = this.cyu(index);
        return cyu !== '' && this.show(out, id === B.CYU_HASH ? cyuHash(cyu) : cyu);
      }
      case B.JA4_HASH:
        return hello?.client === true && this.show(out, ja4(hello, true));
      default: {
        if (hello === null) return false;
        const ja3 = ja3Text(hello);
        return this.show(out, id === B.JA3_HASH || id === B.JA3S_HASH ? ja3Hash(ja3) : ja3);
      }
    }
  }

  /** The `index`-th CYU text of a client's packet; '' where there is none. */
  cyu(index: number): string {
    const fromClient = this.direction === Directions.TO_SERVER && index < this.tags.length;
    return fromClient ? cyuText(this.version, this.tags[index].names) : '';
  }

  private showTag(out: BufferView, place: readonly [number, number] | null): boolean {
    return place !== null && showBytes(out, this.payload, place[0], place[1]);
  }

  private show(out: BufferView, value: string): boolean {
    const { text } = this;
    const start = text.end;
    text.latin(value);
    return !text.overflow && showBytes(out, text.bytes, start, text.end);
  }
}

function lastOf(
  messages: readonly TagMessage[],
  what: 'serverName' | 'userAgent',
): readonly [number, number] | null {
  for (let i = messages.length - 1; i >= 0; i--) if (messages[i][what] !== null) return messages[i][what];
  return null;
}
