/** A worker that cannot keep up: what it cannot take goes as configured, one line says so, and all is well afterwards. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatusAnswer } from '@portcullis/control';
import { waitUntil } from '@portcullis/testkit';
import { describeLab } from '../lab/engine';
import { atLength, FaultLab, PORT } from './fault-lab';

describeLab('a worker that cannot keep up', () => {
  describe.each([
    [
      'its queue is full, the rest passes',
      'true',
      'nfqueue.max-length',
      '64',
      /queue 0 is full .* passes uninspected$/m,
    ],
    [
      'its queue is full, the rest is dropped',
      'false',
      'nfqueue.max-length',
      '64',
      /queue 0 is full .* is dropped$/m,
    ],
    // The kernel accounts for a packet with some kilobytes.
    [
      'its socket is full',
      'true',
      'nfqueue.receive-buffer',
      '64kb',
      /receive buffer of queue 0 is full .* passes uninspected$/m,
    ],
  ] as const)('%s', (_, failOpen, key, value, line) => {
    let here: FaultLab;
    // Nothing is started for tests that are left out.
    const begin = async () => {
      await here?.close();
      here = new FaultLab('pcfo', {
        breakable: true,
        settings: { 'nfqueue.fail-open': failOpen, 'nfqueue.batch-size': '4', [key]: value },
      });
      await here.open();
      await here.start();
    };
    afterAll(() => here?.close());

    atLength(
      'is told once, counted, and over when it can',
      async () => {
        await begin();
        const packets = async () => (await here.ask<StatusAnswer>('status')).packets;
        const before = await packets();
        const slow = join(here.faults, 'slow');
        const fault = Date.now();
        writeFileSync(slow, '');
        await here.said(line);
        if (failOpen === 'true') await here.flowsAfter(fault);
        await waitUntil(async () => (await packets()).uninspected > before.uninspected, {
          timeout: 20_000,
          what: 'the count of what was not inspected',
        });
        rmSync(slow);
        await here.said(/queue 0 keeps up again/, 60_000);
        expect(here.faultLines()).toEqual([expect.stringMatching(line)]);
        await here.expectProtected();
        await here.expectFirewallWhole();
        expect(await here.lab.httpGet('attacker', '/ordinary', { port: PORT })).toMatchObject({
          complete: true,
        });
      },
      120_000,
    );
  });
});
