import { CERTIFICATE, certificates, clientHello, handshake, MessageType as M, message, protocols, record, serverHello, serverName, groups, pointFormats, signatureAlgorithms } from '/work/main/packages/protocols/testing/tls/messages';
import { emptyView } from '/work/main/packages/protocols/testing/recorder';
import { TlsParser } from '/work/main/packages/protocols/src/tls/parser';
import { TlsBuffer as B } from '/work/main/packages/protocols/src/tls/buffers';
{
  const client = handshake(M.CLIENT_HELLO, clientHello({ ciphers: Array.from({length: 16}, (_, i) => 0xc000 + i), extensions: [serverName('www.example.org'), groups([29,23,24]), pointFormats([0]), signatureAlgorithms([0x403,0x804,0x401,0x503,0x805]), protocols(['h2', 'http/1.1'])] }), 0x0301);
  const server = record(22, Buffer.concat([
    message(M.SERVER_HELLO, serverHello({ extensions: [protocols(['h2'])] })),
    message(M.CERTIFICATE, certificates(CERTIFICATE, CERTIFICATE, CERTIFICATE))]));
  const view = emptyView();
  for (const mode of ['none', 'et', 'ja3+fp']) {
    const parser = new TlsParser({
      onProgress(tx, d) {
        if (mode === 'none') return;
        if (d === 0) tx.buffer(B.SNI, 0, view);
        else { tx.buffer(B.CERT_SUBJECT, 0, view); tx.buffer(B.CERT_ISSUER, 0, view); tx.buffer(B.CERT_SERIAL, 0, view); }
        if (mode === 'et') return;
        if (d === 0) tx.buffer(B.JA3_HASH, 0, view); else { tx.buffer(B.CERT_FINGERPRINT, 0, view); tx.buffer(B.JA3S_HASH, 0, view);}
      }, onTransactionEnd() {}, onEvent() {}, onUpgrade() {}, onExpectation() {},
    });
    const round = (n: number) => {
      for (let i = 0; i < n; i++) {
        parser.feed(0, client, 0, client.length);
        parser.feed(1, server, 0, server.length);
        parser.close(0); parser.close(1); parser.reset();
      }
    };
    round(20000);
    const t = process.cpuUsage();
    round(50000);
    const u = process.cpuUsage(t);
    console.log(mode, ((u.user + u.system) / 50000).toFixed(2), 'us per handshake');
  }
  const parser = new TlsParser({ onProgress() {}, onTransactionEnd() {}, onEvent() {}, onUpgrade() {}, onExpectation() {} });
  parser.feed(0, client, 0, client.length);
  const data = record(23, Buffer.alloc(16000));
  const t = process.cpuUsage();
  for (let i = 0; i < 200000; i++) for (let at = 0; at < data.length; at += 1460) parser.feed(1, data, at, Math.min(data.length, at + 1460));
  const u = process.cpuUsage(t);
  console.log('data: ns per segment', ((u.user + u.system) * 1000 / (200000 * 11)).toFixed(1));
}
