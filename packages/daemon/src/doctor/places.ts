import { dirname } from 'node:path';
import { eveFilePath } from '@portcullis/configuration';
import { StateFile } from '../state-file';
import type { Circumstances } from './circumstances';
import { type Finding, failed, ok, unknown, warning } from './finding';
import type { Host } from './host';

const MEGABYTE = 1024 * 1024;
/** With less free space than this it is told. */
const LITTLE = 200 * MEGABYTE;
/** With less than this nothing is kept any more that is worth having. */
const NOTHING = 4 * MEGABYTE;
const FEW_FILES = 100;

export function checkStateDirectory(here: Circumstances): Finding {
  const directory = here.configuration['state-dir'];
  const found = checkFolder('state directory', directory, here);
  if (found.state !== 'ok') return found;
  try {
    if (new StateFile(directory).read().damaged)
      return warning(
        found.name,
        `${directory}/state.json is damaged`,
        "the engine writes it anew, and protects until 'portcullis disable'",
      );
  } catch (error) {
    return failed(found.name, (error as Error).message, `let root read ${directory}`);
  }
  return found;
}

export function checkLogDirectory(here: Circumstances): Finding {
  return checkFolder('log directory', dirname(eveFilePath(here.configuration)), here);
}

function checkFolder(name: string, folder: string, { host, engine }: Circumstances): Finding {
  if (host.file(folder) === null) {
    if (engine.status === null) return ok(name, `${folder} is made when the engine starts`);
    return failed(name, `${folder} is not there`, `mkdir -p ${folder}, then 'portcullis reload'`);
  }
  const refused = host.tryWrite(folder);
  if (refused !== null) {
    return failed(
      name,
      `cannot be written: ${refused}`,
      `make room on its file system, or make ${folder} writable (mount -o remount,rw; chown root)`,
    );
  }
  const free = host.freeSpace(folder);
  if (free === null) return unknown(name, `${folder} can be written; its free space cannot be read`);
  const room = `${folder}, ${Math.floor(free.bytes / MEGABYTE)} MB free`;
  const mend = 'make room: rotate and remove old logs (logrotate)';
  if (free.bytes < NOTHING) return failed(name, room, mend);
  if (free.bytes < LITTLE) return warning(name, room, mend);
  if (free.files !== null && free.files < FEW_FILES)
    return warning(name, `${room}, room for ${free.files} more files`, mend);
  return ok(name, room);
}

/** @param metrics text of the engine's metrics, which say what the disk has refused; null without them */
export function checkEveFile(here: Circumstances, metrics: string | null): Finding {
  const name = 'EVE file';
  const { host, engine, configuration } = here;
  const path = eveFilePath(configuration);
  const facts = host.file(path);
  if (facts === null) {
    if (engine.status === null) return ok(name, `${path} is made when the engine starts`);
    return failed(
      name,
      `${path} is not there: the engine writes into a file that was moved or removed`,
      "'portcullis reload' opens it anew (say so to logrotate, as postrotate)",
    );
  }
  const refused = host.tryAppend(path);
  if (refused !== null)
    return failed(name, `cannot be written: ${refused}`, `make ${path} writable for root, and room for it`);
  const lost = metric(metrics, 'portcullis_events_lost_total');
  if (lost > 0)
    return warning(
      name,
      `${lost} events could not be written since the start`,
      'make room on the disk, or a faster one; outputs.socket and outputs.webhook keep events elsewhere too',
    );
  return ok(name, `${path}, ${facts.bytes} bytes${lastWritten(facts, host)}`);
}

function lastWritten({ bytes, modified }: { bytes: number; modified: number }, host: Host): string {
  if (bytes === 0) return '';
  return `, last written ${Math.max(0, Math.round((host.now() - modified) / 1000))} s ago`;
}

/** Value of a metric without labels; 0 where it is not told. */
function metric(text: string | null, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text ?? '')?.[1] ?? 0);
}
