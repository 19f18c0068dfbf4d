import {
  exportSettings,
  type ResolvedConfiguration,
  type SettingsChange,
  settingRows,
} from '@portcullis/configuration';
import { ControlError, type Mode, type ShownSettings } from '@portcullis/control';
import type { Bans } from './bans';

/** What requests over the control socket are about. */
export interface RequestedEngine {
  readonly mode: Mode;
  readonly resolved: ResolvedConfiguration;
  bans(): Bans;
  status(): unknown;
  enable(): unknown;
  disable(): unknown;
  reload(): unknown;
  changeSettings(change: SettingsChange): unknown;
}

/** The requests that the control socket takes, by their names. @param engine is asked anew at each of them */
export function requestHandlers(engine: () => RequestedEngine) {
  return {
    status: () => engine().status(),
    enable: () => engine().enable(),
    disable: () => engine().disable(),
    reload: () => engine().reload(),
    'config.show': (): ShownSettings => {
      const { resolved } = engine();
      return { settings: settingRows(resolved), locked: [...resolved.locked] };
    },
    'config.export': () => ({ yaml: exportSettings(engine().resolved) }),
    'config.change': (args: Record<string, unknown>) => engine().changeSettings(settingsChange(args)),
    'bans.list': (args: Record<string, unknown>) => engine().bans().list(args),
    'bans.show': (args: Record<string, unknown>) => engine().bans().show(args),
    'bans.add': (args: Record<string, unknown>) => bansToAddTo(engine()).add(args),
    'bans.add-many': (args: Record<string, unknown>) => bansToAddTo(engine()).addMany(args),
    'bans.remove': (args: Record<string, unknown>) => engine().bans().remove(args),
  };
}

/** @throws ControlError in Monitoring mode */
function bansToAddTo({ mode, bans }: RequestedEngine): Bans {
  if (mode === 'monitoring') throw new ControlError('MONITORING', 'in Monitoring mode nothing is blocked');
  return bans();
}

/** @throws ControlError where the request is none of the changes there are */
function settingsChange({ set, unset, replace }: Record<string, unknown>): SettingsChange {
  const texts = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((each) => typeof each === 'string');
  if (texts(set)) return { set };
  if (texts(unset)) return { unset };
  if (typeof replace === 'string') return { replace };
  throw new ControlError('REQUEST_INVALID', 'config.change takes set, unset or replace');
}
