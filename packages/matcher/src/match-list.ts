import type { Action } from '@portcullis/rules';
import type { CompiledRule } from './compiled-rule';
import type { InspectionContext } from './context';
import { EMPTY_TABLE, type RuleTable } from './rule-table';
import { ThresholdResult, type ThresholdTable } from './threshold-table';

/** Actions that a rate filter may give, behind the rule's own. */
const CHANGED_ACTIONS: readonly (Action | null)[] = [null, 'alert', 'drop', 'reject', 'pass'];

function changeOf({ thresholds }: CompiledRule): number {
  const filter = thresholds?.find((settings) => settings.type === 'rate_filter');
  return filter?.type === 'rate_filter' ? CHANGED_ACTIONS.indexOf(filter.newAction) : 0;
}

const IN_PAYLOAD = 2;

/** The rules that fired in one packet. */
export class MatchList {
  count = 0;
  readonly numbers: Int32Array;
  /** Transaction (its `id`) each of them fired for; -1: packet or stream. */
  readonly transactions: Int32Array;
  /** Where each of them matched: see `direction`, and bit 1 for the payload of a single packet. */
  private readonly found: Uint8Array;
  /** 1: its action counts, but no alert is given (above a limit, or `noalert`). */
  readonly silent: Uint8Array;
  /** Alerts that a threshold holds back stay in the list, silent: whoever acts on alerts acts on these too. */
  keepsSilent = false;
  /** Place in `CHANGED_ACTIONS`; 0: the rule's own action. */
  private readonly changed: Uint8Array;
  private readonly contexts = new Map<string, Readonly<Record<string, string>>>();
  /** Rules left out because the list was full. */
  overflow = 0;
  /** Of the rule set in use. */
  rules: RuleTable = EMPTY_TABLE;

  /** @param limit of the rules about packets and streams, and as many about transactions */
  constructor(private readonly limit: number) {
    this.numbers = new Int32Array(2 * limit);
    this.transactions = new Int32Array(2 * limit);
    this.found = new Uint8Array(2 * limit);
    this.silent = new Uint8Array(2 * limit);
    this.changed = new Uint8Array(2 * limit);
  }

  /** What is to be done about the match at that place: the rule's action, or a rate filter's. */
  action(place: number): Action {
    return CHANGED_ACTIONS[this.changed[place]] ?? this.rules.get(this.numbers[place]).action;
  }

  begin(): void {
    this.count = 0;
    if (this.contexts.size > 0) this.contexts.clear();
  }

  /** What alerts of a match tell besides: groups of its expressions. */
  noteContext(number: number, transaction: number, context: Readonly<Record<string, string>>): void {
    if (this.contexts.size < this.numbers.length) this.contexts.set(`${number} ${transaction}`, context);
  }

  /** See `noteContext`; undefined where the match at that place has none. */
  context(place: number): Readonly<Record<string, string>> | undefined {
    if (this.contexts.size === 0) return undefined;
    return this.contexts.get(`${this.numbers[place]} ${this.transactions[place]}`);
  }

  /** Whether what the match at that place calls for is meant for the rest of its flow too. */
  actsOnFlow(place: number): boolean {
    if (this.changed[place] !== 0 || (this.found[place] & IN_PAYLOAD) !== 0) return false;
    return this.rules.get(this.numbers[place]).ofFlow;
  }

  /** Direction of the bytes that the rule at that place matched in, which may not be that of the packet in hand. */
  direction(place: number): 0 | 1 {
    return (this.found[place] & 1) as 0 | 1;
  }

  /**
   * @param inPayload it has looked at the payload of this packet alone, not at the stream
   * @returns false where the rule has fired for this packet or transaction already
   */
  add(number: number, transaction: number, direction = 0, inPayload = false): boolean {
    const { numbers, transactions } = this;
    // Suricata looks at packets and at transactions with different packets, each of which has a list of its own.
    let alike = 0;
    for (let i = 0; i < this.count; i++) {
      if (numbers[i] === number && transactions[i] === transaction) return false;
      if (transactions[i] < 0 === transaction < 0) alike++;
    }
    let place = this.count;
    if (alike < this.limit) this.count++;
    else {
      this.overflow++;
      place = this.lastLike(transaction);
      // It has fired all the same: its flow bits count.
      if (numbers[place] < number) return true;
    }
    numbers[place] = number;
    transactions[place] = transaction;
    this.found[place] = direction | (inPayload ? IN_PAYLOAD : 0);
    this.silent[place] = 0;
    return true;
  }

  /** Which one gives way in a full list: that of the highest number, whose action matters least. */
  private lastLike(transaction: number): number {
    const { numbers, transactions } = this;
    let last = -1;
    for (let i = 0; i < this.count; i++) {
      if (transactions[i] < 0 !== transaction < 0) continue;
      if (last < 0 || numbers[i] > numbers[last]) last = i;
    }
    return last;
  }

  /** Puts the list in order, lets a `pass` end it, applies thresholds and `noalert`. */
  settle(context: InspectionContext, thresholds: ThresholdTable): void {
    this.sort();
    const { numbers, transactions, found, silent } = this;
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const rule = this.rules.get(numbers[i]);
      let quiet = rule.noAlert;
      let change = 0;
      if (rule.thresholds !== null) {
        const result = this.applyThresholds(rule, context, thresholds);
        if (result === ThresholdResult.NOTHING) continue;
        if (result === ThresholdResult.SILENT) quiet = true;
        if (result === ThresholdResult.CHANGED) change = changeOf(rule);
      }
      const action = CHANGED_ACTIONS[change] ?? rule.action;
      if (quiet && action === 'alert' && (rule.noAlert || !this.keepsSilent)) continue;
      numbers[kept] = numbers[i];
      transactions[kept] = transactions[i];
      found[kept] = found[i];
      this.changed[kept] = change;
      silent[kept++] = quiet ? 1 : 0;
      if (action === 'pass') break;
    }
    this.count = kept;
  }

  /** The first of a rule's thresholds that holds it back decides; those behind it do not count the match. */
  private applyThresholds(
    rule: CompiledRule,
    context: InspectionContext,
    table: ThresholdTable,
  ): ThresholdResult {
    const settings = rule.thresholds ?? [];
    let outcome: ThresholdResult = ThresholdResult.ALERT;
    for (let i = 0; i < settings.length; i++) {
      const result = table.count(rule.identity, i, settings[i], context);
      if (result === ThresholdResult.CHANGED) outcome = result;
      else if (result !== ThresholdResult.ALERT) return result;
    }
    return outcome;
  }

  /** By rule number, which is the order of the actions; the list is short. */
  private sort(): void {
    const { numbers, transactions, found } = this;
    for (let i = 1; i < this.count; i++) {
      const number = numbers[i];
      const transaction = transactions[i];
      const where = found[i];
      let k = i;
      while (
        k > 0 &&
        (numbers[k - 1] > number || (numbers[k - 1] === number && transactions[k - 1] > transaction))
      ) {
        numbers[k] = numbers[k - 1];
        transactions[k] = transactions[k - 1];
        found[k] = found[k - 1];
        k--;
      }
      numbers[k] = number;
      transactions[k] = transaction;
      found[k] = where;
    }
  }
}
