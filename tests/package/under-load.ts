import type { Lab, LabConnection } from '@portcullis/testkit';
import { Load } from '../faults/load';

const KEPT = 10;
/** Milliseconds: what was lost on the way is sent again by then. */
const PATIENCE = 60_000;

export interface Seen {
  /** Connections that were made meanwhile, each with a request. */
  readonly requests: number;
  readonly unanswered: number;
  /** Connections that were there before and went on. */
  readonly kept: number;
}

/**
 * Does something while fifty new connections a second are made, and others go on.
 * @param http a port of the server that answers requests
 * @param echo one that gives back what it gets
 * @throws where a connection that was there before does not go on
 */
export async function underLoad(
  lab: Lab,
  host: string,
  ports: { readonly http: number; readonly echo: number },
  action: () => Promise<unknown>,
): Promise<Seen> {
  const connect = () => lab.connect('attacker', { host, port: ports.echo });
  const connections = await Promise.all(Array.from({ length: KEPT }, connect));
  const load = Load.start(lab, ports.http, { role: 'attacker', host, patience: PATIENCE });
  let over = false;
  const talking = connections.map(async (connection) => {
    let turn = 0;
    while (!over) await talk(connection, ++turn);
    await talk(connection, ++turn);
    await connection.end();
  });
  try {
    await action();
  } finally {
    over = true;
  }
  await Promise.all(talking);
  const requests = await load.finish();
  return {
    requests: requests.length,
    unanswered: requests.filter(({ answered }) => !answered).length,
    kept: connections.length,
  };
}

async function talk(connection: LabConnection, turn: number): Promise<void> {
  await connection.write(`turn ${turn};`);
  await connection.receive(new RegExp(`turn ${turn};$`), PATIENCE);
}
