import type { InspectionContext } from '../context';
import { FlowMatchState } from '../flow-match-state';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';

const WORD = 0x100000000;
const COMPARISONS: ReadonlyMap<string, (value: number, other: number) => boolean> = new Map([
  ['==', (value, other) => value === other],
  ['!=', (value, other) => value !== other],
  ['<', (value, other) => value < other],
  ['<=', (value, other) => value <= other],
  ['>', (value, other) => value > other],
  ['>=', (value, other) => value >= other],
]);
const CHANGES: ReadonlyMap<string, (value: number, by: number) => number> = new Map([
  ['=', (_value, by) => by],
  ['+', (value, by) => (value + by) % WORD],
  ['-', (value, by) => (value - by + WORD) % WORD],
]);

/** The variable's value, 0 where it was not set. */
function currentValue(context: InspectionContext, name: number): number {
  return Math.max(0, context.flowState?.integer(name) ?? 0);
}

/**
 * `flowint:name,isset|notset|isnotset`, `flowint:name,==|!=|<|<=|>|>=,N`, `flowint:name,+|-|=,N`: a 32-bit variable of
 * the flow. N may be another variable. What is compared must be set; what is added to begins at 0.
 */
export const flowint: Keyword = {
  names: ['flowint'],
  parse(option, rule) {
    const [name, operator, value, extra] = argumentsOf(option);
    if (extra) throw invalid(option, 'takes a name, an operator and a number', extra.index);
    if (!/^[A-Za-z][\w.]*$/.test(name.text))
      throw invalid(option, `"${name.text}" cannot be a name`, name.index);
    if (!operator) throw invalid(option, 'needs an operator');
    const { names } = rule.environment;
    const number = names.intern(`flowint ${name.text}`);
    if (operator.text === 'isset' || operator.text === 'notset' || operator.text === 'isnotset') {
      if (value) throw invalid(option, `"${operator.text}" takes no number`, value.index);
      const wanted = operator.text === 'isset';
      rule.packetTests.push({
        matches: (context) => context.hasFlow && (context.flowState?.integer(number) ?? -1) >= 0 === wanted,
      });
      return;
    }
    const compare = COMPARISONS.get(operator.text);
    const change = CHANGES.get(operator.text);
    if (!compare && !change) throw invalid(option, `"${operator.text}" is not an operator`, operator.index);
    if (!value) throw invalid(option, `"${operator.text}" needs a number or a name`);
    let read: (context: InspectionContext) => number;
    if (/^\d{1,10}$/.test(value.text)) {
      const constant = Number(value.text);
      if (constant >= WORD) throw invalid(option, `${value.text} is larger than ${WORD - 1}`, value.index);
      read = () => constant;
    } else if (/^[A-Za-z][\w.]*$/.test(value.text)) {
      const other = names.intern(`flowint ${value.text}`);
      read = (context) => currentValue(context, other);
    } else throw invalid(option, `"${value.text}" is neither a number nor a name`, value.index);
    if (compare) {
      rule.packetTests.push({
        matches(context) {
          const present = context.flowState?.integer(number) ?? -1;
          return present >= 0 && compare(present, read(context));
        },
      });
    } else if (change) {
      rule.everyPacket = true;
      rule.effects.push({
        apply(context) {
          if (!context.hasFlow) return true;
          const next = change(currentValue(context, number), read(context));
          context.flowState ??= new FlowMatchState();
          return context.flowState.setInteger(number, next);
        },
      });
    }
  },
};
