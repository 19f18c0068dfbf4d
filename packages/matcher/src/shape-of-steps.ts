import { BufferShape } from './buffer-shape';
import type { BufferStep } from './evaluation';
import { SizeStep } from './keywords/bsize';
import { ContentStep } from './keywords/content';
import { UriLengthStep } from './keywords/urilen';
import { LOWER } from './search';

/** What all of `steps`, which look at one buffer, ask of its length and ends. */
export function shapeOf(steps: readonly BufferStep[]): BufferShape {
  const shape = new BufferShape();
  // The least place where the step before can have matched; relative steps stand behind it.
  let position = 0;
  for (const step of steps) {
    if (step instanceof ContentStep) {
      if (!step.negated) position = addContent(shape, step, position);
      continue;
    }
    if (step instanceof SizeStep || step instanceof UriLengthStep) {
      shape.within(step.sizes);
      continue;
    }
    // Expressions and jumps may stand before what matched last.
    position = 0;
  }
  return shape;
}

/** @returns the least place where the content ends */
function addContent(shape: BufferShape, step: ContentStep, previous: number): number {
  const { bytes } = step;
  const { length } = bytes;
  if (length === 0) return 0;
  if (step.endsWith) shape.last = LOWER[bytes[length - 1]];
  let from = 0;
  if (!step.relative) {
    if (step.offsetVariable < 0) from = step.offset;
    const { fixedEnd } = step;
    if (fixedEnd > 0 && step.endsWith) shape.atMost(fixedEnd);
    if (fixedEnd === length) shape.first = LOWER[bytes[0]];
  } else if (!step.hasDistance) from = previous;
  else if (step.distanceVariable < 0 && step.distance >= 0) from = previous + step.distance;
  shape.atLeast(from + length);
  return from + length;
}
