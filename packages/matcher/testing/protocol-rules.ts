/** For tests: which rules fire for a conversation of a protocol. */

import {
  type Direction,
  type ProtocolDefinition,
  type TransactionListener,
  Transport,
} from '@portcullis/protocols';
import { parseRuleText } from '@portcullis/rules';
import { compileRulesNow } from '../src/compile-rules';
import { InspectionContext } from '../src/context';
import { prepareDatabasesNow } from '../src/databases';
import { Matcher } from '../src/matcher';
import { NameTable } from '../src/name-table';
import { VARIABLES } from './harness';

/** Errors of rules that cannot be compiled, in their order. */
export function ruleErrors(definition: ProtocolDefinition, rules: readonly string[]): string[] {
  return compile(definition, rules).failed.map(({ error }) => error.message);
}

function compile(definition: ProtocolDefinition, rules: readonly string[]) {
  const parsed = parseRuleText(rules.join('\n'), { variables: VARIABLES });
  return compileRulesNow(parsed.rules, {
    buffers: definition.buffers,
    protocols: [definition.name],
    names: new NameTable(),
  });
}

/** @returns the sids that fire for each piece, in order; each piece is a packet */
export function firedBy(
  definition: ProtocolDefinition,
  rules: readonly string[],
  pieces: readonly (readonly [Direction, Buffer])[],
  transport: Transport = Transport.TCP,
): number[][] {
  const { ruleset, failed } = compile(definition, rules);
  if (failed.length > 0) throw failed[0].error;
  prepareDatabasesNow(ruleset);
  const matcher = new Matcher(ruleset);
  const context = new InspectionContext();
  context.hasFlow = true;
  context.flowEstablished = true;
  context.appProtocol = 1;
  context.packet.version = 4;
  context.packet.protocol = transport === Transport.TCP ? 6 : 17;
  const listener: TransactionListener = {
    onProgress: (transaction, direction) => matcher.inspectTransaction(context, transaction, direction),
    onTransactionEnd: (transaction) => matcher.endTransaction(context, transaction),
    onEvent() {},
    onUpgrade() {},
    onExpectation() {},
    onFrame: (frame, direction) => matcher.inspectFrame(context, frame, direction),
  };
  definition.frames?.want(new Set(definition.frames.buffers.map(({ id }) => id)));
  const parser = definition.create(listener, transport);
  const fired = pieces.map(([direction, bytes]) => {
    context.direction = direction;
    matcher.begin(context);
    parser.feed(direction, bytes, 0, bytes.length);
    matcher.end(context);
    return Array.from({ length: matcher.matchCount }, (_, i) => matcher.rule(matcher.matches[i]).sid).sort(
      (a, b) => a - b,
    );
  });
  matcher.close();
  definition.frames?.want(new Set());
  return fired;
}
