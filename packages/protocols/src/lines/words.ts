/** Words at the beginning of lines. */

/** Bytes of a word in ASCII. */
export function word(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** Whether the line begins with the word, in any case of letters. @param word in capitals */
export function beginsWithWord(line: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start < word.length) return false;
  for (let i = 0; i < word.length; i++) {
    const c = line[start + i];
    if ((c >= 0x61 && c <= 0x7a ? c & 0xdf : c) !== word[i]) return false;
  }
  return true;
}
