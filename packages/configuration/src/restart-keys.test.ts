import { loadConfiguration } from './load';
import { changedRestartKeys } from './restart-keys';

const load = (...overrides: string[]) => loadConfiguration({ file: null, overrides });

test.each([
  ['nothing has changed', [], []],
  [
    'what a reload takes over',
    [
      'block-duration=2h',
      'rule-files=["x"]',
      'never-block=[]',
      'scan.ports=[80]',
      'vars.port-groups={"A": 1}',
    ],
    [],
  ],
  ['a queue setting', ['nfqueue.queues=0-3'], ['nfqueue']],
  ['the same in other words', ['nfqueue.queues=0-1', 'stream.memcap=262144kb'], []],
  [
    'several',
    ['mark.mask=0xff0000', 'state-dir=/elsewhere', 'flow.max-flows=2048', 'metrics.listen=off'],
    ['mark', 'flow', 'state-dir', 'metrics'],
  ],
])('%s', (_, overrides, changed) => {
  expect(changedRestartKeys(load(), load(...overrides))).toEqual(changed);
});
