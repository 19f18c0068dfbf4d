/**
 * `sudo npm run test:machine`: the lab on Debian's own kernel, in a machine that QEMU emulates, for what the kernel of this
 * host may not have (VLAN interfaces). The machine reads this host's files and writes none of them. Arguments are Jest's:
 * which of the lab's tests; by default those that such a kernel is needed for.
 *
 * Programs take some thirty times as long there, so tests that measure times are not for it.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeInitramfs } from './machine/initramfs.mjs';
import { debianKernel, modulesFor } from './machine/kernel.mjs';
import { main, PreparationError, prepare, root, say } from './prepare.mjs';

const DEFAULT_TESTS = ['tests/lab/settings', '--testNamePattern', 'VLAN'];
/** How many times as long everything may take there. */
const PATIENCE = 30;
/** A machine that has not ended by itself by then is ended. */
const MOST_MINUTES = 60;
/** What a machine needs to reach this host's files. */
const MODULES = ['virtio_pci', '9p', '9pnet_virtio', 'overlay'];

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** What the machine runs. Bundles are up to date on this host; nothing is compiled there. */
function command(tests) {
  const environment = {
    CI: 'true',
    HOME: '/root',
    PATH: process.env.PATH,
    // What a test finds missing in this kernel is missing, and no reason to leave something out.
    PORTCULLIS_WHOLE_KERNEL: 1,
    PORTCULLIS_PATIENCE: PATIENCE,
    ...(process.env.PORTCULLIS_CORPORA && { PORTCULLIS_CORPORA: process.env.PORTCULLIS_CORPORA }),
  };
  const jest = [process.execPath, join(root, 'node_modules', 'jest', 'bin', 'jest.js')];
  const argv = [...jest, '--selectProjects', 'lab', '--runInBand', '--forceExit', ...tests];
  return [
    ...Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(`${value}`)}`),
    `cd ${quoted(root)}`,
    'uname -srv',
    argv.map(quoted).join(' '),
    '',
  ].join('\n');
}

/** @returns what the command ended with, or null where the machine ended before it */
async function boot(image, initramfs) {
  const machine = spawn(
    'qemu-system-x86_64',
    [
      ...['-accel', 'tcg,thread=multi,tb-size=1024', '-cpu', 'max', '-smp', '2', '-m', '6G'],
      ...['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot', '-nic', 'none'],
      ...['-device', 'virtio-rng-pci', '-kernel', image, '-initrd', initramfs],
      ...['-append', 'console=ttyS0 quiet panic=-1'],
      '-virtfs',
      'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], timeout: MOST_MINUTES * 60_000 },
  );
  // It ends with whoever has started it, and what was made for it is removed.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => machine.kill());
  let code = null;
  machine.on('error', ({ message }) => process.stderr.write(`qemu-system-x86_64: ${message}\n`));
  for await (const line of createInterface({ input: machine.stdout })) {
    const ended = line.match(/^machine: ended with (\d+)/);
    if (ended === null) process.stdout.write(`${line}\n`);
    else code = Number(ended[1]);
  }
  return code;
}

main(async () => {
  if (process.getuid() !== 0)
    throw new PreparationError(
      "the machine reads this host's files as root: run 'sudo npm run test:machine'",
    );
  await prepare(['build', 'run', 'test', 'test-machine']);
  const kernel = await debianKernel();
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-machine-'));
  try {
    const given = process.argv.slice(2);
    const initramfs = makeInitramfs(folder, {
      modules: await modulesFor(MODULES, kernel),
      modulesFolder: kernel.modules,
      command: command(given.length > 0 ? given : DEFAULT_TESTS),
    });
    say(`booting Debian's ${kernel.version} in an emulated machine, where everything takes minutes`);
    const code = await boot(kernel.image, initramfs);
    if (code === null)
      throw new PreparationError('the machine ended before its tests did; what it said stands above');
    process.exitCode = code === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
