import { corporaPath, readJsonLines } from '../corpora';

const RULES = 'et-open-2023-05-15';
export const EXPECTED_FILE = `expected/${RULES}.jsonl`;
export const RULES_FILE = `rules/${RULES}.rules`;
export const CLASSES_FILE = 'rules/classification.config';

/** Alerts of one rule between one pair of ends, `n` times. */
export interface AlertGroup {
  readonly sid: number;
  readonly proto: string;
  readonly src: string;
  readonly sport: number | null;
  readonly dst: string;
  readonly dport: number | null;
  readonly app_proto: string | null;
  readonly n: number;
}

/** What the reference found in one capture. */
export interface ReferenceCapture {
  readonly pcap: string;
  readonly packets: number;
  readonly alerts: readonly AlertGroup[];
  /** Why it was not read. */
  readonly error?: string;
}

export function readReference(): ReferenceCapture[] {
  return readJsonLines<ReferenceCapture>(EXPECTED_FILE);
}

export const referenceCapturePath = (pcap: string): string => corporaPath(pcap);

/** The variables with which the reference ran. */
export const ADDRESS_GROUPS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'HOME_NET',
    'EXTERNAL_NET',
    'HTTP_SERVERS',
    'SMTP_SERVERS',
    'SQL_SERVERS',
    'DNS_SERVERS',
    'TELNET_SERVERS',
    'AIM_SERVERS',
    'DC_SERVERS',
    'DNP3_SERVER',
    'DNP3_CLIENT',
    'MODBUS_CLIENT',
    'MODBUS_SERVER',
    'ENIP_CLIENT',
    'ENIP_SERVER',
  ].map((name) => [name, 'any']),
);

export const PORT_GROUPS: Readonly<Record<string, string>> = {
  HTTP_PORTS: '[80,8000,8008,8080,8081,8888,3128]',
  SHELLCODE_PORTS: '!80',
  ORACLE_PORTS: '1521',
  SSH_PORTS: '22',
  DNP3_PORTS: '20000',
  MODBUS_PORTS: '502',
  FILE_DATA_PORTS: '[$HTTP_PORTS,110,143]',
  FTP_PORTS: '21',
  GENEVE_PORTS: '6081',
  VXLAN_PORTS: '4789',
  TEREDO_PORTS: '3544',
};
