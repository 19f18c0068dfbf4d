import type { CompiledRule } from './compiled-rule';
import type { InspectionContext } from './context';
import { ThresholdResult, type ThresholdTable } from './threshold-table';

/** The rules that fired in one packet. */
export class MatchList {
  count = 0;
  readonly numbers: Int32Array;
  /** Transaction (its `id`) each of them fired for; -1: packet or stream. */
  readonly transactions: Int32Array;
  /** 1: its action counts, but no alert is given (above a limit, or `noalert`). */
  readonly silent: Uint8Array;
  /** Rules left out because the list was full. */
  overflow = 0;
  /** Of the rule set in use. */
  rules: readonly CompiledRule[] = [];

  constructor(private readonly limit: number) {
    this.numbers = new Int32Array(limit);
    this.transactions = new Int32Array(limit);
    this.silent = new Uint8Array(limit);
  }

  begin(): void {
    this.count = 0;
  }

  /** @returns false where the rule has fired for this packet or transaction already */
  add(number: number, transaction: number): boolean {
    const { numbers, transactions } = this;
    for (let i = 0; i < this.count; i++) {
      if (numbers[i] === number && transactions[i] === transaction) return false;
    }
    if (this.count === this.limit) {
      this.overflow++;
      // It has fired all the same: its flow bits count.
      return true;
    }
    numbers[this.count] = number;
    transactions[this.count] = transaction;
    this.silent[this.count++] = 0;
    return true;
  }

  /** Puts the list in order, lets a `pass` end it, applies thresholds and `noalert`. */
  settle(context: InspectionContext, thresholds: ThresholdTable): void {
    this.sort();
    const { numbers, transactions, silent } = this;
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const rule = this.rules[numbers[i]];
      let quiet = rule.noAlert;
      if (rule.thresholds !== null) {
        const result = this.applyThresholds(rule, context, thresholds);
        if (result === ThresholdResult.NOTHING) continue;
        if (result === ThresholdResult.SILENT) quiet = true;
      }
      if (quiet && rule.action === 'alert') continue;
      numbers[kept] = numbers[i];
      transactions[kept] = transactions[i];
      silent[kept++] = quiet ? 1 : 0;
      if (rule.action === 'pass') break;
    }
    this.count = kept;
  }

  /** All of a rule's thresholds count; the first that holds it back decides. */
  private applyThresholds(
    rule: CompiledRule,
    context: InspectionContext,
    table: ThresholdTable,
  ): ThresholdResult {
    const settings = rule.thresholds ?? [];
    for (let i = 0; i < settings.length; i++) {
      const result = table.count(rule.identity, i, settings[i], context);
      if (result !== ThresholdResult.ALERT) return result;
    }
    return ThresholdResult.ALERT;
  }

  /** By rule number, which is the order of the actions; the list is short. */
  private sort(): void {
    const { numbers, transactions } = this;
    for (let i = 1; i < this.count; i++) {
      const number = numbers[i];
      const transaction = transactions[i];
      let k = i;
      while (
        k > 0 &&
        (numbers[k - 1] > number || (numbers[k - 1] === number && transactions[k - 1] > transaction))
      ) {
        numbers[k] = numbers[k - 1];
        transactions[k] = transactions[k - 1];
        k--;
      }
      numbers[k] = number;
      transactions[k] = transaction;
    }
  }
}
