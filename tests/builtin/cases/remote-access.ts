import { big, hex, little, type SignatureCase, says, signature, talk, times } from '../exchange';

/** TPKT with an X.224 connection request and the cookie of RDP. */
export function rdpConnect(cookie: string): string {
  const data = `Cookie: mstshash=${cookie}\r\n${hex('0100080003000000')}`;
  return `\x03\0${big(2, data.length + 11)}${big(1, data.length + 6)}\xe0\0\0\0\0\0${data}`;
}

export const RDP_CONFIRM = says(hex('030000130ed000001234000209080000000000'));

/** MCS Connect-Initial with the client's list of virtual channels (CS_NET, 0xc003). */
export function rdpChannels(...names: string[]): string {
  const list = names.map((name) => `${name.padEnd(8, '\0')}${little(4, 0x80800000)}`).join('');
  const network = `${hex('03c0')}${little(2, 8 + list.length)}${little(4, names.length)}${list}`;
  const core = `${hex('01c0')}${little(2, 16)}${hex('04000800')}${little(2, 1024)}${little(2, 768)}${hex('01ca03aa')}`;
  const mcs = `\x7f\x65\x82${big(2, core.length + network.length + 4)}\x04\x01\x01\x04${core}${network}`;
  return `\x03\0${big(2, mcs.length + 7)}\x02\xf0\x80${mcs}`;
}

const SERVER_BANNER = says('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n');
const sshPacket = (message: string) => {
  const padding = 8 - ((message.length + 5) % 8) + 8;
  return `${big(4, message.length + padding + 1)}${big(1, padding)}${message}${'\0'.repeat(padding)}`;
};
const text = (value: string) => `${big(4, value.length)}${value}`;
const keyExchange = sshPacket(
  `\x14${'\x5a'.repeat(16)}${text('curve25519-sha256,ecdh-sha2-nistp256')}${text('ssh-ed25519,rsa-sha2-256')}${text('aes128-ctr')}${text('aes128-ctr')}${text('hmac-sha2-256')}${text('hmac-sha2-256')}${text('none')}${text('none')}${text('')}${text('')}\0\0\0\0\0`,
);
const channelOpen = sshPacket(`\x5a${text('session')}\0\0\0\0\0\x01\0\0\0\0\x80\0`);
const channelExec = (command: string) => sshPacket(`\x62\0\0\0\0${text('exec')}\x01${text(command)}`);

const vncServer = (types: string) => [says('RFB 003.008\n'), 'RFB 003.008\n', says(types)] as const;

export const remoteAccess: readonly SignatureCase[] = [
  signature(
    9000501,
    [
      talk(3389, rdpConnect('user'), RDP_CONFIRM, rdpChannels('rdpdr', 'rdpsnd', 'MS_T120')),
      talk(3389, rdpConnect('a'), RDP_CONFIRM, rdpChannels('ms_t120', 'cliprdr')),
    ],
    [talk(3389, rdpConnect('user'), RDP_CONFIRM, rdpChannels('rdpdr', 'rdpsnd', 'cliprdr', 'drdynvc'))],
  ),
  signature(
    9000502,
    [talk(3389, rdpConnect('nmap')), talk(3389, rdpConnect('nmap-scan'), RDP_CONFIRM)],
    [talk(3389, rdpConnect('norman'))],
  ),
  signature(
    9000503,
    [
      times(30, talk(3389, rdpConnect('administrator'), RDP_CONFIRM)),
      times(35, talk(3389, rdpConnect('test'), RDP_CONFIRM)),
    ],
    [times(10, talk(3389, rdpConnect('ann'), RDP_CONFIRM))],
  ),
  signature(
    9000504,
    [
      times(30, talk(22, SERVER_BANNER, 'SSH-2.0-libssh2_1.9.0\r\n', keyExchange)),
      times(33, talk(2222, 'SSH-2.0-Go\r\n', SERVER_BANNER)),
    ],
    [times(20, talk(22, SERVER_BANNER, 'SSH-2.0-OpenSSH_9.2\r\n', keyExchange))],
  ),
  signature(
    9000505,
    [
      talk(
        22,
        says('SSH-2.0-Erlang/5.2.9\r\n'),
        'SSH-2.0-OpenSSH_8.9\r\n',
        keyExchange,
        channelOpen,
        channelExec('os:cmd("id").'),
      ),
      talk(
        2222,
        'SSH-2.0-x\r\n',
        keyExchange,
        channelOpen,
        channelExec('file:write_file("/tmp/x", <<"y">>).'),
      ),
    ],
    [
      talk(
        22,
        SERVER_BANNER,
        'SSH-2.0-OpenSSH_9.2\r\n',
        keyExchange,
        '\0\0\x01\x10execution of nothing that can be read',
      ),
    ],
  ),
  signature(
    9000506,
    [talk(22, SERVER_BANNER, 'SSH-2.0-MEDUSA_1.0\r\n'), talk(2222, 'SSH-1.5-Nmap-SSH1-Hostkey\r\n')],
    [
      talk(22, SERVER_BANNER, 'SSH-2.0-Medical_App_1.0\r\n'),
      talk(22, SERVER_BANNER, 'SSH-2.0-PuTTY_Release_0.81\r\n'),
    ],
  ),
  signature(
    9000508,
    [
      talk(5900, ...vncServer('\x01\x02'), '\x01', says('\0\0\0\0')),
      talk(5901, says('RFB 003.007\n'), 'RFB 003.007\n', says('\x01\x02'), '\x01\x01'),
    ],
    [
      talk(5900, ...vncServer('\x01\x02'), '\x02', says('\x33'.repeat(16)), '\x44'.repeat(16)),
      talk(5900, ...vncServer('\x02\x01\x02'), '\x01', says('\0\0\0\0')),
    ],
  ),
];
