import type { RuleOption } from '@portcullis/rules';
import type { Keyword } from '../keyword';
import { type Argument, argumentsOf, integer, invalid, required, withoutValue } from '../option-value';
import type { RuleBuilder } from '../rule-builder';
import type { ContentStep } from './content';

const MAX_PLACE = 65_535;
const MAX_DISTANCE = 1_048_576;

/** The content that a modifier belongs to: the last one of the rule. */
function contentOf(option: RuleOption, rule: RuleBuilder): ContentStep {
  if (!rule.lastContent) throw invalid(option, 'needs a content before it');
  return rule.lastContent;
}

/** A number, or the variable of that name. @returns number, or -1 - the variable's index as `variable` */
function placeValue(
  option: RuleOption,
  rule: RuleBuilder,
  minimum: number,
  maximum: number,
): { value: number; variable: number } {
  const argument: Argument = { text: required(option), index: 0 };
  if (/^[A-Za-z_]/.test(argument.text)) return { value: 0, variable: rule.variable(option, argument) };
  return { value: integer(option, argument, minimum, maximum), variable: -1 };
}

function refuseWith(
  option: RuleOption,
  step: ContentStep,
  ...others: ('startsWith' | 'relative' | 'hasOffset' | 'hasDepth')[]
): void {
  if (step.patternOnly)
    throw invalid(option, 'cannot be combined with fast_pattern:only on the same content');
  for (const other of others) {
    if (!step[other]) continue;
    const names = {
      startsWith: 'startswith',
      relative: 'distance or within',
      hasOffset: 'offset',
      hasDepth: 'depth',
    };
    throw invalid(option, `cannot be combined with ${names[other]} on the same content`);
  }
}

export const nocase: Keyword = {
  names: ['nocase'],
  parse(option, rule) {
    withoutValue(option);
    const step = contentOf(option, rule);
    if (step.caseless) throw invalid(option, 'stands twice on the same content');
    step.setCaseless();
  },
};

export const depth: Keyword = {
  names: ['depth'],
  parse(option, rule) {
    const step = contentOf(option, rule);
    refuseWith(option, step, 'startsWith', 'relative');
    if (step.hasDepth) throw invalid(option, 'stands twice on the same content');
    const { value, variable } = placeValue(option, rule, 0, MAX_PLACE);
    if (variable < 0 && value < step.bytes.length) {
      throw invalid(option, `${value} is smaller than the content, which has ${step.bytes.length} bytes`);
    }
    step.hasDepth = true;
    step.depthVariable = variable;
    // Where the offset follows it adds itself.
    if (variable < 0) step.depth = value + (step.offsetVariable < 0 ? step.offset : 0);
  },
};

export const offset: Keyword = {
  names: ['offset'],
  parse(option, rule) {
    const step = contentOf(option, rule);
    refuseWith(option, step, 'startsWith', 'relative');
    if (step.hasOffset) throw invalid(option, 'stands twice on the same content');
    const { value, variable } = placeValue(option, rule, 0, MAX_PLACE);
    step.hasOffset = true;
    step.offset = value;
    step.offsetVariable = variable;
    if (step.depth !== 0 && variable < 0) step.depth += value;
  },
};

export const distance: Keyword = {
  names: ['distance'],
  parse(option, rule) {
    const step = contentOf(option, rule);
    refuseWith(option, step, 'startsWith', 'hasOffset', 'hasDepth');
    if (step.hasDistance) throw invalid(option, 'stands twice on the same content');
    const { value, variable } = placeValue(option, rule, -MAX_DISTANCE, MAX_DISTANCE);
    step.hasDistance = true;
    step.distance = value;
    step.distanceVariable = variable;
  },
};

export const within: Keyword = {
  names: ['within'],
  parse(option, rule) {
    const step = contentOf(option, rule);
    refuseWith(option, step, 'startsWith', 'hasOffset', 'hasDepth');
    if (step.hasWithin) throw invalid(option, 'stands twice on the same content');
    const { value, variable } = placeValue(option, rule, 0, MAX_DISTANCE);
    if (variable < 0 && value < step.bytes.length) {
      throw invalid(option, `${value} is smaller than the content, which has ${step.bytes.length} bytes`);
    }
    step.hasWithin = true;
    step.within = value;
    step.withinVariable = variable;
  },
};

export const startswith: Keyword = {
  names: ['startswith'],
  parse(option, rule) {
    withoutValue(option);
    const step = contentOf(option, rule);
    refuseWith(option, step, 'startsWith', 'relative', 'hasOffset', 'hasDepth');
    step.startsWith = true;
    step.hasDepth = true;
    step.hasOffset = true;
    step.depth = step.bytes.length;
    step.offset = 0;
  },
};

export const endswith: Keyword = {
  names: ['endswith'],
  parse(option, rule) {
    withoutValue(option);
    const step = contentOf(option, rule);
    if (step.endsWith) throw invalid(option, 'stands twice on the same content');
    step.endsWith = true;
  },
};

/** Payload is never decoded, so raw bytes are what a content looks at anyway. */
export const rawbytes: Keyword = {
  names: ['rawbytes'],
  parse(option, rule) {
    withoutValue(option);
    contentOf(option, rule);
  },
};

export const fastPattern: Keyword = {
  names: ['fast_pattern'],
  parse(option, rule) {
    const step = contentOf(option, rule);
    if (rule.base64?.inner.includes(step)) throw invalid(option, 'cannot be set on base64_data');
    if (rule.fastPattern) throw invalid(option, 'a rule has one fast pattern');
    let from = 0;
    let length = step.bytes.length;
    if (option.value !== null && option.value !== '' && option.value !== 'only') {
      const parts = argumentsOf(option);
      if (parts.length !== 2) throw invalid(option, 'takes "only", or an offset and a length');
      from = integer(option, parts[0], 0, MAX_PLACE);
      length = integer(option, parts[1], 1, MAX_PLACE);
      if (from + length > step.bytes.length) throw invalid(option, 'reaches behind the end of the content');
    }
    if (step.negated && (step.relative || step.hasDepth || step.hasOffset)) {
      throw invalid(option, 'cannot be set on a negated content that is bound to a place');
    }
    if (option.value === 'only') step.patternOnly = true;
    if (step.patternOnly && (step.negated || step.relative || step.hasDepth || step.hasOffset)) {
      throw invalid(option, '"only" is for a content that may stand anywhere');
    }
    rule.fastPattern = { step, from, length };
  },
};
