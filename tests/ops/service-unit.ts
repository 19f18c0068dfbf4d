/** The systemd unit that is shipped, read by section and key. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './prometheus-tools';

export const unitFile = join(repository, 'packaging', 'portcullis.service');

/** Values of a key of [Service], in order. */
export function serviceSettings(key: string): string[] {
  const service = readFileSync(unitFile, 'utf8').split('[Service]')[1]?.split('[Install]')[0] ?? '';
  return [...service.matchAll(/^(\w+)=(.*)$/gm)]
    .filter(([, name]) => name === key)
    .map(([, , value]) => value as string);
}

/** Arguments of setpriv(1) for the capabilities and privileges that the unit leaves. */
export function setprivArguments(): string[] {
  const capabilities = serviceSettings('CapabilityBoundingSet')
    .join(' ')
    .split(' ')
    .map((name) => `+${name.replace('CAP_', '').toLowerCase()}`);
  return [
    'setpriv',
    `--bounding-set=-all,${capabilities.join(',')}`,
    '--inh-caps=-all',
    ...(serviceSettings('NoNewPrivileges')[0] === 'yes' ? ['--no-new-privs'] : []),
  ];
}
