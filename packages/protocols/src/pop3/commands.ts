/** Commands of a client (RFC 1939, RFC 2449, RFC 2595, RFC 5034). */

interface CommandForm {
  /** Fewest and most arguments. */
  readonly least: number;
  readonly most: number;
  /** Arguments with which a good reply has several lines, up to one with a dot; -1: it never has. */
  readonly listWith: number;
}

const form = (least: number, most = least, listWith = -1): CommandForm => ({ least, most, listWith });

const COMMANDS: ReadonlyMap<string, CommandForm> = new Map([
  ['USER', form(1)],
  // A password may have blanks.
  ['PASS', form(1, Number.POSITIVE_INFINITY)],
  ['APOP', form(2)],
  ['STAT', form(0)],
  ['LIST', form(0, 1, 0)],
  ['RETR', form(1, 1, 1)],
  ['DELE', form(1)],
  ['NOOP', form(0)],
  ['RSET', form(0)],
  ['QUIT', form(0)],
  ['TOP', form(2, 2, 2)],
  ['UIDL', form(0, 1, 0)],
  ['CAPA', form(0, 0, 0)],
  ['STLS', form(0)],
  ['AUTH', form(0, 2, 0)],
  ['UTF8', form(0)],
  ['LANG', form(0, 1, 0)],
]);

export interface Pop3Command {
  /** In capitals. */
  readonly name: string;
  readonly known: boolean;
  readonly argumentsFit: boolean;
  /** A good reply has several lines. */
  readonly lists: boolean;
}

/** Bytes of a line that are looked at. */
const LOOKED_AT = 512;

export function readCommand(line: Uint8Array, start: number, end: number): Pop3Command {
  const words = Buffer.from(line.subarray(start, Math.min(end, start + LOOKED_AT)))
    .toString('latin1')
    .split(' ')
    .filter((word) => word !== '');
  const name = (words[0] ?? '').toUpperCase();
  const count = words.length - 1;
  const found = COMMANDS.get(name);
  if (found === undefined) return { name, known: false, argumentsFit: true, lists: false };
  return {
    name,
    known: true,
    argumentsFit: count >= found.least && count <= found.most,
    lists: found.listWith === count,
  };
}
