import { type Place, RuleError, type RuleOption } from '@portcullis/rules';

/** An error about an option. @param index of the wrong character in the option's value */
export function invalid(option: RuleOption, message: string, index = 0): RuleError {
  const place: Place = { line: option.valuePlace.line, column: option.valuePlace.column + index };
  return new RuleError(`${option.keyword}: ${message}`, option.value === null ? option.place : place);
}

/** The value of an option that must have one. */
export function required(option: RuleOption): string {
  if (option.value === null || option.value === '') throw invalid(option, 'needs a value');
  return option.value;
}

/** For keywords that take no value. */
export function withoutValue(option: RuleOption): void {
  if (option.value !== null && option.value !== '') throw invalid(option, 'takes no value');
}

/** One part of a list `a, b, c`. */
export interface Argument {
  readonly text: string;
  /** Where it begins in the value. */
  readonly index: number;
}

/** Splits at commas; parts are trimmed. */
export function argumentsOf(option: RuleOption): Argument[] {
  const value = required(option);
  const result: Argument[] = [];
  let begin = 0;
  for (let i = 0; i <= value.length; i++) {
    if (i < value.length && value[i] !== ',') continue;
    const part = value.slice(begin, i);
    const text = part.trim();
    result.push({ text, index: begin + (part.length - part.trimStart().length) });
    begin = i + 1;
  }
  return result;
}

/** A decimal number, signed where `minimum` is below 0. */
export function integer(option: RuleOption, argument: Argument, minimum: number, maximum: number): number {
  if (!/^[+-]?\d{1,15}$/.test(argument.text)) {
    throw invalid(option, `"${argument.text}" is not a number`, argument.index);
  }
  const value = Number(argument.text);
  if (value < minimum || value > maximum) {
    throw invalid(option, `${argument.text} is not between ${minimum} and ${maximum}`, argument.index);
  }
  return value;
}
