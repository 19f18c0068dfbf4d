import { Extension, type Hello, isGrease, u16 } from './hello';

const NO_BYTES = new Uint8Array(0);
/** More numbers than any program sends; what is made of hellos with more is not kept. */
const MOST = 512;
const ENTRIES = 64;

/**
 * The numbers of a hello that its JA3 text is made of, without those that mean nothing: version, side, ciphers, types of
 * extensions, and groups or formats behind the types that have them. Each list has its length before it, so that no two
 * hellos have the same numbers in other lists.
 */
export class HelloNumbers {
  readonly values = new Uint16Array(MOST);
  count = 0;
  /** There are more than fit. */
  overflow = false;
  private bytes: Uint8Array = NO_BYTES;

  read(hello: Hello): void {
    this.bytes = hello.bytes;
    this.count = 0;
    this.overflow = false;
    this.add(hello.legacyVersion);
    this.add(hello.client ? 1 : 0);
    this.addList(hello.cipherStart, hello.cipherEnd, 2);
    hello.eachExtension(this.addExtension);
    this.bytes = NO_BYTES;
  }

  /** A number that differs for most hellos that differ. */
  sum(): number {
    const { values, count } = this;
    let sum = count;
    for (let i = 0; i < count; i++) sum = Math.imul(sum ^ values[i], 0x01000193);
    return sum ^ (sum >>> 15);
  }

  private readonly addExtension = (type: number, start: number, end: number): void => {
    if (!isGrease(type)) this.add(type);
    const { bytes } = this;
    if (type === Extension.SUPPORTED_GROUPS)
      this.addList(start + 2, end === start ? 0 : start + 2 + u16(bytes, start), 2);
    else if (type === Extension.POINT_FORMATS)
      this.addList(start + 1, end === start ? 0 : start + 1 + bytes[start], 1);
  };

  private addList(start: number, end: number, width: number): void {
    const { bytes } = this;
    const place = this.count;
    this.add(0);
    for (let i = start; i + width <= end; i += width) {
      const value = width === 1 ? bytes[i] : u16(bytes, i);
      if (width === 1 || !isGrease(value)) this.add(value);
    }
    if (place < MOST) this.values[place] = this.count - place - 1;
  }

  private add(value: number): void {
    if (this.count === MOST) this.overflow = true;
    else this.values[this.count++] = value;
  }
}

/** Texts that were made of the numbers of hellos: programs say hello in the same way each time. */
export class TextMemo {
  private readonly keys = new Uint16Array(ENTRIES * MOST);
  private readonly counts = new Uint16Array(ENTRIES);
  private readonly texts: string[] = new Array<string>(ENTRIES).fill('');

  /** @returns null where it is not known */
  find({ values, count, overflow }: HelloNumbers, sum: number): string | null {
    const entry = sum & (ENTRIES - 1);
    if (overflow || this.counts[entry] !== count) return null;
    const { keys } = this;
    const first = entry * MOST;
    for (let i = 0; i < count; i++) if (keys[first + i] !== values[i]) return null;
    return this.texts[entry];
  }

  keep({ values, count, overflow }: HelloNumbers, sum: number, text: string): void {
    if (overflow) return;
    const entry = sum & (ENTRIES - 1);
    const first = entry * MOST;
    for (let i = 0; i < count; i++) this.keys[first + i] = values[i];
    this.counts[entry] = count;
    this.texts[entry] = text;
  }
}
