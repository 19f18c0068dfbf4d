import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { RuleOption } from '@portcullis/rules';
import { invalid } from '../option-value';

/** A list that a rule names is refused where it is larger, bytes. */
const LARGEST_LIST = 256 << 20;

/** Files that rules name: lists of hashes, of data. Each is read once for a rule set. */
export class ListFiles {
  private readonly texts = new Map<string, string>();
  private readonly hashes = new Map<string, ReadonlySet<string>>();

  /** @param ruleFile the file of the rule: what it names lies beside it unless the path is absolute */
  path(ruleFile: string, name: string): string {
    return isAbsolute(name) ? name : join(dirname(ruleFile), name);
  }

  exists(path: string): boolean {
    return existsSync(path);
  }

  /** @throws RuleError where the file cannot be read */
  read(option: RuleOption, path: string): string {
    const known = this.texts.get(path);
    if (known !== undefined) return known;
    let text: string;
    try {
      if (statSync(path).size > LARGEST_LIST) {
        throw invalid(option, `${path} is larger than ${LARGEST_LIST >> 20} MiB`);
      }
      text = readFileSync(path, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined || code === 'RULE_INVALID') throw error;
      throw invalid(option, `cannot read ${path}: ${code}`);
    }
    this.texts.set(path, text);
    return text;
  }

  /**
   * The hashes of a file: one in hex at the beginning of each line, what follows a blank or comma is a comment.
   * @param length of a hash, bytes
   * @returns the hashes, each as a string whose characters are its bytes
   */
  hashSet(option: RuleOption, path: string, length: number): ReadonlySet<string> {
    const key = `${length} ${path}`;
    const known = this.hashes.get(key);
    if (known) return known;
    const set = new Set<string>();
    let number = 0;
    for (const line of this.read(option, path).split('\n')) {
      number++;
      const text = line.trim();
      if (text === '' || text.startsWith('#')) continue;
      const hex = /^[0-9a-fA-F]+/.exec(text)?.[0] ?? '';
      if (hex.length !== length * 2) {
        throw invalid(option, `${path}:${number} does not begin with ${length * 2} hexadecimal digits`);
      }
      set.add(Buffer.from(hex, 'hex').toString('latin1'));
    }
    if (set.size === 0) throw invalid(option, `${path} has no hashes`);
    this.hashes.set(key, set);
    return set;
  }
}
