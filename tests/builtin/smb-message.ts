/** SMB and DCERPC messages as the wire has them ([MS-CIFS], [MS-SMB2], [C706]), as far as the cases need them. */

import { big, hex, little, utf16 } from './exchange';

/** NetBIOS session message: type 0 and three bytes of length. */
export function session(message: string): string {
  return `\0${big(3, message.length)}${message}`;
}

/** SMB1: 32 bytes of header, then words and bytes. */
export function smb1(command: number, parameters: string, data: string, multiplex = 0x40): string {
  const header =
    `\xffSMB${big(1, command)}\0\0\0\0\x18\x07\xc0\0\0${'\0'.repeat(8)}\0\0` +
    `${little(2, 0x0800)}${little(2, 0xfeff)}${little(2, 0x0800)}${little(2, multiplex)}`;
  return session(`${header}${big(1, parameters.length / 2)}${parameters}${little(2, data.length)}${data}`);
}

/** SMB_COM_TRANSACTION2 (0x32) with one setup word. */
export function transaction2(subcommand: number, data: string): string {
  const parameters =
    `${little(2, 12)}${little(2, data.length)}${little(2, 1)}${little(2, 0)}\0\0${little(2, 0)}${little(4, 0)}\0\0` +
    `${little(2, 12)}${little(2, 66)}${little(2, data.length)}${little(2, 78)}\x01\0${little(2, subcommand)}`;
  return smb1(0x32, parameters, `\0${'\0'.repeat(12)}${data}`, 0x41);
}

/** SMB_COM_TRANSACTION (0x25) on a named pipe: function and handle are the setup words. */
export function transactionPipe(functionCode: number, handle: number, data = ''): string {
  const parameters =
    `${little(2, 0)}${little(2, data.length)}${little(2, 0xffff)}${little(2, 0xffff)}\0\0${little(2, 0)}${little(4, 0)}\0\0` +
    `${little(2, 0)}${little(2, 74)}${little(2, data.length)}${little(2, 74)}\x02\0${little(2, functionCode)}${little(2, handle)}`;
  return smb1(0x25, parameters, `\\PIPE\\\0${data}`);
}

/** SMB_COM_NT_TRANSACT (0xa0). */
export function ntTransaction(functionCode: number, data: string): string {
  const parameters =
    `\x01\0\0${little(4, 30)}${little(4, 0x103d0)}${little(4, 30)}${little(4, 0)}${little(4, 30)}${little(4, 75)}` +
    `${little(4, data.length)}${little(4, 104)}\x01${little(2, functionCode)}\0\0`;
  return smb1(0xa0, parameters, data);
}

/** SMB_COM_TRANSACTION2_SECONDARY (0x33). */
export function transaction2Secondary(data: string): string {
  const parameters = `${little(2, 0)}${little(2, 4096)}${little(2, 0)}${little(2, 0)}${little(2, 0)}${little(2, data.length)}${little(2, 53)}${little(2, 0)}${little(2, 0)}`;
  return smb1(0x33, parameters, data);
}

/** SMB_COM_NT_CREATE_ANDX (0xa2) of a Unicode name. */
export function ntCreate(name: string): string {
  const wide = utf16(`${name}\0`);
  const parameters =
    `\xff\0\0\0\0${little(2, wide.length - 2)}${little(4, 0x16)}${little(4, 0)}${little(4, 0x2019f)}${'\0'.repeat(8)}` +
    `${little(4, 0x80)}${little(4, 7)}${little(4, 1)}${little(4, 0)}${little(4, 2)}\x03`;
  return smb1(0xa2, parameters, `\0${wide}`);
}

export function negotiate1(...dialects: string[]): string {
  return smb1(0x72, '', dialects.map((dialect) => `\x02${dialect}\0`).join(''));
}

