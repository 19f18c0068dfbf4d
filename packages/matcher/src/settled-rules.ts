import type { CompiledRule } from './compiled-rule';
import type { BufferStep } from './evaluation';
import { SizeStep } from './keywords/bsize';
import { ContentStep } from './keywords/content';
import { IsDataAtStep } from './keywords/isdataat';
import { ExpressionStep } from './keywords/pcre';
import { UriLengthStep } from './keywords/urilen';

/** Steps that ask nothing but the bytes of their buffer. What a later keyword asks is not known here: it is not among them. */
const STEPS = [ContentStep, ExpressionStep, IsDataAtStep, SizeStep, UriLengthStep];

function asksBytesOnly(step: BufferStep): boolean {
  return STEPS.some((kind) => step instanceof kind);
}

/**
 * True where the bytes of its buffers alone settle whether the buffers of the rule match: for the same bytes the answer
 * is the same. What the rule asks of the packet and its flow is another matter.
 */
export function isSettledByBuffers({ buffers, payload, appLayerEvent }: CompiledRule): boolean {
  if (buffers === null || payload !== null || appLayerEvent !== null) return false;
  return buffers.every(
    ({ side, steps, occurrences }) => side < 0 && occurrences === null && steps.every(asksBytesOnly),
  );
}
