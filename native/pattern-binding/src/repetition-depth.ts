/** Depth reported for what can repeat itself by recursion. */
const RECURSIVE = 3;

/** A repetition of up to so many times counts as none: it multiplies the work by a constant. */
const FEW = 16;

const BACKSLASH = 0x5c;

/**
 * How deep unbounded repetitions stand inside one another in a PCRE2 expression: 0 for `abc`, 1 for `a*`,
 * 2 for `(?:a*b)*`; recursion counts as 3. It decides how much JIT code may be trusted with: inside a
 * repetition it runs whole inner loops without counting them against the match limit, so the time from one
 * start position grows as the length of the subject to the power of this depth.
 *
 * An estimate from the text alone that errs upwards.
 */
export function repetitionDepth(pattern: string, extended: boolean): number {
  if (/\(\?(?:R|&|P>|[+-]?[0-9])|\\g[<']/.test(pattern)) return RECURSIVE;
  // An inline (?x) begins comments that this reading would take for expression.
  if (!extended && /\(\?\^?[a-wyz]*x/i.test(pattern)) return RECURSIVE;

  // For each open group: the deepest in it so far, and the depth of the item that a quantifier would repeat.
  const deepest = [0];
  let item = 0;
  let at = 0;
  const level = () => deepest.length - 1;
  const seen = (depth: number) => {
    item = depth;
    deepest[level()] = Math.max(deepest[level()], depth);
  };

  while (at < pattern.length) {
    const character = pattern[at];
    if (character === '\\') {
      if (pattern[at + 1] === 'Q') {
        const close = pattern.indexOf('\\E', at + 2);
        at = close < 0 ? pattern.length : close + 2;
      } else {
        at += 2;
      }
      seen(0);
    } else if (character === '[') {
      at = endOfClass(pattern, at);
      seen(0);
    } else if (character === '#' && extended) {
      const newline = pattern.indexOf('\n', at);
      at = newline < 0 ? pattern.length : newline + 1;
    } else if (character === '(') {
      if (pattern.startsWith('(?#', at)) {
        const close = pattern.indexOf(')', at);
        at = close < 0 ? pattern.length : close + 1;
        continue;
      }
      deepest.push(0);
      item = 0;
      at += pattern[at + 1] === '?' || pattern[at + 1] === '*' ? 2 : 1;
    } else if (character === ')') {
      const inner = deepest.length > 1 ? deepest.pop()! : deepest[0];
      seen(inner);
      at++;
    } else {
      const quantifier = readQuantifier(pattern, at);
      if (quantifier === null) {
        // White space does not separate an item from its quantifier in an extended expression.
        if (!(extended && /\s/.test(character))) seen(0);
        at++;
      } else {
        if (quantifier.unbounded) seen(item + 1);
        at = quantifier.end;
        // A second + or ? makes it possessive or lazy; it repeats nothing.
        if (pattern[at] === '+' || pattern[at] === '?') at++;
      }
    }
  }
  return Math.max(...deepest);
}

function endOfClass(pattern: string, open: number): number {
  let at = open + 1;
  if (pattern[at] === '^') at++;
  // A bracket that comes first is an ordinary character.
  if (pattern[at] === ']') at++;
  while (at < pattern.length && pattern[at] !== ']') {
    if (pattern.charCodeAt(at) === BACKSLASH) {
      at += 2;
    } else if (pattern.startsWith('[:', at)) {
      const close = pattern.indexOf(':]', at + 2);
      at = close < 0 || /[^a-z^]/.test(pattern.slice(at + 2, close)) ? at + 1 : close + 2;
    } else {
      at++;
    }
  }
  return at + 1;
}

function readQuantifier(pattern: string, at: number): { end: number; unbounded: boolean } | null {
  const character = pattern[at];
  if (character === '*' || character === '+') return { end: at + 1, unbounded: true };
  if (character === '?') return { end: at + 1, unbounded: false };
  if (character !== '{') return null;
  const bounds = /^\{\s*(\d*)\s*(,?)\s*(\d*)\s*\}/.exec(pattern.slice(at, at + 32));
  if (bounds === null) return null;
  const most = bounds[2] === '' ? bounds[1] : bounds[3];
  return { end: at + bounds[0].length, unbounded: most === '' || Number(most) > FEW };
}
