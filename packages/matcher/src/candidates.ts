/** Rules to evaluate: each once, in ascending order after `sort`. */
export class Candidates {
  readonly rules: Int32Array;
  count = 0;
  /** Rules left out because the list was full. */
  overflow = 0;

  private readonly stamps: Uint32Array;
  private stamp = 0;

  constructor(ruleCount: number, limit: number) {
    this.rules = new Int32Array(Math.min(ruleCount, limit));
    this.stamps = new Uint32Array(ruleCount);
  }

  begin(): void {
    this.count = 0;
    this.stamp = (this.stamp + 1) >>> 0;
    if (this.stamp === 0) {
      this.stamps.fill(0);
      this.stamp = 1;
    }
  }

  add(rule: number): void {
    if (this.stamps[rule] === this.stamp) return;
    if (this.count === this.rules.length) {
      this.overflow++;
      return;
    }
    this.stamps[rule] = this.stamp;
    this.rules[this.count++] = rule;
  }

  addAll(rules: Int32Array): void {
    for (let i = 0; i < rules.length; i++) this.add(rules[i]);
  }

  /** Shell sort: in place, and quick for the few there are. */
  sort(): void {
    const { rules, count } = this;
    let sorted = 1;
    while (sorted < count && rules[sorted - 1] < rules[sorted]) sorted++;
    if (sorted >= count) return;
    let gap = 1;
    while (gap * 3 + 1 < count) gap = gap * 3 + 1;
    for (; gap >= 1; gap = (gap - 1) / 3) {
      for (let i = gap; i < count; i++) {
        const rule = rules[i];
        let k = i;
        while (k >= gap && rules[k - gap] > rule) {
          rules[k] = rules[k - gap];
          k -= gap;
        }
        rules[k] = rule;
      }
    }
  }
}
