import { parseRequires, type Rule } from '@portcullis/rules';
import { keywordOf } from './registry';
import type { CompileEnvironment } from './rule-builder';

/** Features of Suricata that rules may ask for and that are here. */
const FEATURES: ReadonlySet<string> = new Set(['ja3', 'ja4', 'hs']);

/** Whether the engine has what the rule's `requires` asks for; else the rule is not meant for it. */
export function requirementsMet(rule: Rule, environment: CompileEnvironment): boolean {
  // Most rules ask for nothing, and reading their options costs more than looking for the word.
  if (!rule.text.includes('requires')) return true;
  for (const { keyword, value, valuePlace } of rule.options) {
    if (keyword !== 'requires' || value === null) continue;
    const { version, keywords, features, unknown } = parseRequires(value, valuePlace);
    if (!version || unknown.length > 0) return false;
    if (!keywords.every((name) => keywordOf(name, environment.buffers) !== undefined)) return false;
    if (!features.every((name) => FEATURES.has(name))) return false;
  }
  return true;
}
