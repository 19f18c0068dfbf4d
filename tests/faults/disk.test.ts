/** State and logs on a disk that fills up, or that can only be read: the engine goes on, and makes good for it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '@portcullis/testkit';
import { describeLab } from '../lab/engine';
import { atLength, FaultLab } from './fault-lab';

const SIZE = '16m';
const LET_IN = '203.0.113.49';

describeLab('a disk', () => {
  let here: FaultLab;
  let mounts: string[] = [];
  beforeAll(async () => {
    here = new FaultLab('pcfd');
    for (const name of ['state', 'log']) {
      const path = join(here.engine.directory, name);
      mkdirSync(path);
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'portcullis-faults', path]);
      mounts.push(path);
    }
    await here.open();
    await here.start();
  }, 60_000);
  afterAll(async () => {
    if (here.engine.process?.running) await here.engine.kill();
    for (const path of mounts) execFileSync('umount', ['--lazy', path]);
    mounts = [];
    await here.close();
  });

  function fill(): void {
    for (const path of mounts) {
      try {
        writeFileSync(join(path, 'filler'), Buffer.alloc(32 << 20));
      } catch {
        // Full, as it should be.
      }
    }
  }
  const empty = () => {
    for (const path of mounts) rmSync(join(path, 'filler'), { force: true });
  };
  /** An engine that runs has mounts of its own. */
  const remount = (how: 'ro' | 'rw') => {
    const { pid, running } = here.engine.process;
    for (const path of mounts) {
      const command = ['mount', '-o', `remount,${how}`, path];
      execFileSync('mount', command.slice(1));
      if (running) execFileSync('nsenter', ['--mount', `--target=${pid}`, ...command]);
    }
  };
  /** As after a reboot: of the bans only what is on disk is there. */
  const flushBans = () => here.lab.run('gateway', ['ipset', 'flush', 'portcullis_ban4']);

  test('that is full: bans are made, traffic flows, one line for each file says so, and all is on disk afterwards', async () => {
    await here.ban('203.0.113.1');
    fill();
    const from = Date.now();
    // More than fits into the pages that the files have already.
    for (let last = 2; last < 50; last++) await here.ban(`203.0.113.${last}`);
    await here.ask('bans.remove', { addresses: [LET_IN] });
    here.confirmed.delete(LET_IN);
    await here.expectProtected();
    await here.flowsAfter(from);
    await here.expectBansInKernel();
    await here.said(/cannot write \S+eve\.json/);
    expect(here.faultLines().sort()).toEqual([
      expect.stringMatching(/^cannot write \S+eve\.json: ENOSPC/),
      expect.stringMatching(/^the ban ledger in \S+ cannot be .*ENOSPC.* Bans are in force, but/),
    ]);
    empty();
    await here.said(/the ban ledger is complete on disk again/);
    await here.said(/eve\.json can be written again/);
    expect(here.faultLines()).toEqual([]);
    await waitUntil(
      () => here.engine.events('ban').some(({ ban }) => ban?.action === 'removed' && ban.prefix === LET_IN),
      { what: 'the events of the time in between' },
    );
    await here.engine.kill();
    await flushBans();
    await here.start();
    await here.expectBansInLedger();
    await here.expectBansInKernel();
    expect(await here.bansInKernel()).not.toContain(LET_IN);
  }, 60_000);

  atLength(
    'that can only be read when the engine starts: it protects all the same',
    async () => {
      await here.engine.kill();
      remount('ro');
      await here.start();
      expect(here.faultLines()).toEqual([
        expect.stringMatching(/^cannot write \S+eve\.json: EROFS/),
        expect.stringMatching(/was killed: its traffic passed uninspected/),
        expect.stringMatching(/state\.json cannot be written, a restart finds what it said before: EROFS/),
      ]);
      await here.expectProtected();
      await here.expectBansInLedger();
      await here.expectFirewallWhole();
      remount('rw');
      await here.said(/state\.json is written again/);
      await here.said(/eve\.json can be written again/);
      // What it has left is what a start finds on a disk that can be written to.
      await here.engine.kill();
      await here.start();
      expect(here.faultLines()).toEqual([expect.stringMatching(/was killed/)]);
    },
    60_000,
  );
});
