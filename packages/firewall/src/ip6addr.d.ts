/** The part of `ip6addr` that is used; the package brings no types. */
declare module 'ip6addr' {
  interface Addr {
    /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
    toBuffer(): Buffer;
  }
  export function parse(input: string): Addr;
}
