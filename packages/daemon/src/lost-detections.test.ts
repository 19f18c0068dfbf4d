import type { WorkerCounterName } from '@portcullis/engine';
import { LostDetections } from './lost-detections';

test('a loss is told when it begins, and with its counts when it is over', () => {
  const told: [boolean, string][] = [];
  const losses = new LostDetections((over, message) => told.push([over, message]));
  const look = (attack: number, ban = 0) =>
    losses.look({ lost_attack: attack, lost_ban: ban } as unknown as Record<WorkerCounterName, number>);
  // Those of before are not news.
  look(5);
  look(5);
  expect(told).toEqual([]);
  look(7);
  look(9, 1);
  expect(told).toEqual([[false, expect.stringContaining('some events are lost')]]);
  for (let i = 0; i < 9; i++) look(9, 1);
  look(10, 1);
  for (let i = 0; i < 9; i++) look(10, 1);
  expect(told).toHaveLength(1);
  look(10, 1);
  expect(told.slice(1)).toEqual([
    [true, 'everything that is detected is told again; lost were: 5 attack, 1 ban'],
  ]);
  for (let i = 0; i < 20; i++) look(10, 1);
  expect(told).toHaveLength(2);
});
