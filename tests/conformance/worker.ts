/** A process that does one job after the other; see worker-pool.ts. */

import { type JobName, jobs } from './jobs';

async function answer(job: JobName, input: never): Promise<{ output: unknown } | { failure: string }> {
  try {
    return { output: await jobs[job](input) };
  } catch (error) {
    return { failure: (error as Error).stack ?? String(error) };
  }
}

process.on('message', async ({ job, input }: { job: JobName; input: never }) => {
  process.send?.(await answer(job, input));
});
process.on('disconnect', () => process.exit(0));
