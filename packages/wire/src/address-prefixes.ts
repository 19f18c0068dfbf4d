import { parseAddress } from './address';

/** A few address prefixes, IPv4 and IPv6, each asked in turn. */
export class AddressPrefixes {
  /** Four words of each prefix, then four of its mask. */
  private readonly words: Uint32Array;

  /** @param prefixes `ADDRESS/LENGTH` or `ADDRESS`. @throws RangeError for what is neither */
  constructor(prefixes: readonly string[]) {
    this.words = new Uint32Array(prefixes.length * 8);
    prefixes.forEach((text, place) => {
      const [address, length, ...rest] = text.split('/') as [string, string?, ...string[]];
      const parsed = parseAddress(address);
      const width = address.includes(':') ? 128 : 32;
      const bits = length === undefined ? width : Number(length);
      if (parsed === null || rest.length > 0 || !Number.isInteger(bits) || bits < 0 || bits > width)
        throw new RangeError(`'${text}' is not an address or prefix`);
      // IPv4 stands in the last of the four words, behind 96 bits that say so.
      const significant = 128 - width + bits;
      for (let word = 0; word < 4; word++) {
        const inWord = Math.min(Math.max(significant - word * 32, 0), 32);
        const mask = inWord === 0 ? 0 : (0xffffffff << (32 - inWord)) >>> 0;
        this.words[place * 8 + word] = (parsed[word] as number) & mask;
        this.words[place * 8 + 4 + word] = mask;
      }
    });
  }

  /** @param address four big-endian words, as `PacketView` has them */
  has(address: Uint32Array): boolean {
    return this.touches(address, 128);
  }

  /**
   * Whether one of them and another prefix have an address in common: one lies in the other.
   * @param length of the other, in bits of the four words: 96 more than an IPv4 prefix says
   */
  touches(address: Uint32Array, length: number): boolean {
    const { words } = this;
    for (let at = 0; at < words.length; at += 8) {
      let word = 0;
      for (; word < 4; word++) {
        const inWord = Math.min(Math.max(length - word * 32, 0), 32);
        const mask = inWord === 0 ? 0 : 0xffffffff << (32 - inWord);
        const differing = (address[word] as number) ^ (words[at + word] as number);
        if ((differing & (words[at + 4 + word] as number) & mask) !== 0) break;
      }
      if (word === 4) return true;
    }
    return false;
  }
}
