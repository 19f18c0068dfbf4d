import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Of this thread; made when it is first wanted. */
let collect: (() => void) | null = null;

/**
 * Collects this thread's garbage now, all of it: tens of milliseconds. For threads that have let go of large memory outside
 * of V8's heap, such as rules that are shared between threads: V8 does not count it, and a thread that rests allocates
 * nothing that would make it look.
 */
export function collectGarbage(): void {
  if (collect === null) {
    // The function comes with contexts made from now on. The flag is of all threads: whoever took it back would take it
    // from another that is about to make its context.
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