/** SMB2: 64 bytes of header. */
export function smb2(command: number, message: string, messageId = 1): string {
  const header =
    `\xfeSMB${little(2, 64)}${little(2, 1)}${little(4, 0)}${little(2, command)}${little(2, 31)}${little(4, 0)}${little(4, 0)}` +
    `${little(4, messageId)}${little(4, 0)}${little(4, 0xfeff)}${little(4, 1)}${little(4, 0x19)}${little(4, 0x400)}${'\0'.repeat(16)}`;
  return session(`${header}${message}`);
}

export function negotiate2(): string {
  const dialects = [0x0202, 0x0210, 0x0300, 0x0302, 0x0311].map((dialect) => little(2, dialect)).join('');
  return smb2(
    0,
    `${little(2, 36)}${little(2, 5)}${little(2, 1)}${little(2, 0)}${little(4, 0x7f)}${'\x11'.repeat(16)}${little(8, 0)}${dialects}`,
    0,
  );
}

/** CREATE (5). */
export function create2(name: string): string {
  const wide = utf16(name);
  const fixed =
    `${little(2, 57)}\0\xff${little(4, 2)}${'\0'.repeat(16)}${little(4, 0x120089)}${little(4, 0x80)}${little(4, 7)}` +
    `${little(4, 1)}${little(4, 0)}${little(2, 120)}${little(2, wide.length)}${little(4, 0)}${little(4, 0)}`;
  return smb2(5, `${fixed}${wide}`, 6);
}

/** WRITE (9) to a file or pipe. */
export function write2(data: string): string {
  const fixed = `${little(2, 49)}${little(2, 112)}${little(4, data.length)}${little(8, 0)}${'\x22'.repeat(16)}${little(4, 0)}${little(4, 0)}${little(4, 0)}${little(4, 0)}`;
  return smb2(9, `${fixed}${data}`, 8);
}

/** IOCTL (11) FSCTL_PIPE_TRANSCEIVE. */
export function transceive2(data: string): string {
  const fixed =
    `${little(2, 57)}${little(2, 0)}${little(4, 0x11c017)}${'\x22'.repeat(16)}${little(4, 120)}${little(4, data.length)}` +
    `${little(4, 0)}${little(4, 0)}${little(4, 0)}${little(4, 1024)}${little(4, 1)}${little(4, 0)}`;
  return smb2(11, `${fixed}${data}`, 9);
}

/** COMPRESSION_TRANSFORM_HEADER before SMB2 messages. */
export function compressed2(originalSize: number, offset: number, data: string): string {
  return session(
    `\xfcSMB${little(4, originalSize)}${little(2, 1)}${little(2, 0)}${little(4, offset)}${data}`,
  );
}

/** DCERPC packet: version 5.0, little-endian. */
function rpc(type: number, body: string, call = 1): string {
  return `\x05\0${big(1, type)}\x03${hex('10000000')}${little(2, 16 + body.length)}${little(2, 0)}${little(4, call)}${body}`;
}

const NDR = hex('045d888aeb1cc9119fe808002b10486002000000');

/** BIND (11) to one interface. `uuid` as it is written, `c681d488-d850-…`. */
export function rpcBind(uuid: string, version = 1): string {
  const [a, b, c, d, e] = uuid.split('-').map(hex);
  const reversed = (text: string) => [...text].reverse().join('');
  const wire = `${reversed(a)}${reversed(b)}${reversed(c)}${d}${e}`;
  const body = `${little(2, 4280)}${little(2, 4280)}${little(4, 0)}\x01\0\0\0${little(2, 0)}\x01\0${wire}${little(4, version)}${NDR}`;
  return rpc(11, body);
}

/** REQUEST (0). */
export function rpcRequest(operation: number, stub: string): string {
  return rpc(0, `${little(4, stub.length)}${little(2, 0)}${little(2, operation)}${stub}`, 2);
}

/** NDR conformant varying string, UTF-16. */
export function ndrString(text: string): string {
  const wide = utf16(`${text}\0`);
  const count = little(4, wide.length / 2);
  const padding = '\0'.repeat((4 - (wide.length % 4)) % 4);
  return `${count}${little(4, 0)}${count}${wide}${padding}`;
}
