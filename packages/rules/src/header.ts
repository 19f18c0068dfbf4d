import type { Action, RuleHeader } from './ast';
import { ExpressionError } from './group';
import type { RuleText } from './position';
import { RULE_PROTOCOLS } from './protocols';
import type { Variables } from './variables';

const ACTIONS: ReadonlyMap<string, Action> = new Map(
  (['alert', 'drop', 'reject', 'rejectsrc', 'rejectdst', 'rejectboth', 'pass'] as const).map((a) => [a, a]),
);

export function isAction(word: string): boolean {
  return ACTIONS.has(word.toLowerCase());
}

interface Field {
  readonly text: string;
  readonly offset: number;
}

const isBlank = (code: number) => code === 0x20 || code === 0x09;

/** Cuts at blanks that are not inside brackets: `[80, 443]` is one field. */
function splitFields(rule: RuleText, end: number): Field[] {
  const { text } = rule;
  const fields: Field[] = [];
  let at = 0;
  while (at < end) {
    while (at < end && isBlank(text.charCodeAt(at))) at++;
    const start = at;
    let depth = 0;
    let opened = 0;
    for (; at < end; at++) {
      const code = text.charCodeAt(at);
      if (code === 0x5b) {
        if (depth++ === 0) opened = at;
      } else if (code === 0x5d && depth > 0) depth--;
      else if (depth === 0 && isBlank(code)) break;
    }
    if (depth > 0) throw rule.error("'[' is not closed", opened);
    if (at > start) fields.push({ text: text.slice(start, at), offset: start });
  }
  return fields;
}

const FIELD_NAMES = [
  'action',
  'protocol',
  'source address',
  'source port',
  'direction',
  'destination address',
  'destination port',
];

/** Headers already read, so that rules with the same header share one. They live as long as their variables. */
const known = new WeakMap<Variables, Map<string, RuleHeader>>();

/**
 * Reads `action protocol source ports direction destination ports`.
 * @param end where the options' parenthesis stands
 */
export function parseHeader(rule: RuleText, end: number, variables: Variables): RuleHeader {
  const key = rule.text.slice(0, end);
  let headers = known.get(variables);
  if (!headers) {
    headers = new Map();
    known.set(variables, headers);
  }
  let header = headers.get(key);
  if (!header) {
    header = readHeader(rule, end, variables);
    headers.set(key, header);
  }
  return header;
}

function readHeader(rule: RuleText, end: number, variables: Variables): RuleHeader {
  const fields = splitFields(rule, end);
  if (fields.length < FIELD_NAMES.length) {
    throw rule.error(`the rule header has no ${FIELD_NAMES[fields.length]}`, end);
  }
  if (fields.length > FIELD_NAMES.length) {
    const extra = fields[FIELD_NAMES.length];
    throw rule.error(`'${extra.text}' is one field too many, expected '('`, extra.offset);
  }
  const [actionField, protocolField, source, sourcePort, directionField, destination, destinationPort] =
    fields;

  const action = ACTIONS.get(actionField.text.toLowerCase());
  if (!action) {
    throw rule.error(
      `unknown action '${actionField.text}', expected one of ${[...ACTIONS.keys()].join(', ')}`,
      actionField.offset,
    );
  }
  const [protocol, hook = null] = protocolField.text.toLowerCase().split(':', 2);
  if (!RULE_PROTOCOLS.has(protocol)) {
    throw rule.error(`unknown protocol '${protocolField.text}'`, protocolField.offset);
  }
  const direction = directionField.text;
  if (direction !== '->' && direction !== '<>' && direction !== '=>') {
    throw rule.error(`the direction is '->', '<>' or '=>', not '${direction}'`, directionField.offset);
  }
  const read = <T>(field: Field, parse: (text: string) => T): T => {
    try {
      return parse(field.text);
    } catch (error) {
      if (error instanceof ExpressionError) throw rule.error(error.message, field.offset + error.offset);
      throw error;
    }
  };
  return Object.freeze({
    action,
    protocol,
    hook,
    source: read(source, (text) => variables.addresses(text)),
    sourcePorts: read(sourcePort, (text) => variables.ports(text)),
    direction,
    destination: read(destination, (text) => variables.addresses(text)),
    destinationPorts: read(destinationPort, (text) => variables.ports(text)),
  });
}
