/**
 * The single-byte character that Windows-1252 servers take a Unicode character for ("best fit", Microsoft's
 * bestfit1252 mapping). It is how `%uff0f` or a fullwidth slash comes to be a path separator.
 */

const REPLACEMENT = 0x3f;

/** Punctuation and signs: the ASCII character and the code points that are taken for it. */
const SIGNS: readonly (readonly [string, readonly number[]])[] = [
  [' ', [0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x3000]],
  ['!', [0x01c3]],
  ['"', [0x02ba, 0x030e]],
  ['%', [0x066a]],
  ["'", [0x02b9, 0x02bc, 0x02c8, 0x2032]],
  ['(', [0x2320]],
  [')', [0x2321]],
  ['*', [0x2217]],
  ['-', [0x2010, 0x2011, 0x2212, 0x2500, 0x2550]],
  ['/', [0x2044, 0x2215]],
  [':', [0x0589, 0x2236]],
  [';', [0x037e]],
  ['<', [0x2329, 0x3008]],
  ['=', [0x2017, 0x2261, 0x2264, 0x2265]],
  ['>', [0x232a, 0x3009]],
  ['[', [0x301a]],
  ['\\', [0x2216]],
  [']', [0x301b]],
  ['^', [0x02c4, 0x0302, 0x2303]],
  ['_', [0x02cd, 0x0331, 0x0332, 0x2584]],
  ['`', [0x02cb, 0x0300, 0x2035]],
  ['|', [0x01c0, 0x2223, 0x2758]],
  ['~', [0x0303, 0x223c]],
];

/** Letters whose form does not decompose in Unicode, and letter-like signs. */
const LETTERS: readonly (readonly [string, readonly number[]])[] = [
  ['b', [0x0180]],
  ['C', [0x2102, 0x212d]],
  ['D', [0x0110]],
  ['d', [0x0111, 0x03b4]],
  ['E', [0x2107, 0x2130]],
  ['e', [0x03b5, 0x212e, 0x212f]],
  ['F', [0x03a6, 0x2131]],
  ['f', [0x03c6]],
  ['G', [0x01e4, 0x0393]],
  ['g', [0x01e5, 0x0261, 0x210a]],
  ['H', [0x0126, 0x210b, 0x210c, 0x210d]],
  ['h', [0x0127, 0x04bb, 0x210e]],
  ['I', [0x0197, 0x2110, 0x2111]],
  ['i', [0x0131]],
  ['K', [0x212a]],
  ['L', [0x0141, 0x2112]],
  ['l', [0x0142, 0x019a, 0x2113]],
  ['M', [0x2133]],
  ['n', [0x207f, 0x2229]],
  ['O', [0x019f, 0x03a9]],
  ['o', [0x2134]],
  ['P', [0x20a7, 0x2118, 0x2119]],
  ['p', [0x03c0]],
  ['Q', [0x211a]],
  ['R', [0x211b, 0x211c, 0x211d]],
  ['S', [0x03a3]],
  ['s', [0x03c3]],
  ['T', [0x0166, 0x01ae, 0x0398]],
  ['t', [0x0167, 0x01ab, 0x03c4]],
  ['a', [0x03b1]],
  ['v', [0x221a]],
  ['Z', [0x2124, 0x2128]],
  ['z', [0x01b6]],
];

const LAST = 0x3100;
const table = buildTable();

function buildTable(): Uint8Array {
  const map = new Uint8Array(LAST).fill(REPLACEMENT);
  for (let code = 0; code < 0x100; code++) map[code] = code;
  // Accented letters: the letter they are built on.
  for (let code = 0x100; code < 0x1f1; code++) {
    const letter = String.fromCharCode(code).normalize('NFD').charCodeAt(0);
    if (letter < 0x80) map[code] = letter;
  }
  for (const [character, codes] of [...SIGNS, ...LETTERS])
    for (const code of codes) map[code] = character.charCodeAt(0);
  for (let digit = 4; digit <= 9; digit++) map[0x2070 + digit] = 0x30 + digit;
  for (let digit = 0; digit <= 9; digit++) map[0x2080 + digit] = 0x30 + digit;
  return map;
}

/** The byte for a Unicode code point; `?` where there is none. */
export function bestFit(codePoint: number): number {
  if (codePoint < LAST) return table[codePoint];
  // Fullwidth forms of ! to ~.
  if (codePoint >= 0xff01 && codePoint <= 0xff5e) return codePoint - 0xff01 + 0x21;
  return REPLACEMENT;
}
