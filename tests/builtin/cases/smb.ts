import { hex, little, type SignatureCase, says, signature, talk, utf16 } from '../exchange';
import {
  compressed2,
  create2,
  ndrString,
  negotiate1,
  negotiate2,
  ntCreate,
  ntTransaction,
  rpcBind,
  rpcRequest,
  session,
  smb1,
  transaction2,
  transaction2Secondary,
  transactionPipe,
  transceive2,
  write2,
} from '../smb-message';

const NEGOTIATE = negotiate1('LANMAN1.0', 'LM1.2X002', 'NT LANMAN 1.0', 'NT LM 0.12');
const EFS_BY_LSARPC = 'c681d488-d850-11d0-8c52-00c04fd90f7e';
const EFS = 'df1941c5-fe89-4e79-bf10-463657acf44d';
const SRVSVC = '4b324fc8-1670-01d3-1278-5a47bf6ee188';
const NETLOGON = '12345678-1234-abcd-ef00-01234567cffb';

/** NetrServerAuthenticate3: names, channel type, credential, flags. */
const authenticate = (credential: string, flags: string) =>
  rpcRequest(
    0x1a,
    `${little(4, 1)}${ndrString('\\\\DC01')}${ndrString('DC01$')}${little(2, 6)}${ndrString('DC01')}${credential}${flags}`,
  );

export const smb: readonly SignatureCase[] = [
  signature(
    9000401,
    [
      talk(445, NEGOTIATE, transactionPipe(0x23, 0)),
      talk(139, `\x81\0\0\x44${'A'.repeat(68)}`, says('\x82\0\0\0'), transactionPipe(0x23, 0, '\0')),
    ],
    [
      talk(445, NEGOTIATE, transactionPipe(0x23, 0x4000)),
      talk(445, NEGOTIATE, transactionPipe(0x26, 0x4001, rpcBind(SRVSVC, 3))),
    ],
  ),
  signature(
    9000402,
    [
      talk(445, NEGOTIATE, transaction2(0x0e, '\0'.repeat(12))),
      talk(139, transaction2(0x0e, '\x9a\x11\x02'.repeat(30))),
    ],
    [talk(445, NEGOTIATE, transaction2(0x05, utf16('\\reports\\2026.xlsx\0')))],
  ),
  signature(
    9000404,
    [
      talk(
        445,
        NEGOTIATE,
        ntTransaction(0, '\0'.repeat(120)),
        transaction2Secondary('\0'.repeat(512)),
        transaction2Secondary('\x41'.repeat(512)),
      ),
      talk(139, ntTransaction(0, 'x'), says(smb1(0xa0, '', '')), transaction2Secondary('\x90'.repeat(40))),
    ],
    [
      talk(445, NEGOTIATE, ntTransaction(6, 'x'.repeat(40)), transaction2Secondary('y'.repeat(40))),
      talk(445, NEGOTIATE, transaction2Secondary('y'.repeat(40))),
    ],
  ),
  signature(
    9000405,
    [
      talk(445, negotiate2(), compressed2(0xffffffff, 16, '\x41'.repeat(64))),
      talk(445, compressed2(0x80000010, 0, 'x')),
    ],
    [talk(445, negotiate2(), compressed2(0x00100000, 104, '\x41'.repeat(64)))],
  ),
  signature(
    9000406,
    [
      talk(445, negotiate2(), compressed2(0x100, 0xffffffff, 'x'.repeat(32))),
      talk(445, compressed2(64, 0xfffffff0, 'y')),
    ],
    [talk(445, negotiate2(), compressed2(0x7fffffff, 80, 'x'.repeat(32)))],
  ),
  signature(
    9000407,
    [
      talk(445, negotiate2(), create2('lsarpc'), write2(rpcBind(EFS_BY_LSARPC))),
      talk(
        445,
        create2('lsass'),
        transceive2(rpcBind(EFS_BY_LSARPC)),
        transceive2(rpcRequest(0, ndrString('\\\\198.51.100.99\\x\\y'))),
      ),
    ],
    [talk(445, negotiate2(), create2('lsarpc'), write2(rpcBind('12345778-1234-abcd-ef00-0123456789ab', 0)))],
  ),
  signature(
    9000408,
    [
      talk(445, create2('efsrpc'), write2(rpcBind(EFS))),
      talk(139, session(''), transactionPipe(0x26, 0x4001, rpcBind(EFS))),
    ],
    [talk(445, create2('srvsvc'), write2(rpcBind(SRVSVC, 3)))],
  ),
  signature(
    9000409,
    [talk(445, negotiate2(), create2('PSEXESVC.exe')), talk(445, create2('psexesvc-ADMIN-4711-stdin'))],
    [
      talk(445, negotiate2(), create2('Tools\\PsExec64.exe')),
      talk(445, create2('Tools\\PsExec64.exe'), write2(`MZ${'\x90'.repeat(900)}${utf16('PSEXESVC')}`)),
    ],
  ),
  signature(
    9000414,
    [talk(139, NEGOTIATE, ntCreate('\\PSEXESVC.EXE')), talk(445, ntCreate('\\psexecsvc\\psexesvc'))],
    [talk(445, NEGOTIATE, ntCreate('\\tools\\psexec.exe'))],
  ),
  signature(
    9000410,
    [
      talk(
        445,
        create2('svcctl'),
        transceive2(rpcRequest(12, ndrString('%COMSPEC% /Q /c echo id ^> \\\\127.0.0.1\\C$\\__output'))),
      ),
      talk(445, transceive2(rpcRequest(12, ndrString('%comspec% /q /C whoami')))),
    ],
    [
      talk(
        445,
        create2('svcctl'),
        transceive2(rpcRequest(12, ndrString('%SystemRoot%\\system32\\svchost.exe -k netsvcs'))),
      ),
    ],
  ),
  signature(
    9000411,
    [
      talk(
        445,
        create2('browser'),
        transceive2(rpcRequest(0x1f, `${little(4, 1)}${ndrString('\\AAAA\\..\\..\\NNNN')}${little(4, 1)}`)),
      ),
      talk(
        139,
        transactionPipe(0x26, 0x4000, rpcRequest(0x1f, `${ndrString('SERVER')}${ndrString('x\\..\\..\\y')}`)),
      ),
    ],
    [
      talk(445, create2('srvsvc'), transceive2(rpcRequest(0x1f, ndrString('\\share\\..\\docs')))),
      talk(445, create2('srvsvc'), transceive2(rpcRequest(0x10, ndrString('\\a\\..\\..\\b')))),
    ],
  ),
  signature(
    9000412,
    [
      talk(49670, rpcBind(NETLOGON), authenticate('\0'.repeat(8), hex('ffff2f21'))),
      talk(445, create2('netlogon'), transceive2(authenticate('\0'.repeat(8), `\0\0${hex('ffff2f21')}`))),
    ],
    [talk(49670, rpcBind(NETLOGON), authenticate(hex('9d3bc1f2a07e5566'), hex('ffff2f61')))],
  ),
  signature(
    9000413,
    [talk(445, NEGOTIATE, ntCreate('/srv/share/evil.so')), talk(445, ntCreate('/tmp/a1b2c3/Lib_x-1.so'))],
    [talk(445, NEGOTIATE, ntCreate('\\lib\\libc.so')), talk(445, NEGOTIATE, ntCreate('\\srvsvc'))],
  ),
];
