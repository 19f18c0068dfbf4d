import { PATIENCE } from '@portcullis/testkit';

// Starting an engine and a few commands takes seconds, and ten times as long where many others work. What hangs is told by
// the condition that is waited for, long before.
jest.setTimeout(180_000 * PATIENCE);
// The kernel, its neighbours and the clock have a part in every test here. One that fails is told with its error and
// tried once more; one that fails twice has failed.
// At once: tests of a file follow one another, and a later one may have changed what this one begins with.
jest.retryTimes(1, { logErrorsBeforeRetry: true, retryImmediately: true });
