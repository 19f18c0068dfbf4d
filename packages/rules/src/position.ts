import { type Place, RuleError } from './ast';

/** Where a joined text continues on another line of its file. */
interface Continuation {
  /** Offset in the joined text at which the line begins. */
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** The text of one rule together with where its characters stand in the file. */
export class RuleText {
  constructor(
    readonly text: string,
    private readonly line: number,
    private readonly column: number,
    private readonly continuations: readonly Continuation[] | null = null,
  ) {}

  /** @param offset from the beginning of `text` */
  place(offset: number): Place {
    let { line } = this;
    let column = this.column + offset;
    for (const next of this.continuations ?? []) {
      if (offset < next.offset) break;
      line = next.line;
      column = next.column + offset - next.offset;
    }
    return { line, column };
  }

  /** The rule's sid, read without understanding the rule, so that an error can name it; 0 where there is none. */
  sid(): number {
    const found = /[;(\s]sid\s{0,8}:\s{0,8}(\d{1,10})\s{0,8};/.exec(this.text);
    const sid = found ? Number(found[1]) : 0;
    return sid <= 0xffffffff ? sid : 0;
  }

  error(message: string, offset: number): RuleError {
    return new RuleError(message, this.place(offset), this.sid());
  }
}
