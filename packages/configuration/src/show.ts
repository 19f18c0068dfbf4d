import type { SettingRow } from '@portcullis/control';
import { isMapping, type Path, type RawMapping, setAt } from './layer';
import { isGroup, type ResolvedConfiguration } from './load';
import { yaml } from './yaml';

/** Every setting there is, in the order of the documentation. */
export function settingRows({ configuration, origin, locked }: ResolvedConfiguration): SettingRow[] {
  return pathsOf(configuration, []).map((path) => {
    const key = path.join('.');
    const from = origin(path);
    return {
      key,
      value: valueAt(configuration, path),
      origin: from,
      locked: from === 'policy' || locked.some((each) => key === each || key.startsWith(`${each}.`)),
    };
  });
}

/** What is not as it would be by itself, as YAML that `config import` takes. */
export function exportSettings(resolved: ResolvedConfiguration): string {
  const raw: RawMapping = {};
  for (const { key } of settingRows(resolved)) {
    const path = key.split('.');
    const from = resolved.origin(path);
    if (from === 'default' || ['control', 'state-dir'].includes(path[0] as string)) continue;
    setAt(raw, path, resolved.written(path));
  }
  return Object.keys(raw).length === 0 ? '' : yaml().stringify(raw);
}

function pathsOf(value: unknown, path: Path): string[][] {
  if (!isMapping(value) || !isGroup(path)) return [path as string[]];
  return Object.entries(value).flatMap(([key, inner]) =>
    inner === undefined ? [] : pathsOf(inner, [...path, key]),
  );
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => (isMapping(at) ? at[part] : undefined), value);
}
