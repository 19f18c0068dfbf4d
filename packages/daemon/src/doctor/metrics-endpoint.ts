import { parseListenAddress } from '@portcullis/metrics';
import type { Circumstances } from './circumstances';
import { type Finding, failed, ok, unknown } from './finding';

/** @returns also what the endpoint says, for other checks; null where it says nothing */
export async function checkMetrics({
  host,
  configuration,
  engine,
}: Circumstances): Promise<{ finding: Finding; text: string | null }> {
  const name = 'metrics';
  const { listen } = configuration.metrics;
  if (listen === 'off') return { finding: ok(name, 'switched off'), text: null };
  if (engine.status === null) return { finding: unknown(name, 'no engine answers'), text: null };
  const mend = `look which program has ${listen} ('ss -ltnp'), or set metrics.listen; then restart the engine`;
  try {
    const address = parseListenAddress(listen);
    const host4 = address.host === '0.0.0.0' ? '127.0.0.1' : address.host === '::' ? '::1' : address.host;
    const { status, body } = await host.httpGet({ ...address, host: host4 }, '/metrics');
    if (status !== 200 || !/^portcullis_/m.test(body))
      return {
        finding: failed(name, `what answers at ${listen} (${status}) is not the engine`, mend),
        text: null,
      };
    return { finding: ok(name, `http://${listen}/metrics answers`), text: body };
  } catch (error) {
    return { finding: failed(name, `${listen}: ${(error as Error).message}`, mend), text: null };
  }
}
