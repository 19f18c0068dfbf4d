import type { EveRecord } from '@portcullis/events';
import { Incidents } from './incidents';

const record = (severity: number, action: string) =>
  ({ timestamp: '', event_type: 'alert', alert: { severity, action } }) as unknown as EveRecord;

test('alerts are counted by class, severity and action', () => {
  const incidents = new Incidents();
  incidents.countAlert('web-application-attack', record(1, 'blocked'));
  incidents.countAlert('web-application-attack', record(1, 'blocked'));
  incidents.countAlert(null, record(3, 'allowed'));
  expect(incidents.alertCounts()).toEqual([
    { labels: { class: 'web-application-attack', severity: '1', action: 'blocked' }, value: 2 },
    { labels: { class: 'none', severity: '3', action: 'allowed' }, value: 1 },
  ]);
});

test('rules with any number of classes make a bounded number of series, and no alert is lost', () => {
  const incidents = new Incidents();
  for (let number = 0; number < 5000; number++) incidents.countAlert(`class-${number}`, record(2, 'allowed'));
  incidents.countAlert('class-7', record(2, 'allowed'));
  const series = incidents.alertCounts();
  expect(series.length).toBeLessThanOrEqual(257);
  expect(series.reduce((sum, { value }) => sum + value, 0)).toBe(5001);
  expect(series.find(({ labels }) => labels.class === 'class-7')?.value).toBe(2);
});

test('incidents are counted by kind', () => {
  const incidents = new Incidents();
  incidents.count('ban-flood');
  expect(incidents.counts).toEqual({
    'worker-lost': 0,
    'reload-failed': 0,
    'ban-flood': 1,
    'firewall-repaired': 0,
    'mirror-gone': 0,
    'web-address-list': 0,
  });
});
