import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { RuleOption } from '@portcullis/rules';
import { invalid } from '../option-value';
import { ValueTable, ValueTableBuilder, type ValueTableBytes } from './value-table';

/** A list that a rule names is refused where it is larger, bytes. */
const LARGEST_LIST = 256 << 20;

/** A file is not what it should be. */
export class ListError extends Error {
  readonly code = 'LIST_INVALID';
}

/** A list as it was read: plain data that crosses threads. */
export interface ReadList {
  readonly path: string;
  /** What the file was then, by `fileState`. */
  readonly state: string;
  /** What is in it, or why that is not known. */
  readonly values: ValueTableBytes | string;
}

/** Lists by file and form. */
export type ReadLists = ReadonlyMap<string, ReadList>;

/** Equal for as long as nobody has written to the file, or put another one in its place. */
function fileState(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** Whether the files are still what they were when the lists were read. */
export function listsAreCurrent(lists: ReadLists): boolean {
  return [...lists.values()].every(({ path, state }) => fileState(path) === state);
}

/**
 * Files that rules name: lists of hashes, of data. Each is read once for a rule set, by the thread that prepares it; reading
 * a large one takes seconds, and other threads look into what the first has made of it.
 */
export class ListFiles {
  private readonly lists: Map<string, ReadList>;
  private readonly tables = new Map<string, ValueTable>();

  /** @param lists that were read for these rules */
  constructor(lists: ReadLists = new Map()) {
    this.lists = new Map(lists);
  }

  /** What has been read so far. */
  get read(): ReadLists {
    return this.lists;
  }

  /** @param ruleFile the file of the rule: what it names lies beside it unless the path is absolute */
  path(ruleFile: string, name: string): string {
    return isAbsolute(name) ? name : join(dirname(ruleFile), name);
  }

  /**
   * @param form what tells this way of reading the file from others
   * @param optional a file that is not there is an empty one
   * @param read adds what the text of the file says to the table; may throw a `ListError`
   * @throws RuleError where the file cannot be read, or is not what it should be
   */
  table(
    option: RuleOption,
    { path, form, optional = false }: { path: string; form: string; optional?: boolean },
    read: (text: string, table: ValueTableBuilder) => void,
  ): ValueTable {
    const key = `${form} ${path}`;
    const known = this.tables.get(key);
    if (known) return known;
    let list = this.lists.get(key);
    if (!list) {
      // Asked before reading: what is written meanwhile makes it another file.
      const state = fileState(path);
      list = { path, state, values: readValues(path, optional, read) };
      this.lists.set(key, list);
    }
    if (typeof list.values === 'string') throw invalid(option, list.values);
    const table = new ValueTable(list.values);
    this.tables.set(key, table);
    return table;
  }

  /**
   * The hashes of a file: one in hex at the beginning of each line, what follows a blank or comma is a comment.
   * @param length of a hash, bytes
   * @returns the hashes, each as a string whose characters are its bytes
   * @throws as `table`
   */
  hashes(option: RuleOption, path: string, length: number): ValueTable {
    return this.table(option, { path, form: `hashes of ${length} bytes` }, (text, table) => {
      for (const { number, line } of linesOf(text)) {
        const hex = /^[0-9a-fA-F]+/.exec(line)?.[0] ?? '';
        if (hex.length !== length * 2)
          throw new ListError(`${path}:${number} does not begin with ${length * 2} hexadecimal digits`);
        table.add(Buffer.from(hex, 'hex').toString('latin1'));
      }
      if (table.size === 0) throw new ListError(`${path} has no hashes`);
    });
  }
}

function readValues(
  path: string,
  optional: boolean,
  read: (text: string, table: ValueTableBuilder) => void,
): ValueTableBytes | string {
  try {
    const table = new ValueTableBuilder();
    read(textOf(path, optional), table);
    return table.build();
  } catch (error) {
    // A RangeError: more than memory, or the table, can hold.
    if (error instanceof ListError) return error.message;
    if (error instanceof RangeError) return `${path}: ${error.message}`;
    throw error;
  }
}

/** Lines that say something, one after the other: a large text is not cut into all of its lines at once. */
export function* linesOf(text: string): Generator<{ number: number; line: string }> {
  let number = 0;
  for (let start = 0; start <= text.length; ) {
    number++;
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    const line = text.slice(start, end).trim();
    if (line !== '' && !line.startsWith('#')) yield { number, line };
    start = end + 1;
  }
}

function textOf(path: string, optional: boolean): string {
  try {
    if (statSync(path).size > LARGEST_LIST)
      throw new ListError(`${path} is larger than ${LARGEST_LIST >> 20} MiB`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof ListError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (optional && code === 'ENOENT') return '';
    throw new ListError(`cannot read ${path}: ${code}`);
  }
}
