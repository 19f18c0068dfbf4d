/**
 * Which of two fragments a host believes where they overlap. After Novak, "Target-Based Fragmentation Reassembly"
 * (2005), whose names the rule engines have taken over.
 */
export type OverlapPolicy = 'first' | 'last' | 'bsd' | 'bsd-right' | 'linux' | 'windows' | 'solaris';

/** Where a fragment's data lies in its datagram, in bytes. */
export interface FragmentRange {
  readonly offset: number;
  readonly end: number;
}

/** Whether the data of `later`, which came after `earlier`, replaces that of `earlier`. */
export type Replaces = (later: FragmentRange, earlier: FragmentRange) => boolean;

export const OVERLAP_POLICIES: Readonly<Record<OverlapPolicy, Replaces>> = {
  first: () => false,
  last: () => true,
  bsd: (later, earlier) => later.offset < earlier.offset,
  'bsd-right': (later, earlier) => later.offset >= earlier.offset,
  linux: (later, earlier) => later.offset <= earlier.offset,
  windows: (later, earlier) => later.offset < earlier.offset && later.end > earlier.end,
  solaris: (later, earlier) => later.offset < earlier.offset && later.end >= earlier.end,
};
