// Jest's five seconds are soon over where many others work; what hangs is told all the same.
jest.setTimeout(60_000);
