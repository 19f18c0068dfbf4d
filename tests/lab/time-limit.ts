// On a busy machine starting an engine and a few commands takes longer than jest's five seconds.
jest.setTimeout(30_000);
