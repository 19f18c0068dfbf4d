import { parseQueueStatistics, readQueueStatistics } from './index';

test('reads the kernel’s table of queues', () => {
  const text =
    '    0   4242    17 2 65531     3     4      987  1\n65535 3000000001     0 1     0     0     0        0  1\n';
  expect(parseQueueStatistics(text)).toEqual([
    {
      queue: 0,
      portId: 4242,
      waiting: 17,
      copyMode: 2,
      copyRange: 65531,
      dropped: 3,
      userDropped: 4,
      idSequence: 987,
    },
    {
      queue: 65535,
      portId: 3000000001,
      waiting: 0,
      copyMode: 1,
      copyRange: 0,
      dropped: 0,
      userDropped: 0,
      idSequence: 0,
    },
  ]);
});

test('leaves out what has another form', () => {
  expect(parseQueueStatistics('')).toEqual([]);
  expect(parseQueueStatistics('1 2 3\na b c d e f g h\n1 2 3 4 5 6 7 x\n')).toEqual([]);
  expect(readQueueStatistics('/nonexistent/nfnetlink_queue')).toEqual([]);
});
