/**
 * The systemd unit, as far as that can be looked at where systemd does not run; 'npm run test:package' has systemd
 * start it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Lab, type LabProcess, waitUntil } from '@portcullis/testkit';
import { Capability, expectOnly } from '../lab/capabilities';
import { ATTACK_PATH, command, describeLab, LabEngine } from '../lab/engine';
import { serviceSettings, setprivArguments, unitFile } from './service-unit';

const PORT = 80;
const WATCHDOG_MICROSECONDS = 600_000;

/** Prints every message that a notify socket gets, one per line. */
const listener = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    print(s.recv(4096).decode().replace("\\n", " "), flush=True)
`;

/**
 * What ProtectSystem=strict and ReadWritePaths make of the file system: all of it read-only but for one directory
 * ($1) and the lock of iptables. The rest of the arguments is what runs there.
 */
const readOnly = `
set -e
own=$1; shift
touch /run/xtables.lock
mount --bind "$own" "$own"
mount --bind /run/xtables.lock /run/xtables.lock
mount -o remount,bind,ro /
exec "$@"
`;

const installed = (...argv: [string, ...string[]]) => spawnSync(argv[0], argv.slice(1)).status === 0;

test('the unit leaves two capabilities, and no way to write but its own directories and the lock', () => {
  expect(serviceSettings('CapabilityBoundingSet')).toEqual(['CAP_NET_ADMIN CAP_NET_RAW']);
  expect(serviceSettings('ProtectSystem')).toEqual(['strict']);
  expect(serviceSettings('ReadWritePaths')).toEqual(['-/run/xtables.lock']);
  expect(serviceSettings('SystemCallFilter')).toEqual(['@system-service @pkey']);
  expect(serviceSettings('MemoryDenyWriteExecute')).toEqual([]);
  expect(serviceSettings('Type')).toEqual(['notify']);
  expect(serviceSettings('NotifyAccess')).toEqual(['all']);
  // systemd must not end the shell that the engine takes its rules away with.
  expect(serviceSettings('KillMode')).toEqual(['mixed']);
});

if (installed('systemd-analyze', '--version')) {
  test('systemd-analyze verify has nothing against the units', () => {
    const directory = mkdtempSync(join(tmpdir(), 'portcullis-unit-'));
    try {
      const program = join(directory, 'portcullis');
      writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
      const units = readdirSync(dirname(unitFile))
        .filter((name) => /\.(service|timer)$/.test(name))
        .map((name) => join(directory, name));
      for (const unit of units) {
        const text = readFileSync(join(dirname(unitFile), basename(unit)), 'utf8');
        writeFileSync(unit, text.replaceAll('/usr/bin/portcullis', program));
      }
      const verify = () =>
        spawnSync('systemd-analyze', ['verify', '--man=no', ...units], { encoding: 'utf8', timeout: 20_000 });
      const about = (text: string) => text.split('\n').filter((line) => line.includes('portcullis'));
      expect(about(verify().stderr)).toEqual([]);
      // And it would have something against a wrong one.
      const unit = join(directory, basename(unitFile));
      writeFileSync(unit, readFileSync(unit, 'utf8').replace('WatchdogSec=30s', 'WatchdogSec=soon'));
      expect(about(verify().stderr)).not.toEqual([]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
} else {
  test.skip('systemd-analyze is not installed', () => {});
}

describeLab('with the privileges of the unit, and a notify socket', () => {
  let lab: Lab;
  let engine: LabEngine;
  let manager: LabProcess;
  beforeAll(async () => {
    lab = new Lab('pcsvc');
    await lab.httpServer('server', PORT);
    engine = new LabEngine(lab);
    const socket = join(engine.directory, 'notify');
    manager = lab.spawn('gateway', ['python3', '-c', listener, socket]);
    await manager.waitFor(/listening/, 10_000);
    const confined = ['unshare', '--mount', 'sh', '-c', readOnly, 'sh', engine.directory];
    // Somebody may have given it less precedence than usual, which it has no right to change.
    const argv = [
      ...confined,
      ...setprivArguments(),
      'nice',
      '-n',
      '1',
      process.execPath,
      command,
      'run',
      '--enable',
    ];
    engine.process = lab.spawn('gateway', [...argv, '--config', engine.configuration], {
      env: {
        PORTCULLIS_POLICY: '',
        PORTCULLIS_LOG_TEXT: '1',
        NOTIFY_SOCKET: socket,
        WATCHDOG_USEC: String(WATCHDOG_MICROSECONDS),
      },
    });
    await engine.process.waitFor(/protecting:/, 60_000);
  }, 90_000);
  afterAll(async () => {
    if (engine?.process?.running) await engine.kill();
    lab?.destroy();
    engine?.remove();
  });

  test('the configuration is checked before the start, and a wrong one refused', async () => {
    expect(serviceSettings('ExecStartPre')).toContain('/usr/bin/portcullis config check');
    const wrong = join(engine.directory, 'wrong.yaml');
    writeFileSync(wrong, 'block-duratoin: 2h\n');
    const show = (file: string) =>
      lab.exec('gateway', [process.execPath, command, 'config', 'check', '--config', file], {
        env: { PORTCULLIS_POLICY: '' },
      });
    expect(await show(wrong)).toMatchObject({ code: 2, stderr: expect.stringContaining('block-duration') });
    expect(await show(engine.configuration)).toMatchObject({ code: 0 });
  });

  test('it sees a file system that it cannot write to', () => {
    const root = `/proc/${engine.process.pid}/root`;
    expect(() => writeFileSync(`${root}/etc/portcullis-test`, '')).toThrow('EROFS');
    expect(readFileSync(`/proc/${engine.process.pid}/mounts`, 'utf8')).toMatch(/^\S+ \/ \S+ ro,/m);
  });

  test('no thread of it holds a capability beyond those, or can get one', () => {
    expectOnly(engine, [Capability.NET_ADMIN, Capability.NET_RAW]);
  });

  test('it inspects, blocks, bans and reloads', async () => {
    const get = (path: string) =>
      lab.httpGet('attacker', path, { host: lab.target(4), port: PORT, ...engine.patience() });
    expect(await get('/ordinary')).toMatchObject({ complete: true });
    expect(await get(ATTACK_PATH)).toMatchObject({ complete: false });
    expect(await engine.bans()).toEqual([lab.address('attacker', 4)]);
    expect((await engine.ask('reload')).code).toBe(0);
  });

  test('the service manager hears that it is ready, that it lives, and that it stops', async () => {
    const heard = (word: string) => manager.stdout.split('\n').filter((line) => line.includes(word)).length;
    // Once at the start, and once when the reload was over.
    await waitUntil(() => heard('READY=1') === 2, { what: 'READY=1' });
    expect(heard('RELOADING=1')).toBe(1);
    const order = manager.stdout.match(/READY=1|RELOADING=1/g);
    expect(order).toEqual(['READY=1', 'RELOADING=1', 'READY=1']);
    await waitUntil(() => heard('WATCHDOG=1') >= 3, { what: 'three pings' });
    await engine.stop();
    await waitUntil(() => heard('STOPPING=1') === 1, { what: 'STOPPING=1' });
    expect((await engine.process.exited).code).toBe(0);
  });
});
