import type { Detection } from '../detection';
import { rehearse } from './rehearsal';

test('every connection of the rehearsal is an attack that is detected and blocked', async () => {
  const detections: Detection[] = [];
  await rehearse((detection) => detections.push(detection));
  expect(detections.length).toBeGreaterThan(1);
  expect(new Set(detections.map(({ sourcePort }) => sourcePort)).size).toBe(detections.length);
  for (const [number, detection] of detections.entries())
    expect(detection).toMatchObject({
      // Each has a rule of its own, which is made for it.
      rule: { sid: number + 1, classtype: 'web-application-attack' },
      source: '192.0.2.1',
      destination: '198.51.100.1',
      appProtocol: 'http',
      handshake: true,
      blocked: true,
    });
});
