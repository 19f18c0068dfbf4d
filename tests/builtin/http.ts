import { bytes, type Exchange, says, type Text, talk } from './exchange';

export type Headers = Readonly<Record<string, string>>;

export interface HttpOptions {
  readonly headers?: Headers;
  readonly port?: number;
  readonly status?: string;
  readonly answer?: string;
}

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';

/** The bytes of a request. A header given in `headers` takes the place of the usual one. */
export function requestText(method: string, target: string, body: Text = '', headers: Headers = {}): string {
  const content = Buffer.from(bytes(body)).toString('latin1');
  const usual: Record<string, string> = { Host: 'www.example.org', 'User-Agent': BROWSER, Accept: '*/*' };
  if (content !== '') {
    usual['Content-Type'] = 'application/x-www-form-urlencoded';
    usual['Content-Length'] = `${content.length}`;
  }
  const given = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const lines = Object.entries(usual).filter(([name]) => !given.has(name.toLowerCase()));
  const head = [...lines, ...Object.entries(headers)]
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  return `${method} ${target} HTTP/1.1\r\n${head}\r\n${content}`;
}

export function answerText(status: string, body: string, type = 'text/html'): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** A request with its answer. */
export function request(
  method: string,
  target: string,
  body: Text = '',
  options: HttpOptions = {},
): Exchange {
  const { headers = {}, port = 80, status = '200 OK', answer = '<p>ok</p>' } = options;
  return talk(port, requestText(method, target, body, headers), says(answerText(status, answer)));
}

export function get(target: string, headers: Headers = {}, port = 80): Exchange {
  return request('GET', target, '', { headers, port });
}

export function post(target: string, body: Text, headers: Headers = {}, port = 80): Exchange {
  return request('POST', target, body, { headers, port });
}

export function put(target: string, body: Text, headers: Headers = {}, port = 80): Exchange {
  return request('PUT', target, body, { headers, port });
}

export const JSON_TYPE: Headers = { 'Content-Type': 'application/json' };
export const XML_TYPE: Headers = { 'Content-Type': 'text/xml; charset=utf-8' };

/** Body and header of a form with files. */
export function multipart(...parts: { name: string; filename?: string; type?: string; content: string }[]): {
  body: string;
  headers: Headers;
} {
  const boundary = '----WebKitFormBoundaryq7Yf2Zk1';
  const text = parts
    .map(({ name, filename, type, content }) => {
      const file = filename === undefined ? '' : `; filename="${filename}"`;
      const kind = type === undefined ? '' : `Content-Type: ${type}\r\n`;
      return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${kind}\r\n${content}\r\n`;
    })
    .join('');
  return {
    body: `${text}--${boundary}--\r\n`,
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
  };
}

export function upload(
  target: string,
  filename: string,
  content: string,
  type = 'application/octet-stream',
): Exchange {
  const { body, headers } = multipart({ name: 'file', filename, type, content });
  return post(target, body, headers);
}
