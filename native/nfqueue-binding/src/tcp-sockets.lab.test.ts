import { once } from 'node:events';
import { type AddressInfo, createServer, createConnection as open, Server, type Socket } from 'node:net';
import { describeWithAddon } from '../testing/built-addon';
import { listenTransparently, TcpSockets, TcpState } from './tcp-sockets';

const isRoot = process.getuid?.() === 0;

describeWithAddon('sockets of this host', () => {
  const asRoot = isRoot ? test : test.skip;

  describe.each([
    [4, '127.0.0.1', '127.0.0.1'],
    [6, '::1', '::1'],
    ['4 to a socket of both', '::', '127.0.0.1'],
  ] as const)('IPv%s', (_, listen, address) => {
    let server: Server;
    let accepted: Socket[];
    beforeEach(async () => {
      accepted = [];
      server = createServer((socket) => accepted.push(socket.on('error', () => undefined))).listen(0, listen);
      await once(server, 'listening');
    });
    afterEach(() => {
      for (const socket of accepted) socket.destroy();
      server.close();
    });

    const port = () => (server.address() as AddressInfo).port;
    async function connected(): Promise<Socket> {
      const socket = open({ host: address, port: port() });
      const served = once(server, 'connection');
      await once(socket, 'connect');
      await served;
      return socket;
    }
    const wide = (text: string) => (text.includes(':') ? text.replace('::', '0:0:0:0:0:0:0:') : text);

    test('are listed with both ends and their state', async () => {
      const client = await connected();
      const { all } = TcpSockets.list();
      const own = all.filter(({ localPort, remotePort }) => localPort === port() || remotePort === port());
      expect(own.map(({ state }) => state).sort()).toEqual([
        TcpState.ESTABLISHED,
        TcpState.ESTABLISHED,
        TcpState.LISTEN,
      ]);
      expect(own).toContainEqual({
        version: address.includes(':') ? 6 : 4,
        state: TcpState.ESTABLISHED,
        localAddress: wide(address),
        localPort: port(),
        remoteAddress: wide(address),
        remotePort: client.localPort,
        inode: expect.any(Number),
      });
      client.destroy();
    });

    asRoot('are destroyed: the peer gets a reset, the others go on', async () => {
      const client = await connected();
      const other = await connected();
      const sockets = TcpSockets.list();
      const chosen = sockets.all.filter(
        ({ localPort, remotePort }) => localPort === port() && remotePort === client.localPort,
      );
      expect(chosen).toHaveLength(1);
      const failed = once(client, 'error');
      expect(sockets.destroy(chosen)).toBe(1);
      expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
      // What is gone is passed over.
      expect(sockets.destroy(chosen)).toBe(0);
      const echoed = once(other, 'data');
      accepted[1]?.write('still here');
      expect(String((await echoed)[0])).toBe('still here');
      other.destroy();
      expect(() => TcpSockets.list().destroy(chosen)).toThrow(/not of this list/);
    });
  });

  asRoot.each([
    [4, '127.0.0.1'],
    [6, '::1'],
  ] as const)('a transparent socket listens on the loopback address (IPv%d)', async (family, address) => {
    const server = new Server().listen({ fd: listenTransparently(family, 16) });
    await once(server, 'listening');
    const local = server.address() as AddressInfo;
    expect(local.address).toBe(address);
    const client = open({ host: address, port: local.port });
    const [served] = (await once(server, 'connection')) as [Socket];
    served.destroy();
    client.destroy();
    server.close();
  });
});
