/** Takes the times of a profile. */
export interface RuleProfile {
  start(rule: number): void;
  stop(rule: number, matched: boolean): void;
}

/** What one rule has cost. */
export interface RuleCost {
  readonly rule: number;
  /** Times it was a candidate. */
  readonly checks: number;
  readonly matches: number;
  readonly microseconds: number;
}

/** Adds up the time that each rule takes; for `Matcher.profile`. */
export class RuleCosts implements RuleProfile {
  private readonly checks: Float64Array;
  private readonly matched: Float64Array;
  private readonly milliseconds: Float64Array;
  private began = 0;

  /** @param ruleCount of the rule set in use */
  constructor(ruleCount: number) {
    this.checks = new Float64Array(ruleCount);
    this.matched = new Float64Array(ruleCount);
    this.milliseconds = new Float64Array(ruleCount);
  }

  start(_rule: number): void {
    this.began = performance.now();
  }

  stop(rule: number, matched: boolean): void {
    this.milliseconds[rule] += performance.now() - this.began;
    this.checks[rule]++;
    if (matched) this.matched[rule]++;
  }

  /** The costliest rules first. */
  costliest(limit: number): RuleCost[] {
    const costs: RuleCost[] = [];
    for (let rule = 0; rule < this.checks.length; rule++) {
      if (this.checks[rule] === 0) continue;
      costs.push({
        rule,
        checks: this.checks[rule],
        matches: this.matched[rule],
        microseconds: this.milliseconds[rule] * 1000,
      });
    }
    return costs.sort((a, b) => b.microseconds - a.microseconds).slice(0, limit);
  }
}
