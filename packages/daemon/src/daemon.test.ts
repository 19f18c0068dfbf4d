import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PortcullisDaemon } from './daemon';

test('what is asked of an engine that is not up is refused, and nothing is done', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-daemon-'));
  try {
    const daemon = new PortcullisDaemon({
      configurationFile: null,
      overrides: [`state-dir=${directory}`],
      policyFile: null,
      enable: false,
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      version: '0',
    });
    const refused = { code: 'ENGINE_NOT_UP' };
    await expect(daemon.status()).rejects.toMatchObject(refused);
    await expect(daemon.enable()).rejects.toMatchObject(refused);
    await expect(daemon.disable()).rejects.toMatchObject(refused);
    await expect(daemon.reload()).rejects.toMatchObject(refused);
    await expect(daemon.changeSettings({ set: ['block-duration=60'] })).rejects.toMatchObject(refused);
    expect(readdirSync(directory)).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
