/** Ports above the well-known ones at which servers usually wait (IANA's registry, and custom). */
const REGISTERED: readonly number[] = [
  1194, 1433, 1521, 1883, 2049, 2404, 3128, 3306, 3389, 5060, 5061, 5222, 5355, 5432, 5672, 5900, 5985, 6379,
  6667, 8000, 8008, 8080, 8081, 8443, 8883, 8888, 9200, 20_000, 27_017, 44_818,
];

const WELL_KNOWN = 1024;
const IS_SERVER = new Uint8Array(65_536).fill(1, 0, WELL_KNOWN);
for (const port of REGISTERED) IS_SERVER[port] = 1;

/**
 * Whether the first packet seen of a connection that began before comes from its server. Between two ports of the same
 * kind the lower one is the server's, but of two at which servers wait whoever speaks first is the client.
 */
export function comesFromServer(sourcePort: number, destinationPort: number): boolean {
  const source = IS_SERVER[sourcePort];
  const destination = IS_SERVER[destinationPort];
  if (source !== destination) return source === 1;
  return source === 0 && sourcePort < destinationPort;
}
