import { setFlagsFromString } from 'node:v8';

/**
 * V8's limits for inlining are made for pages that are left after seconds: a function that is called by the way of a packet is
 * compiled by itself once what is above it has used up its share. For an engine that runs for months the longer compiling
 * is nothing; what packets cost falls by a seventh (docs/performance.md). The values are bytes of bytecode.
 *
 * To be called before the first packet: what is compiled already stays as it is. Holds for the process.
 */
export function compileForLongRuns(): void {
  setFlagsFromString('--max-inlined-bytecode-size=800');
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=4000');
}
