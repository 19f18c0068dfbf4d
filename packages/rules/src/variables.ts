import { addressAlgebra, addressExpression } from './address';
import type { AddressExpression, AddressRange, PortExpression } from './ast';
import { ExpressionError, GroupEvaluator } from './group';
import { type PortRange, portAlgebra, portExpression } from './port';

/** `vars.address-groups` and `vars.port-groups` of the configuration: name (without `$`) → expression. */
export interface VariableGroups {
  readonly addressGroups?: Readonly<Record<string, string>>;
  readonly portGroups?: Readonly<Record<string, string>>;
}

/** The values that Suricata's configuration comes with (suricata.yaml, `vars`). */
export const SURICATA_ADDRESS_GROUPS: Readonly<Record<string, string>> = Object.freeze({
  HOME_NET: '[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]',
  EXTERNAL_NET: '!$HOME_NET',
  HTTP_SERVERS: '$HOME_NET',
  SMTP_SERVERS: '$HOME_NET',
  SQL_SERVERS: '$HOME_NET',
  DNS_SERVERS: '$HOME_NET',
  TELNET_SERVERS: '$HOME_NET',
  AIM_SERVERS: '$EXTERNAL_NET',
  DC_SERVERS: '$HOME_NET',
  DNP3_SERVER: '$HOME_NET',
  DNP3_CLIENT: '$HOME_NET',
  MODBUS_CLIENT: '$HOME_NET',
  MODBUS_SERVER: '$HOME_NET',
  ENIP_CLIENT: '$HOME_NET',
  ENIP_SERVER: '$HOME_NET',
});

export const SURICATA_PORT_GROUPS: Readonly<Record<string, string>> = Object.freeze({
  HTTP_PORTS: '80',
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
  SIP_PORTS: '[5060,5061]',
});

export interface VariableProblem {
  readonly group: 'address-groups' | 'port-groups';
  readonly name: string;
  readonly reason: string;
}

/**
 * The variables of rule headers, and the expressions worked out with them. The same text always gives the same
 * object, so thousands of rules share a handful of expressions. Immutable but for that memory.
 */
export class Variables {
  private readonly addressGroups: ReadonlyMap<string, string>;
  private readonly portGroups: ReadonlyMap<string, string>;
  private readonly addressEvaluator: GroupEvaluator<AddressRange>;
  private readonly portEvaluator: GroupEvaluator<PortRange>;
  private readonly addressExpressions = new Map<string, AddressExpression>();
  private readonly portExpressions = new Map<string, PortExpression>();

  /** Exactly these variables; see `withDefaults` for those of Suricata. */
  constructor(groups: VariableGroups = {}) {
    this.addressGroups = new Map(Object.entries(groups.addressGroups ?? {}));
    this.portGroups = new Map(Object.entries(groups.portGroups ?? {}));
    this.addressEvaluator = new GroupEvaluator(addressAlgebra(this.addressGroups));
    this.portEvaluator = new GroupEvaluator(portAlgebra(this.portGroups));
  }

  /** Suricata's variables, with those of `groups` in place of or beside them. */
  static withDefaults(groups: VariableGroups = {}): Variables {
    return new Variables({
      addressGroups: { ...SURICATA_ADDRESS_GROUPS, ...groups.addressGroups },
      portGroups: { ...SURICATA_PORT_GROUPS, ...groups.portGroups },
    });
  }

  /** @throws ExpressionError */
  addresses(text: string): AddressExpression {
    let expression = this.addressExpressions.get(text);
    if (!expression) {
      expression = addressExpression(this.addressEvaluator.evaluate(text));
      this.addressExpressions.set(text, expression);
    }
    return expression;
  }

  /** @throws ExpressionError */
  ports(text: string): PortExpression {
    let expression = this.portExpressions.get(text);
    if (!expression) {
      expression = portExpression(this.portEvaluator.evaluate(text));
      this.portExpressions.set(text, expression);
    }
    return expression;
  }

  /** Everything wrong with the variables themselves, used or not, for whoever checks the configuration. */
  problems(): VariableProblem[] {
    const problems: VariableProblem[] = [];
    const check = (
      group: VariableProblem['group'],
      names: Iterable<string>,
      read: (text: string) => unknown,
    ) => {
      for (const name of names) {
        try {
          read(`$${name}`);
        } catch (error) {
          if (!(error instanceof ExpressionError)) throw error;
          problems.push({ group, name, reason: error.message });
        }
      }
    };
    check('address-groups', this.addressGroups.keys(), (text) => this.addresses(text));
    check('port-groups', this.portGroups.keys(), (text) => this.ports(text));
    return problems;
  }
}
