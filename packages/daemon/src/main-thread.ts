import { setPriority } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { setThreadSlice } from '@portcullis/nfqueue-binding';

/** Nice value of the main thread: a ban is not to wait for busy workers. Workers set their own back. */
const MAIN_THREAD_NICE = -10;
/** It runs for little at a time, and is to get to that soon. */
const MAIN_THREAD_SLICE_MICROS = 100;

/** Sets this thread, which decides on bans, before those of the workers. */
export function hurryMainThread(): void {
  setThreadSlice(MAIN_THREAD_SLICE_MICROS);
  // Others' threads that help to collect garbage may have to wait for a processor, and the main thread for them.
  setFlagsFromString('--no-parallel-scavenge');
  // Code that has not run for a while is not to be compiled anew for the next attack.
  setFlagsFromString('--no-flush-bytecode');
  try {
    setPriority(0, MAIN_THREAD_NICE);
  } catch {
    // Without the right to it (CAP_SYS_NICE) bans are only a little later on a busy machine.
  }
}
