export type {
  AddressListRow,
  BanListAnswer,
  BanRow,
  BansAddedAnswer,
  BansRemovedAnswer,
  DecoyRow,
  ExceptionCause,
  ExceptionRow,
  MirrorRow,
  Mode,
  Origin,
  PortsRow,
  QueueRow,
  ReloadAnswer,
  RulesAnswer,
  SettingRow,
  SettingsAnswer,
  ShownSettings,
  StatusAnswer,
  WebAddressesAnswer,
} from './answers';
export { askEngine } from './client';
export { ControlError } from './protocol';
export { type ControlHandler, ControlServer } from './server';
export { socketPathIn, USUAL_SOCKET } from './socket-path';
