import type { Configuration } from '@portcullis/configuration';
import { MarkLayout } from '@portcullis/firewall';

export function queueCount({ nfqueue }: Configuration): number {
  const { first, last } = nfqueue.queues;
  return last - first + 1;
}

/** @throws FirewallError MARK_MASK_INVALID where the mask has too few bits for the queues */
export function markLayout(configuration: Configuration): MarkLayout {
  return MarkLayout.from(configuration.mark.mask, queueCount(configuration));
}

/** The mark by which the kernel knows connections that need no more inspection; null: all are inspected to their end. */
export function offloadMark(
  configuration: Configuration,
  generation: number,
): { mask: number; mark: number } | null {
  if (!configuration.stream.bypass) return null;
  const marks = markLayout(configuration);
  return { mask: marks.mask, mark: marks.offloadMark(generation) };
}
