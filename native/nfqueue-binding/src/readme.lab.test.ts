import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildPackage, describeInLab, NamespaceLab } from '../testing/namespace-lab';

/* The README's example is compiled with strict types and runs as it stands. */

const packageRoot = join(__dirname, '..');

describeInLab('the README', () => {
  let lab: NamespaceLab;

  beforeAll(() => {
    buildPackage();
    lab = new NamespaceLab('r');
  }, 30_000);
  afterAll(async () => lab?.close());

  test('its example drops what it says', async () => {
    const example =
      /```ts\n([\s\S]*?)```/.exec(readFileSync(join(packageRoot, 'README.md'), 'utf8'))?.[1] ?? '';
    expect(example.trim().split('\n').length).toBeLessThanOrEqual(15);
    const folder = join(packageRoot, 'build/readme');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'example.ts'), example);
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../../../tsconfig.base.json',
        compilerOptions: {
          composite: false,
          declaration: false,
          declarationMap: false,
          emitDeclarationOnly: false,
          sourceMap: false,
        },
        files: ['example.ts'],
      }),
    );
    const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
    execFileSync(process.execPath, [compiler, '-p', folder], { stdio: 'inherit' });

    const running = spawn(
      'ip',
      ['netns', 'exec', lab.gatewayName, process.execPath, join(folder, 'example.js')],
      { stdio: 'inherit' },
    );
    const ended = new Promise((resolve) => running.once('exit', resolve));
    try {
      const client = lab.agent(lab.clientName);
      const gateway = lab.agent(lab.gatewayName);
      await gateway.run(async ({ nfqueue, tick }) => {
        while (nfqueue.readQueueStatistics().length === 0) await tick();
      });
      lab.rule('-p', 'udp', '-j', 'NFQUEUE', '--queue-num', '0');
      const server = lab.agent(lab.serverName);
      await server.run(async ({ require, state }) => {
        const socket = (require('node:dgram') as typeof import('node:dgram')).createSocket('udp4');
        const received: string[] = [];
        state.received = new Promise((resolve) => {
          socket.on('message', (message) => {
            received.push(message.toString());
            if (message.toString() === 'end') resolve(received);
          });
        });
        await new Promise<void>((resolve) => socket.bind(9000, resolve));
      });
      await client.run(async ({ require }) => {
        const socket = (require('node:dgram') as typeof import('node:dgram')).createSocket('udp4');
        for (const word of ['one', 'two!', 'three', 'end']) {
          await new Promise((resolve) => socket.send(word, 9000, '10.77.2.2', resolve));
        }
        socket.close();
      });
      expect(await server.run(({ state }) => state.received as Promise<string[]>)).toEqual([
        'one',
        'three',
        'end',
      ]);
    } finally {
      running.kill('SIGTERM');
    }
    expect(await ended).toBe(0);
  }, 30_000);
});
