/** Commands of a client (RFC 959 section 4.1, RFC 2228, RFC 2428, RFC 3659). */

import { copied } from '../lines/copied';

export interface FtpCommand {
  /** In capitals: `RETR`, `AUTH TLS`. */
  readonly name: Uint8Array;
  readonly text: string;
  /** One of those that Suricata knows; it sees no transaction in others. */
  readonly known: boolean;
  /** What follows the command and one blank; null where nothing does. */
  readonly argument: Uint8Array | null;
}

const SPACE = 0x20;
const DEL = 0x7f;
/** Bytes of a command's name that are kept. */
const LONGEST_NAME = 32;

/** Commands that move data over a connection of their own, and whether towards the client. */
export const TRANSFERS: ReadonlyMap<string, boolean> = new Map([
  ['RETR', true],
  ['LIST', true],
  ['NLST', true],
  ['MLSD', true],
  ['STOR', false],
  ['APPE', false],
  ['STOU', false],
]);

const KNOWN: ReadonlySet<string> = new Set([
  'ABOR', 'ACCT', 'ALLO', 'APPE', 'AUTH TLS', 'CDUP', 'CHMOD', 'CWD', 'DELE', 'EPRT', 'EPSV', 'HELP', 'IDLE', 'LIST',
  'MAIL', 'MDTM', 'MKD', 'MLFL', 'MODE', 'MRCP', 'MRSQ', 'MSAM', 'MSND', 'MSOM', 'NLST', 'NOOP', 'PASS', 'PASV', 'PORT',
  'PWD', 'QUIT', 'REIN', 'REST', 'RETR', 'RMD', 'RNFR', 'RNTO', 'SITE', 'SIZE', 'SMNT', 'STAT', 'STOR', 'STOU', 'STRU',
  'SYST', 'TYPE', 'UMASK', 'USER',
]); // biome-ignore format: a table

/** @returns null for a line without a command */
export function readCommand(line: Uint8Array, start: number, end: number): FtpCommand | null {
  let from = start;
  // Telnet's signs may stand before ABOR (RFC 959 section 4.1.3).
  while (from < end && !isLetter(line[from])) from++;
  let stop = end;
  while (stop > from && (line[stop - 1] <= SPACE || line[stop - 1] === DEL)) stop--;
  if (from >= stop) return null;
  let nameEnd = wordEnd(line, from, stop);
  let text = upper(line, from, nameEnd);
  if (text === 'AUTH' && nameEnd < stop) {
    const kindEnd = wordEnd(line, nameEnd + 1, stop);
    const kind = upper(line, nameEnd + 1, kindEnd);
    if (kind === 'TLS' || kind === 'SSL' || kind === 'TLS-C' || kind === 'TLS-P') {
      text = `AUTH ${kind}`;
      nameEnd = kindEnd;
    }
  }
  const argument = nameEnd + 1 < stop ? copied(line, nameEnd + 1, stop) : null;
  return { name: Buffer.from(text, 'latin1'), text, known: KNOWN.has(text), argument };
}

function wordEnd(line: Uint8Array, from: number, end: number): number {
  let i = from;
  while (i < end && line[i] !== SPACE) i++;
  return i;
}

function upper(line: Uint8Array, start: number, end: number): string {
  const bytes = line.subarray(start, Math.min(end, start + LONGEST_NAME));
  return Buffer.from(bytes).toString('latin1').toUpperCase();
}

function isLetter(c: number): boolean {
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
