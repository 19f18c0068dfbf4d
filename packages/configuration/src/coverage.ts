/** What prefixes, and ranges, hold together. */
import ip6addr from 'ip6addr';

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** @param ranges in any order; they may overlap */
function cover(ranges: readonly Range[], least: bigint, most: bigint): boolean {
  let next = least;
  for (const { first, last } of [...ranges].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    if (first > next) return false;
    if (last >= next) next = last + 1n;
  }
  return next > most;
}

function rangeOf(prefix: string): Range & { family: 4 | 6 } {
  const [address = '', length] = prefix.split('/');
  const parsed = ip6addr.parse(address);
  const family = parsed.kind() === 'ipv4' ? 4 : 6;
  const width = family === 4 ? 32 : 128;
  const bytes = Buffer.from(parsed.toBuffer()).subarray(family === 4 ? 12 : 0);
  const free = BigInt(width - Number(length ?? width));
  const first = (BigInt(`0x${bytes.toString('hex')}`) >> free) << free;
  return { family, first, last: first + (1n << free) - 1n };
}

/** @param prefixes with or without their lengths @returns a family of which they leave no address out */
export function coveredFamily(prefixes: readonly string[]): 4 | 6 | null {
  const ranges = prefixes.map(rangeOf);
  for (const family of [4, 6] as const) {
    const most = (1n << (family === 4 ? 32n : 128n)) - 1n;
    if (
      cover(
        ranges.filter((range) => range.family === family),
        0n,
        most,
      )
    )
      return family;
  }
  return null;
}

/** @returns whether no port is left out; port 0 is nobody's */
export function coverPorts(ranges: readonly { readonly first: number; readonly last: number }[]): boolean {
  const wide = ranges.map(({ first, last }) => ({ first: BigInt(first), last: BigInt(last) }));
  return cover(wide, 1n, 65_535n);
}
