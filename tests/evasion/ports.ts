/** Which ports the peers of user space speak from. */

const FIRST_PORT = 10_000;
const LAST_PORT = 60_000;
/** For connections that only show that all before them has arrived. */
export const FIRST_FENCE_PORT = 60_002;
export const FENCE_PORTS = 5_000;

let port = FIRST_PORT;

/** A client's port that was not in use for minutes, with its neighbour. */
export function nextPort(): number {
  const own = port;
  port = port + 2 > LAST_PORT ? FIRST_PORT : port + 2;
  return own;
}
