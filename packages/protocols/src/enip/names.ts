/** Numbers of EtherNet/IP encapsulation (CIP Networks Library volume 2, chapter 2), with the names rules have for them. */

export const EnipCommand = {
  NOP: 0,
  LIST_SERVICES: 4,
  LIST_IDENTITY: 0x63,
  LIST_INTERFACES: 0x64,
  REGISTER_SESSION: 0x65,
  UNREGISTER_SESSION: 0x66,
  SEND_RR_DATA: 0x6f,
  SEND_UNIT_DATA: 0x70,
  INDICATE_STATUS: 0x72,
  CANCEL: 0x73,
} as const;

const COMMANDS: readonly (readonly [string, number])[] = [
  ['nop', EnipCommand.NOP],
  ['list_services', EnipCommand.LIST_SERVICES],
  ['list_identity', EnipCommand.LIST_IDENTITY],
  ['list_interfaces', EnipCommand.LIST_INTERFACES],
  ['register_session', EnipCommand.REGISTER_SESSION],
  ['unregister_session', EnipCommand.UNREGISTER_SESSION],
  ['send_rr_data', EnipCommand.SEND_RR_DATA],
  ['send_unit_data', EnipCommand.SEND_UNIT_DATA],
  ['indicate_status', EnipCommand.INDICATE_STATUS],
  ['cancel', EnipCommand.CANCEL],
];

const STATUSES: readonly (readonly [string, number])[] = [
  ['success', 0],
  ['invalid_cmd', 1],
  ['no_resources', 2],
  ['incorrect_data', 3],
  ['invalid_session', 0x64],
  ['invalid_length', 0x65],
  ['unsupported_prot_rev', 0x69],
  ['encap_header_error', 0x6a],
];

/** Commands and statuses by the names rules may use. */
export const COMMAND_NUMBERS: ReadonlyMap<string, number> = new Map([
  ...COMMANDS,
  ['send_rrdata', EnipCommand.SEND_RR_DATA],
]);
export const STATUS_NUMBERS: ReadonlyMap<string, number> = new Map(STATUSES);

const COMMAND_NAMES = new Map(COMMANDS.map(([name, number]) => [number, name]));
const STATUS_NAMES = new Map(STATUSES.map(([name, number]) => [number, name]));

export function commandName(command: number): string {
  return COMMAND_NAMES.get(command) ?? `unknown-${command}`;
}

export function statusName(status: number): string {
  return STATUS_NAMES.get(status) ?? `unknown-${status}`;
}

export function isCommand(command: number): boolean {
  return COMMAND_NAMES.has(command);
}

export function isStatus(status: number): boolean {
  return STATUS_NAMES.has(status);
}
