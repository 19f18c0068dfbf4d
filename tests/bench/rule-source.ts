import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { builtInRuleDirectory } from '@portcullis/daemon';
import { UsageError } from './options';

const LARGE_RULE_FILE = 'et-open-2023-05-15.rules';

/** The file named, else the large one of the corpora; null: the rules that come with Portcullis. */
export function findRuleFile(named: string | null): string | null {
  if (named !== null) {
    if (!existsSync(named)) throw new UsageError(`--rules: there is no ${named}`);
    return named;
  }
  const corpora = process.env.PORTCULLIS_CORPORA;
  const large = corpora ? join(corpora, 'rules', LARGE_RULE_FILE) : null;
  return large !== null && existsSync(large) ? large : null;
}

/** For a `rule-files` list. */
export const ruleFilesEntry = (ruleFile: string | null): string => ruleFile ?? builtInRuleDirectory;
