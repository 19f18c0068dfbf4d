/**
 * Conversations as data: who says what to which port. Text stands for bytes one to one (latin1), so that `\xff` is
 * one byte and payloads can be read.
 */

export type Speaker = 'client' | 'server';

export interface Step {
  readonly from: Speaker;
  readonly bytes: Uint8Array;
}

/** One TCP connection. */
export interface Exchange {
  readonly port: number;
  readonly steps: readonly Step[];
}

/** What a signature has to say about some traffic. An array of exchanges is one attack over several connections. */
export interface SignatureCase {
  readonly sid: number;
  /** The attack as it is known, and at least one that is written otherwise. Each has to be found. */
  readonly attacks: readonly (Exchange | readonly Exchange[])[];
  /** Harmless traffic that looks alike. No signature may find anything in it. */
  readonly nearMisses: readonly (Exchange | readonly Exchange[])[];
}

/** Ordinary traffic, in which no signature may find anything. */
export interface OrdinaryTraffic {
  readonly name: string;
  readonly exchange: Exchange | readonly Exchange[];
}

export function signature(
  sid: number,
  attacks: SignatureCase['attacks'],
  nearMisses: SignatureCase['nearMisses'],
): SignatureCase {
  return { sid, attacks, nearMisses };
}

export type Text = string | Uint8Array;

export function bytes(text: Text): Uint8Array {
  return typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
}

/** The bytes that hexadecimal digits stand for; blanks are free. */
export function hex(digits: string): string {
  return Buffer.from(digits.replace(/\s/g, ''), 'hex').toString('latin1');
}

export function utf16(text: string): string {
  return Buffer.from(text, 'utf16le').toString('latin1');
}

/** Number as `size` bytes, the least significant first. */
export function little(size: number, value: number): string {
  let text = '';
  for (let at = 0; at < size; at++) text += String.fromCharCode(Math.floor(value / 256 ** at) % 256);
  return text;
}

/** Number as `size` bytes, the most significant first. */
export function big(size: number, value: number): string {
  return [...little(size, value)].reverse().join('');
}

/** Client and server take turns; a line that starts with `<` is the server's, all others are the client's. */
export interface Turn {
  readonly server: Text;
}

export function says(server: Text): Turn {
  return { server };
}

/** A connection in which the client's parts are plain texts and the server's are wrapped in `says`. */
export function talk(port: number, ...parts: (Text | Turn)[]): Exchange {
  return {
    port,
    steps: parts.map((part) =>
      typeof part === 'object' && 'server' in part
        ? { from: 'server', bytes: bytes(part.server) }
        : { from: 'client', bytes: bytes(part) },
    ),
  };
}

export function times(count: number, exchange: Exchange): Exchange[] {
  return new Array<Exchange>(count).fill(exchange);
}
