import { alert } from '../testing/records';
import { FanOutSink } from './fan-out-sink';
import { MemorySink } from './sink';

test('each outlet gets the kinds of events it is for; the first one stands for all', async () => {
  const [eve, bans] = [new MemorySink(), new MemorySink()];
  const sink = new FanOutSink([
    { name: 'eve', sink: eve, events: ['alert', 'ban', 'engine'] },
    { name: 'webhook', sink: bans, events: ['ban'] },
  ]);
  const ban = { timestamp: alert(1).timestamp, event_type: 'ban' as const, ban: { action: 'added' } };
  sink.write(alert(1));
  sink.write(ban);
  expect(eve.records).toEqual([alert(1), ban]);
  expect(bans.records).toEqual([ban]);
  expect(sink.statistics).toBe(eve.statistics);
});

test('all are closed, also when one fails', async () => {
  const [failing, other] = [new MemorySink(), new MemorySink()];
  failing.close = () => Promise.reject(new Error('no'));
  const closed = jest.spyOn(other, 'close');
  const sink = new FanOutSink([
    { name: 'eve', sink: failing, events: [] },
    { name: 'socket', sink: other, events: [] },
  ]);
  await expect(sink.close()).rejects.toThrow('no');
  expect(closed).toHaveBeenCalled();
});
