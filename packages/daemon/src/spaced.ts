/**
 * Does something at once, but not again within so many milliseconds: what is asked for meanwhile is done together when they are
 * over.
 */
export function spaced(milliseconds: number, action: () => void): () => void {
  let resting = false;
  let wanted = false;
  const run = (): void => {
    resting = true;
    wanted = false;
    setTimeout(() => {
      resting = false;
      if (wanted) run();
    }, milliseconds).unref();
    action();
  };
  return () => {
    if (resting) wanted = true;
    else run();
  };
}
