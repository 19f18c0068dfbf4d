import { EngineLock } from './engine-lock';

/** The lock belongs to the network namespace: an engine that runs beside these tests has it. */
async function free(): Promise<boolean> {
  const lock = new EngineLock();
  try {
    await lock.acquire();
  } catch {
    return false;
  }
  await lock.release();
  return true;
}

test('is had by one engine at a time', async () => {
  if (!(await free())) {
    process.stderr.write('skipped: an engine is running in this network namespace\n');
    return;
  }
  const first = new EngineLock();
  const second = new EngineLock();
  await first.acquire();
  await expect(second.acquire()).rejects.toMatchObject({
    code: 'ENGINE_RUNNING',
    message: expect.stringContaining('another engine'),
  });
  // Releasing what one does not have takes nothing from anybody.
  await second.release();
  await expect(second.acquire()).rejects.toMatchObject({ code: 'ENGINE_RUNNING' });
  await first.release();
  await second.acquire();
  await second.release();
  await second.release();
});
