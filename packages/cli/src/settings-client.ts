import type { SettingsChange } from '@portcullis/configuration';
import type { SettingsAnswer, ShownSettings } from '@portcullis/control';
import { ask, type ConfigOptions, configuration, isUnreachable, loadOptions } from './options';

/** Asks the engine; where none runs, does it without. */
async function withOrWithoutEngine<Answer>(
  withEngine: () => Promise<Answer>,
  without: () => Answer,
): Promise<Answer> {
  try {
    return await withEngine();
  } catch (error) {
    if (isUnreachable(error)) return without();
    throw error;
  }
}

/** @returns also whether an engine has the change in force already */
export async function changeSettings(
  options: ConfigOptions,
  change: SettingsChange,
): Promise<SettingsAnswer & { live: boolean }> {
  return withOrWithoutEngine<SettingsAnswer & { live: boolean }>(
    async () => ({ ...(await ask<SettingsAnswer>(options, 'config.change', { ...change })), live: true }),
    () => {
      const prepared = configuration().prepareChange(loadOptions(options), change);
      prepared.store();
      return { changed: [...prepared.keys], needs_restart: [], live: false };
    },
  );
}

/** @throws ConfigurationError with the place of what is wrong; no engine is asked, which may run with another file */
export function checkedSettings(options: ConfigOptions): { valid: true; files: string[]; changed: number } {
  const { resolveConfiguration, settingRows } = configuration();
  const from = loadOptions(options);
  const rows = settingRows(resolveConfiguration({ ...from, settings: true }));
  return {
    valid: true,
    files: [from.file, from.policy].filter((file) => typeof file === 'string'),
    changed: rows.filter(({ origin }) => origin !== 'default').length,
  };
}

export function shownSettings(options: ConfigOptions): Promise<ShownSettings> {
  return withOrWithoutEngine(
    () => ask<ShownSettings>(options, 'config.show'),
    () => {
      const { resolveConfiguration, settingRows } = configuration();
      const resolved = resolveConfiguration({ ...loadOptions(options), settings: true });
      return { settings: settingRows(resolved), locked: [...resolved.locked] };
    },
  );
}

export function exportedSettings(options: ConfigOptions): Promise<{ yaml: string }> {
  return withOrWithoutEngine(
    () => ask<{ yaml: string }>(options, 'config.export'),
    () => {
      const { exportSettings, resolveConfiguration } = configuration();
      return { yaml: exportSettings(resolveConfiguration({ ...loadOptions(options), settings: true })) };
    },
  );
}
