/** Resolves when the promise has settled, or after so many milliseconds. */
export async function within(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise.catch(() => undefined), over]);
  clearTimeout(timer);
}

/** How long an end waits for a receiver that is there. */
export const GRACE_MILLISECONDS = 1000;
