/** Names of commands and dialects, as alerts tell them. */

const SMB1_COMMANDS: ReadonlyMap<number, string> = new Map([
  [0x00, 'CREATE_DIRECTORY'], [0x01, 'DELETE_DIRECTORY'], [0x02, 'OPEN'], [0x03, 'CREATE'], [0x04, 'CLOSE'],
  [0x05, 'FLUSH'], [0x06, 'DELETE'], [0x07, 'RENAME'], [0x08, 'QUERY_INFORMATION'], [0x09, 'SET_INFORMATION'],
  [0x0a, 'READ'], [0x0b, 'WRITE'], [0x10, 'CHECK_DIRECTORY'], [0x24, 'LOCKING_ANDX'], [0x25, 'TRANS'],
  [0x2b, 'ECHO'], [0x2c, 'WRITE_AND_CLOSE'], [0x2d, 'OPEN_ANDX'], [0x2e, 'READ_ANDX'], [0x2f, 'WRITE_ANDX'],
  [0x32, 'TRANS2'], [0x33, 'TRANS2_SECONDARY'], [0x34, 'FIND_CLOSE2'], [0x71, 'TREE_DISCONNECT'],
  [0x72, 'NEGOTIATE_PROTOCOL'], [0x73, 'SESSION_SETUP_ANDX'], [0x74, 'LOGOFF_ANDX'], [0x75, 'TREE_CONNECT_ANDX'],
  [0x80, 'QUERY_INFO_DISK'], [0xa0, 'NT_TRANS'], [0xa1, 'NT_TRANS_SECONDARY'], [0xa2, 'NT_CREATE_ANDX'],
  [0xa4, 'NT_CANCEL'],
]); // biome-ignore format: a table

const SMB2_COMMANDS = [
  'NEGOTIATE_PROTOCOL', 'SESSION_SETUP', 'SESSION_LOGOFF', 'TREE_CONNECT', 'TREE_DISCONNECT', 'CREATE', 'CLOSE',
  'FLUSH', 'READ', 'WRITE', 'LOCK', 'IOCTL', 'CANCEL', 'KEEPALIVE', 'FIND', 'CHANGE_NOTIFY', 'GET_INFO', 'SET_INFO',
  'OPLOCK_BREAK',
]; // biome-ignore format: a table

const DIALECTS: ReadonlyMap<number, string> = new Map([
  [0x0202, '2.02'], [0x0210, '2.10'], [0x0222, '2.22'], [0x0224, '2.24'], [0x02ff, '2.??'], [0x0300, '3.00'],
  [0x0302, '3.02'], [0x0310, '3.10'], [0x0311, '3.11'],
]); // biome-ignore format: a table

export function commandName(version: number, command: number): string {
  const name = version === 1 ? SMB1_COMMANDS.get(command) : SMB2_COMMANDS[command];
  return name === undefined ? String(command) : `SMB${version}_COMMAND_${name}`;
}

export function dialectName(dialect: number): string {
  return DIALECTS.get(dialect) ?? String(dialect);
}
