/** For tests: SMB messages, as far as conversations need them. */

const le16 = (value: number) => [value & 255, (value >> 8) & 255];
const le32 = (value: number) => [...le16(value), ...le16(value >>> 16)];
const le64 = (value: number) => [...le32(value >>> 0), ...le32(Math.floor(value / 2 ** 32))];
export const wide = (text: string) => Buffer.from(text, 'utf16le');

/** Puts a NetBIOS session header before a message. */
export function session(message: Buffer): Buffer {
  const { length } = message;
  return Buffer.concat([Buffer.from([0, length >> 16, (length >> 8) & 255, length & 255]), message]);
}

export interface Smb2Options {
  response?: boolean;
  status?: number;
  message?: number;
  tree?: number;
  related?: boolean;
  next?: number;
}

export function smb2(command: number, body: (number[] | Buffer)[], options: Smb2Options = {}): Buffer {
  const { response = false, status = 0, message = 0, tree = 0, related = false, next = 0 } = options;
  const flags = (response ? 1 : 0) | (related ? 4 : 0);
  const header = [
    0xfe, 0x53, 0x4d, 0x42, ...le16(64), ...le16(0), ...le32(status), ...le16(command), ...le16(1), ...le32(flags),
    ...le32(next), ...le64(message), ...le32(0), ...le32(tree), ...le64(7), ...Array(16).fill(0),
  ]; // biome-ignore format: a header
  return Buffer.concat([Buffer.from(header), ...body.map((part) => Buffer.from(part))]);
}

export const FILE_ID = Array.from({ length: 16 }, (_, i) => i + 1);
export const RELATED_ID = Array(16).fill(0xff) as number[];

export const negotiateAnswer = (message: number) =>
  smb2(0, [[...le16(65), ...le16(1), ...le16(0x0311)], Buffer.alloc(58)], { response: true, message });

/** A session set-up with an NTLMSSP authentication. */
export function setUp(message: number, domain: string, user: string): Buffer {
  const names = [wide(domain), wide(user), wide('HOST')];
  let at = 64;
  const fields = names.map((name) => {
    const field = [...le16(name.length), ...le16(name.length), ...le32(at)];
    at += name.length;
    return field;
  });
  const token = Buffer.concat([
    Buffer.from('NTLMSSP\0'), Buffer.from(le32(3)), Buffer.alloc(16), Buffer.from(fields.flat()), Buffer.alloc(12), ...names,
  ]); // biome-ignore format: a token
  const blob = Buffer.concat([Buffer.from('\x60\x10spnego'), token]);
  const body = [...le16(25), 0, 1, ...le32(0), ...le32(0), ...le16(88), ...le16(blob.length), ...le64(0)];
  return smb2(1, [body, blob], { message });
}

export const treeConnect = (message: number, path: string) =>
  smb2(3, [[...le16(9), 0, 0, ...le16(72), ...le16(wide(path).length)], wide(path)], { message });
export const treeAnswer = (message: number, tree: number, kind: number, status = 0) =>
  smb2(3, [[...le16(16), kind, 0], Buffer.alloc(12)], { response: true, message, tree, status });

export const create = (message: number, tree: number, name: string, next = 0) =>
  smb2(
    5,
    [
      [...le16(57), ...Array(42).fill(0), ...le16(120), ...le16(wide(name).length), ...Array(8).fill(0)],
      wide(name),
    ],
    { message, tree, next },
  );
export const createAnswer = (message: number, tree: number, id = FILE_ID) =>
  smb2(5, [[...le16(89), ...Array(62).fill(0), ...id, ...Array(8).fill(0)]], {
    response: true,
    message,
    tree,
  });

export const write = (
  message: number,
  tree: number,
  offset: number,
  data: Buffer,
  id = FILE_ID,
  related = false,
) =>
  smb2(
    9,
    [[...le16(49), ...le16(112), ...le32(data.length), ...le64(offset), ...id, ...Array(16).fill(0)], data],
    { message, tree, related },
  );
export const writeAnswer = (message: number, tree: number) =>
  smb2(9, [[...le16(17), 0, 0], Buffer.alloc(12)], { response: true, message, tree });

export const read = (message: number, tree: number, offset: number, length: number) =>
  smb2(8, [[...le16(49), 0, 0, ...le32(length), ...le64(offset), ...FILE_ID, ...Array(16).fill(0)]], {
    message,
    tree,
  });
export const readAnswer = (message: number, tree: number, data: Buffer, status = 0) =>
  smb2(8, [[...le16(17), 80, 0, ...le32(data.length), ...le64(0)], data], {
    response: true,
    message,
    tree,
    status,
  });

export const transceive = (message: number, tree: number, data: Buffer) =>
  smb2(
    11,
    [
      [
        ...le16(57),
        0,
        0,
        ...le32(0x0011c017),
        ...FILE_ID,
        ...le32(120),
        ...le32(data.length),
        ...Array(24).fill(0),
      ],
      data,
    ],
    { message, tree },
  );
export const transceiveAnswer = (message: number, tree: number, data: Buffer) =>
  smb2(
    11,
    [
      [
        ...le16(49),
        0,
        0,
        ...le32(0x0011c017),
        ...FILE_ID,
        ...Array(8).fill(0),
        ...le32(112),
        ...le32(data.length),
        ...Array(8).fill(0),
      ],
      data,
    ],
    { response: true, message, tree },
  );

export const close = (message: number, tree: number) =>
  smb2(6, [[...le16(24), 0, 0, ...le32(0), ...FILE_ID]], { message, tree });
export const closeAnswer = (message: number, tree: number) =>
  smb2(6, [[...le16(60)], Buffer.alloc(58)], { response: true, message, tree });

// --- version 1 ---

/** A command of version 1: parameter words and data bytes; `next` and where it stands for those that chain. */
export function smb1(
  command: number,
  words: number[],
  data: Buffer | number[],
  options: { response?: boolean; message?: number; status?: number; unicode?: boolean } = {},
): Buffer {
  const { response = false, message = 1, status = 0, unicode = true } = options;
  const header = [
    0xff, 0x53, 0x4d, 0x42, command, ...le32(status), response ? 0x80 : 0, ...le16(unicode ? 0x8000 : 0), ...Array(12).fill(0),
    ...le16(5), ...le16(9), ...le16(3), ...le16(message),
  ]; // biome-ignore format: a header
  return Buffer.concat([Buffer.from(header), block(words, data)]);
}

export function block(words: number[], data: Buffer | number[]): Buffer {
  return Buffer.concat([Buffer.from([words.length / 2, ...words, ...le16(data.length)]), Buffer.from(data)]);
}

export { le16, le32 };
