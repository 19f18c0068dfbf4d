// Starting an engine and a few commands takes longer than jest's five seconds.
jest.setTimeout(60_000);
// The kernel, its neighbours and the clock have a part in every test here. One that fails is told with its error and
// tried once more; one that fails twice has failed.
jest.retryTimes(1, { logErrorsBeforeRetry: true });
