import type { BufferStep } from './evaluation';
import { SizeStep } from './keywords/bsize';
import { ByteTestStep } from './keywords/byte-test';
import { ContentStep } from './keywords/content';
import { IsDataAtStep } from './keywords/isdataat';
import { UriLengthStep } from './keywords/urilen';

/** Where a content may stand, from the start of its buffer. */
export interface ContentPlace {
  /** It begins at or behind this place. */
  readonly from: number;
  /** It ends at or before this one; 0: anywhere behind `from`. */
  readonly end: number;
}

/** Further from the start nothing is bound by what its steps say. */
const FURTHEST = 1 << 20;
const NOWHERE_KNOWN = { from: 0, end: FURTHEST };

/**
 * Where the contents among the steps over one buffer may stand, all of which must match: those that count from the start
 * (`offset`, `depth`), and those that count from another one whose place is known (`distance`, `within`).
 */
export function placesOf(steps: readonly BufferStep[]): Map<ContentStep, ContentPlace> {
  const places = new Map<ContentStep, ContentPlace>();
  // Where what matched last may end; nothing has yet, so relative steps count from the start.
  let previous = { from: 0, end: 0 };
  for (const step of steps) {
    if (step instanceof ContentStep) {
      const place = placeOf(step, previous);
      places.set(step, place);
      // What must not be there leaves the place as it was.
      if (step.negated) continue;
      const { length } = step.bytes;
      previous = { from: place.from + length, end: place.end === 0 ? FURTHEST : place.end };
    } else if (!keepsPlace(step)) previous = NOWHERE_KNOWN;
  }
  return places;
}

function keepsPlace(step: BufferStep): boolean {
  return (
    step instanceof IsDataAtStep ||
    step instanceof ByteTestStep ||
    step instanceof SizeStep ||
    step instanceof UriLengthStep
  );
}

function placeOf(step: ContentStep, previous: ContentPlace): ContentPlace {
  const { relative, depth, offset, hasWithin, distance } = step;
  if (!relative) {
    const end = step.fixedEnd;
    return { from: end === 0 ? 0 : offset, end };
  }
  const varies =
    step.offsetVariable >= 0 ||
    step.depthVariable >= 0 ||
    step.distanceVariable >= 0 ||
    step.withinVariable >= 0;
  // Backwards, and with bounds of both kinds, more is said than is worth being followed.
  if (varies || distance < 0 || depth !== 0 || offset !== 0) return { from: 0, end: 0 };
  const from = previous.from + distance;
  const end = hasWithin ? previous.end + distance + step.within : 0;
  return { from, end: end < FURTHEST ? end : 0 };
}
