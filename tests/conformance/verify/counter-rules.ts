/** Rules that must not match where those of a test must: an engine that always alerts would pass without them. */

import type { AlertFilter, JudgeTest } from './judge-test';
import { rulesText } from './judge-test';

const COUNTER_SID = 9_000_000;
const CONTENT = /content:"([^"]+)";/g;

/** The same pattern with another last byte. */
function nearMiss(content: string): string {
  const last = content[content.length - 1];
  return last === '|' ? `${content}|00|` : `${content.slice(0, -1)}${last === 'Z' ? 'Y' : 'Z'}`;
}

/**
 * For each rule of the test, one that asks for its patterns with another last byte, and one that asks for them twice.
 * @returns the rules, and that none of them may match
 */
export function counterRules(test: JudgeTest): { rules: string; alerts: AlertFilter[] } {
  const rules: string[] = [];
  for (const line of rulesText(test).split('\n')) {
    if (!line.startsWith('alert ') || !CONTENT.test(line)) continue;
    const altered = [
      line.replace(CONTENT, (_, content: string) => `content:"${nearMiss(content)}";`),
      line.replace(CONTENT, (whole: string, content: string) => `${whole} content:"${content}"; distance:0;`),
    ];
    for (const rule of altered)
      rules.push(rule.replace(/\bsid:\s*\d+\s*;/, `sid:${COUNTER_SID + rules.length};`));
  }
  const alerts = rules.map((_, at) => ({
    count: 0,
    match: { event_type: 'alert', 'alert.signature_id': COUNTER_SID + at },
  }));
  return { rules: rules.join('\n'), alerts };
}
