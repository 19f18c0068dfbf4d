import { type Place, type Rule, RuleError } from './ast';
import type { RuleNotice } from './rule';

/** A rule that could not be loaded, with its file. */
export class RuleFileError extends RuleError {
  constructor(
    readonly file: string,
    readonly reason: string,
    place: Place,
    sid: number,
  ) {
    super(`${file}:${place.line}: sid ${sid}: ${reason} (column ${place.column})`, place, sid);
    this.name = 'RuleFileError';
  }
}

/** Rules of one or several files, no two with the same gid and sid. */
export class RuleSet {
  /** What could not be loaded. */
  readonly errors: RuleFileError[] = [];
  /** What was loaded but is odd. */
  readonly notices: RuleNotice[] = [];
  /** Rules that are commented out. */
  disabled = 0;
  /** Rules that are for other versions of the language (`requires`). */
  skipped = 0;
  /** In the order in which they stand in the files; a newer revision takes the place of the older. */
  private readonly bySignature = new Map<string | number, Rule>();

  get size(): number {
    return this.bySignature.size;
  }

  get rules(): Rule[] {
    return [...this.bySignature.values()];
  }

  get(sid: number, gid = 1): Rule | undefined {
    return this.bySignature.get(signatureKey(gid, sid));
  }

  /** Of two rules with the same gid and sid the higher revision counts; a second one that is not newer is an error. */
  add(rule: Rule): void {
    const key = signatureKey(rule.gid, rule.sid);
    const earlier = this.bySignature.get(key);
    if (earlier) {
      const where = `${earlier.file}:${earlier.place.line}`;
      if (rule.rev <= earlier.rev) {
        const reason = `duplicate signature: sid ${rule.sid} rev ${earlier.rev} is already there (${where})`;
        this.errors.push(new RuleFileError(rule.file, reason, rule.place, rule.sid));
        return;
      }
      const reason = `rev ${rule.rev} replaces rev ${earlier.rev} (${where})`;
      this.notices.push({ file: rule.file, line: rule.place.line, sid: rule.sid, reason });
    }
    this.bySignature.set(key, rule);
  }

  refuse(file: string, error: RuleError): void {
    this.errors.push(new RuleFileError(file, error.message, error.place, error.sid));
  }
}

/** gid 1 is all there is in practice, and a number is the cheaper key. */
function signatureKey(gid: number, sid: number): string | number {
  return gid === 1 ? sid : `${gid}:${sid}`;
}
