import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { circumstances, defaultConfiguration, engineFacts, NO_ENGINE, NOW } from '../../testing/fake-host';
import { SystemHost } from './host';
import { checkMetrics } from './metrics-endpoint';
import { checkEveFile, checkLogDirectory, checkStateDirectory } from './places';

const FOLDER = '/var/log/portcullis';
const EVE = `${FOLDER}/eve.json`;
const present = (engine = engineFacts()) => {
  const here = circumstances({ engine });
  here.host.files.set(FOLDER, { bytes: 0, modified: NOW }).set(EVE, { bytes: 99, modified: NOW - 5000 });
  return here;
};

describe('a folder', () => {
  test.each([
    [{ bytes: 10e9, files: 1000 }, 'ok', `${FOLDER}, 9536 MB free`],
    [{ bytes: 10e9, files: null }, 'ok', `${FOLDER}, 9536 MB free`],
    [{ bytes: 100e6, files: 1000 }, 'warning', `${FOLDER}, 95 MB free`],
    [{ bytes: 10e9, files: 3 }, 'warning', `${FOLDER}, 9536 MB free, room for 3 more files`],
    [{ bytes: 0, files: 1000 }, 'failed', `${FOLDER}, 0 MB free`],
    [null, 'unknown', `${FOLDER} can be written; its free space cannot be read`],
  ] as const)('with %j: %s', (space, state, seen) => {
    const here = present();
    here.host.space = space;
    expect(checkLogDirectory(here)).toMatchObject({ state, seen });
  });

  test('that cannot be written', () => {
    const here = present();
    here.host.unwritable = 'EROFS: read-only file system';
    expect(checkLogDirectory(here)).toMatchObject({ state: 'failed', seen: expect.stringMatching(/EROFS/) });
  });

  test('that is not there', () => {
    expect(checkStateDirectory(circumstances()).state).toBe('failed');
    expect(checkStateDirectory(circumstances({ engine: NO_ENGINE })).state).toBe('ok');
  });

  test('is written and left as it was; damaged state is told', () => {
    const directory = mkdtempSync(join(tmpdir(), 'portcullis-doctor-'));
    try {
      const host = new SystemHost();
      expect(host.tryWrite(directory)).toBeNull();
      expect(host.list(directory)).toEqual([]);
      expect(host.tryWrite(join(directory, 'none'))).toMatch(/ENOENT/);
      expect(host.freeSpace(directory)?.bytes).toBeGreaterThan(0);
      expect(host.freeSpace(join(directory, 'none'))).toBeNull();
      const configuration = defaultConfiguration(`state-dir=${directory}`);
      const roomy = circumstances({ configuration });
      roomy.host.files.set(directory, { bytes: 0, modified: NOW });
      expect(checkStateDirectory(roomy).state).toBe('ok');
      writeFileSync(join(directory, 'state.json'), '{');
      expect(checkStateDirectory(roomy)).toMatchObject({
        state: 'warning',
        seen: `${directory}/state.json is damaged`,
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('the EVE file', () => {
  test('is written', () => {
    expect(checkEveFile(present(), null)).toMatchObject({
      state: 'ok',
      seen: `${EVE}, 99 bytes, last written 5 s ago`,
    });
    expect(checkEveFile(present(), 'portcullis_events_lost_total 0\n').state).toBe('ok');
  });

  test('has lost events', () => {
    const text = '# TYPE portcullis_events_lost_total counter\nportcullis_events_lost_total 12\n';
    expect(checkEveFile(present(), text)).toMatchObject({
      state: 'warning',
      seen: expect.stringMatching(/^12 /),
    });
  });

  test('is not there, or cannot be written', () => {
    expect(checkEveFile(circumstances(), null)).toMatchObject({
      state: 'failed',
      mend: expect.stringMatching(/portcullis reload/),
    });
    expect(checkEveFile(circumstances({ engine: NO_ENGINE }), null).state).toBe('ok');
    const here = present();
    here.host.unwritable = 'ENOSPC: no space left on device';
    expect(checkEveFile(here, null)).toMatchObject({
      state: 'failed',
      seen: expect.stringMatching(/ENOSPC/),
    });
  });
});

describe('the metrics', () => {
  test('answer', async () => {
    expect(await checkMetrics(circumstances())).toEqual({
      finding: { name: 'metrics', state: 'ok', seen: 'http://127.0.0.1:9477/metrics answers', mend: null },
      text: 'portcullis_protecting 1\n',
    });
  });

  test.each([
    ['nobody answers', new Error('connect ECONNREFUSED'), /ECONNREFUSED/],
    ['a stranger answers', { status: 200, body: 'node_cpu 1\n' }, /\(200\) is not the engine/],
    ['an error answers', { status: 500, body: 'portcullis_x 1\n' }, /\(500\) is not the engine/],
  ] as const)('%s', async (_, http, seen) => {
    const here = circumstances();
    here.host.http = http;
    expect((await checkMetrics(here)).finding).toMatchObject({
      state: 'failed',
      seen: expect.stringMatching(seen),
    });
  });

  test('are off, or nobody is there to give them', async () => {
    const configuration = defaultConfiguration('metrics.listen=off');
    expect((await checkMetrics(circumstances({ configuration }))).finding.state).toBe('ok');
    expect((await checkMetrics(circumstances({ engine: NO_ENGINE }))).finding.state).toBe('unknown');
  });
});
