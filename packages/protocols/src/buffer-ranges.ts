/**
 * First buffer number of each protocol: numbers are unique over all protocols, and every one has room for 64. A new
 * protocol takes the next free range.
 */
const names = [
  'http', 'http2', 'websocket', 'tls', 'quic', 'ssh', 'dns', 'mdns', 'smtp', 'ftp', 'ftp-data', 'smb', 'dcerpc', 'nfs',
  'krb5', 'ldap', 'snmp', 'sip', 'mqtt', 'modbus', 'rdp', 'rfb', 'pop3', 'imap', 'telnet', 'dhcp', 'tftp', 'ntp', 'ike',
  'dnp3', 'enip', 'bittorrent-dht', 'pgsql', 'rtsp', 'mysql', 'redis', 'socks', 'bittorrent', 'doh2',
  'llmnr',
] as const; // biome-ignore format: a table

export const BUFFERS_PER_PROTOCOL = 64;

export const FIRST_BUFFER = Object.fromEntries(
  names.map((name, place) => [name, place * BUFFERS_PER_PROTOCOL]),
) as Readonly<Record<(typeof names)[number], number>>;
