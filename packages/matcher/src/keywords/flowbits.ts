import type { RuleOption } from '@portcullis/rules';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';
import type { RuleBuilder } from '../rule-builder';

/** Reads `name`, `a|b` (any) or `a&b` (all). */
function bitsOf(
  option: RuleOption,
  rule: RuleBuilder,
  text: string,
  index: number,
): { bits: number[]; all: boolean } {
  const any = text.includes('|');
  if (any && text.includes('&')) throw invalid(option, '"|" and "&" cannot be mixed', index);
  const names = text.split(any ? '|' : '&').map((name) => name.trim());
  for (const name of names) {
    if (name === '' || /[\s,]/.test(name)) throw invalid(option, `"${name}" cannot be a name`, index);
  }
  return { bits: names.map((name) => rule.environment.names.intern(name)), all: !any };
}

/** `flowbits:set|unset|toggle|isset|isnotset,name[|name…]`, `flowbits:noalert` */
export const flowbits: Keyword = {
  names: ['flowbits'],
  parse(option, rule) {
    const [command, names, ...rest] = argumentsOf(option);
    if (rest.length > 0) throw invalid(option, 'takes a command and names', rest[0].index);
    if (command.text === 'noalert') {
      if (names) throw invalid(option, '"noalert" takes no names', names.index);
      rule.noAlert = true;
      return;
    }
    if (!names || names.text === '') throw invalid(option, `"${command.text}" needs a name`);
    const { bits, all } = bitsOf(option, rule, names.text, names.index);
    switch (command.text) {
      case 'isset':
      case 'isnotset': {
        const set = command.text === 'isset';
        // `isnotset,a|b`: one of them is not set; that is, not all are.
        rule.flowBitConditions.push({ bits, all: set ? all : !all || bits.length === 1, set });
        return;
      }
      case 'set':
      case 'unset':
      case 'toggle':
        rule.flowBitActions.push({ bits, change: command.text });
        return;
      default:
        throw invalid(option, `unknown command "${command.text}"`, command.index);
    }
  },
};
