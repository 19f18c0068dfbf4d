import { isDeepStrictEqual } from 'node:util';
import type { RulesAnswer } from '@portcullis/control';
import { describeFailedRule, type RuleSource, type RuleSummary, ruleClasses } from '@portcullis/engine';
import { type Classification, STANDARD_CLASSIFICATION } from '@portcullis/rules';
import type { Logger } from './logger';

/** Rules that could not be loaded and are named one by one. */
const MOST_NAMED = 20;

/** The rules that the workers have, and what tells them from others. */
export class RulesInForce {
  private source: { key: string; lists: RuleSource['lists'] | undefined } | null = null;
  /** Null: none were loaded yet. */
  summary: RuleSummary | null = null;
  loadedAt: Date | null = null;
  classes: Classification = STANDARD_CLASSIFICATION;

  constructor(private readonly log: Logger) {}

  /**
   * @param key of the source, by `ruleSourceKey`
   * @returns takes it back: the rules before are in force after all
   */
  accept(summary: RuleSummary, key: string, { lists, classification }: RuleSource): () => void {
    const { source: sourceBefore, summary: summaryBefore, loadedAt, classes } = this;
    this.source = { key, lists };
    this.classes = ruleClasses({ classification });
    this.summary = summary;
    this.loadedAt = new Date();
    for (const problem of summary.failed.slice(0, MOST_NAMED))
      this.log.warn(`rule not loaded: ${describeFailedRule(problem)}`);
    const more = summary.failed.length - MOST_NAMED;
    if (more > 0) this.log.warn(`${more} more rules could not be loaded; 'portcullis rules check' names all`);
    return () => {
      this.source = sourceBefore;
      this.summary = summaryBefore;
      this.loadedAt = loadedAt;
      this.classes = classes;
    };
  }

  /** Whether a source with this key comes to the same rules. */
  areFrom(key: string, { lists }: RuleSource): boolean {
    return key === this.source?.key && isDeepStrictEqual(lists, this.source.lists);
  }

  answer(): RulesAnswer {
    return {
      loaded: this.summary?.loaded ?? 0,
      failed: this.summary?.failed.length ?? 0,
      loaded_at: this.loadedAt?.toISOString() ?? null,
    };
  }
}
